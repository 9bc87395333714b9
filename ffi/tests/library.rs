//! What the compiled libraries show to a linker: their names, and nothing more than these.

mod toolchain;

use std::{collections::BTreeSet, fs, path::Path, process::Command};
use toolchain::{library, root, run};

/// The functions that a header declares: names right before a parenthesis, outside of comments.
fn declared(header: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(header)).unwrap();
    let (mut code, mut rest) = (String::new(), text.as_str());
    while let Some((before, comment)) = rest.split_once("/*") {
        code += before;
        rest = comment.split_once("*/").unwrap().1;
    }
    code += rest;
    let lines = code.lines().filter(|line| !line.starts_with('#'));
    let code = lines.collect::<Vec<_>>().join("\n");
    let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let names = code.split('(').map(|before| before.rsplit(|char| !is_name(char)).next().unwrap());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The functions and data that a shared library offers.
fn exported(library: &Path) -> BTreeSet<String> {
    let mut nm = Command::new("nm");
    nm.args(["--dynamic", "--defined-only", "--format=posix"]).arg(library);
    let text = run(&mut nm, "nm");
    text.lines().filter_map(|line| line.split([' ', '@']).next()).map(str::to_owned).collect()
}

fn dynamic_section(library: &Path) -> String {
    run(Command::new("readelf").args(["--dynamic", "--wide"]).arg(library), "readelf")
}

#[test]
fn libwharf_exports_what_the_header_declares_and_nothing_else() {
    let declared = declared("ffi/include/wharf.h");
    assert!(declared.contains("wharf_port_open") && declared.len() > 30, "{declared:?}");
    assert!(
        declared.iter().all(|name| name.starts_with("wharf_") || name == "store_dart_post_cobject"),
        "{declared:?}"
    );
    assert_eq!(exported(&library().join("libwharf.so")), declared);
}

/// The program that calls every function in every state leaves none out.
#[test]
fn every_function_has_its_row_in_the_table() {
    let path = root().join("tests/hosts/c/p7_every_function_everywhere.c");
    let text = fs::read_to_string(path).unwrap();
    let rows = text.lines().filter_map(|line| line.trim_start().strip_prefix("ROW("));
    let rows: BTreeSet<_> = rows.map(|row| row.split(',').next().unwrap().to_owned()).collect();
    assert_eq!(rows, declared("ffi/include/wharf.h"));
}

#[test]
fn an_authors_library_exports_its_own_functions_beside_them() {
    let mut all = declared("ffi/include/wharf.h");
    let mut own = declared("tests/hosts/c/harbour.h");
    own.extend(declared("tests/hosts/c/hooks.h"));
    assert!(own.iter().all(|name| name.starts_with("harbour_")), "{own:?}");
    all.extend(own);
    assert_eq!(exported(&library().join("libharbour.so")), all);
}

/// Programs keep the file that they were linked against, and its code stays under its threads.
#[test]
fn libwharf_has_a_soname_and_is_never_unloaded() {
    let section = dynamic_section(&library().join("libwharf.so"));
    assert!(section.contains("[libwharf.so.0]"), "{section}");
    assert!(section.contains("NODELETE"), "{section}");
}
