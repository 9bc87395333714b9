//! `cargo xtask header`: ffi/include/wharf.h, made from the Rust source of ffi/, and the headers of
//! libraries, made from what they say of themselves; and what is made of these for Node and Python. All
//! committed.

mod library;
mod node;
mod python;

use crate::{
    command::{Command, Failure},
    sh,
};
use library::Library;
use std::{fs, path::Path};

const HEADER: &str = "ffi/include/wharf.h";

/// The libraries whose headers are committed.
const LIBRARIES: &[Library] = &[
    Library { name: "pages", header: "examples/pages/include/pages.h" },
    Library { name: "harbour", header: "tests/hosts/c/harbour.h" },
];

/// What the package for Python knows of the interface.
const PYTHON: &str = "ffi/hosts/python/wharf/_abi.py";

/// The modules for Python that are committed.
const MODULES: &[python::Module] = &[
    python::Module {
        library: "pages",
        header: "examples/pages/include/pages.h",
        file: "examples/python/pages_bindings.py",
    },
    python::Module {
        library: "harbour",
        header: "tests/hosts/c/harbour.h",
        file: "tests/hosts/python/harbour.py",
    },
];

pub(crate) const COMMAND: Command = Command {
    name: "header",
    about: "make wharf.h from the Rust source, libraries' headers from what they say, and modules of both",
    help: "usage: cargo xtask header [--check]\n\n  --check   change nothing; fail unless the \
           committed headers are what the source makes\n",
    run: |args| {
        use lexopt::prelude::*;
        let mut check = false;
        while let Some(arg) = args.next()? {
            match arg {
                Long("check") => check = true,
                other => return Err(other.unexpected().into()),
            }
        }
        run(check)
    },
};

/// Writes the headers, or with `check` compares them with what is committed.
pub(crate) fn run(check: bool) -> Result<(), Failure> {
    let wharf = make(sh::root())?;
    one(PYTHON, python::interface(HEADER, &wharf)?, check)?;
    one(HEADER, wharf, check)?;
    for library in LIBRARIES {
        let header = library::make(library)?;
        for module in MODULES.iter().filter(|module| module.library == library.name) {
            one(module.file, python::module(module, &header)?, check)?;
        }
        one(library.header, header, check)?;
    }
    node::make()?.into_iter().try_for_each(|(file, text)| one(&file, text, check))
}

fn one(header: &str, made: String, check: bool) -> Result<(), Failure> {
    let path = sh::root().join(header);
    if !check {
        return fs::write(&path, made).map_err(|why| Failure::new(format!("{header}: {why}")));
    }
    match fs::read_to_string(&path) {
        Ok(committed) if committed == made => Ok(()),
        Ok(_) => Err(Failure::new(format!(
            "{header} is not what the source makes: run `cargo xtask header` and commit it"
        ))),
        Err(why) => Err(Failure::new(format!("{header}: {why}"))),
    }
}

fn make(root: &Path) -> Result<String, Failure> {
    let ffi = root.join("ffi");
    let config = cbindgen::Config::from_file(ffi.join("cbindgen.toml"))
        .map_err(|why| Failure::new(format!("ffi/cbindgen.toml: {why}")))?;
    let bindings = cbindgen::Builder::new()
        .with_crate(&ffi)
        .with_config(config)
        .generate()
        .map_err(|why| Failure::new(format!("the header can't be made: {why}")))?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = String::from_utf8(text)
        .map_err(|why| Failure::new(format!("the header can't be made: {why}")))?;
    Ok(for_c_readers(&text))
}

/// What Rust's readers expect in a comment, in the words that C's do.
fn for_c_readers(text: &str) -> String {
    text.replace(" * # Safety\n *\n", " * Pointers:\n")
        .replace("#define WHARF_FOREVER -1", "#define WHARF_FOREVER (-1)")
        .replace("#endif // __cplusplus", "#endif /* __cplusplus */")
        .replace("#endif  // __cplusplus", "#endif /* __cplusplus */")
        .replace("#endif  /* WHARF_H */", "#endif /* WHARF_H */")
}
