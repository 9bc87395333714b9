//! A library describes itself: the declarations in its section `.wharf.exports` are C, and say the
//! same as the header that was written by hand.

mod toolchain;

use std::{fs, process::Command};
use toolchain::{compiler, library, root, run, scratch};

#[test]
fn the_declarations_in_a_library_agree_with_its_header() {
    let section = scratch().join("exports.txt");
    let mut objcopy = Command::new("objcopy");
    objcopy.args(["-O", "binary", "--only-section=.wharf.exports"]);
    run(objcopy.arg(library().join("libharbour.so")).arg(&section), "objcopy");
    let declarations = fs::read_to_string(&section).unwrap();
    let named = |name: &str| declarations.contains(&format!("wharf_status_t {name}(wharf_port_t"));
    assert!(named("harbour_add") && named("harbour_sum") && named("harbour_turn"));
    assert!(
        declarations.contains("/**\n * Text there and back.\n */\nwharf_status_t harbour_echo")
    );

    // Declared twice, a function has to be declared alike.
    let both = scratch().join("exports.h");
    let declarations = declarations.replace('\0', "");
    fs::write(&both, format!("#include \"harbour.h\"\n{declarations}")).unwrap();
    let mut cc = Command::new(compiler());
    cc.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c"]);
    cc.arg("-I").arg(root().join("ffi/include")).arg("-I").arg(root().join("tests/hosts/c"));
    run(cc.arg(&both), "compiling the declarations");
}
