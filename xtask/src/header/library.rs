//! A header from what a library built on wharf says of itself, in its section `.wharf.exports`.
//!
//! The section holds records in the order in which a linker came by them. Each begins with a comment
//! that says whether it is about a type (`T`) or a function (`F`), and where that stands in the
//! source; by these they are put in order, types first. A type that several functions return is told
//! by each of them, and taken once.

use crate::{command::Failure, sh};
use std::{fs, process::Command};

/// A library in the workspace, and the header that is made of it.
pub(crate) struct Library {
    pub(crate) name: &'static str,
    pub(crate) header: &'static str,
}

/// What a library says of a function that returns a stream, in the words of `#[export]` (`macros/src/describe.rs`),
/// which has no other way to tell. Where the two differ, the modules made of the tests' libraries do.
pub(super) const STREAMS: &str =
    "Each element comes as a message of kind WHARF_KIND_DATA; the result is how many there were.";

/// The header's text; the library is built for it.
pub(crate) fn make(library: &Library) -> Result<String, Failure> {
    sh::run(sh::cargo(["build", "--quiet", "--package", library.name]))?;
    let file = sh::target_dir()?.join("debug").join(format!("lib{}.so", library.name));
    let section = sh::work_dir("header")?.join(library.name);
    let mut objcopy = Command::new("objcopy");
    objcopy.args(["-O", "binary", "--only-section=.wharf.exports"]).arg(file).arg(&section);
    sh::run(objcopy)?;
    let text = fs::read_to_string(&section)
        .map_err(|why| Failure::new(format!("cannot read {}: {why}", section.display())))?;
    Ok(header(library.name, &text.replace('\0', "")))
}

/// The header of the library `name` that says `section` of itself.
fn header(name: &str, section: &str) -> String {
    let mut records: Vec<Record<'_>> = section.split("/*@").filter_map(Record::read).collect();
    records.sort_unstable();
    let guard = format!("{}_H", name.to_uppercase());
    let mut seen: Vec<&str> = Vec::new();
    let mut body = String::new();
    for record in &records {
        if !seen.contains(&record.text) {
            body += &format!("\n{}", unguarded(record.text));
            seen.push(record.text);
        }
    }
    format!(
        "/* The library `{name}` in C. Made by `cargo xtask header` from what the library says of \
         itself; not to\n * be edited.\n *\n\
         {ABOUT} */\n#ifndef {guard}\n#define {guard}\n\n\
         #include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\n#include \"wharf.h\"\n\n\
         #ifdef __cplusplus\nextern \"C\" {{\n#endif /* __cplusplus */\n\
         {body}\n#ifdef __cplusplus\n}} /* extern \"C\" */\n#endif /* __cplusplus */\n\n\
         #endif /* {guard} */\n"
    )
}

/// What is true of every exported function.
const ABOUT: &str = " \
* Each function returns at once. A refused call is answered by a status, and nothing else happens: an
 * argument is NULL or no UTF-8, the port is closed or shut down. An accepted one is answered by
 * WHARF_OK, and then by exactly one terminal message at `port` with the tag that was given: see
 * wharf.h for the kinds. What is passed in is copied during the call, but for external data. `task`,
 * if it is not NULL, receives the id with which the task can be cancelled. All functions may be
 * called from any thread.
";

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Record<'a> {
    is_function: bool,
    file: &'a str,
    line: u32,
    text: &'a str,
}

impl<'a> Record<'a> {
    /// Reads `F src/lib.rs:7*/`, a line's end, and the text. `None` if there is no text.
    fn read(record: &'a str) -> Option<Self> {
        let (place, text) = record.split_once("*/\n")?;
        let (sort, place) = place.split_once(' ')?;
        let (file, line) = place.rsplit_once(':')?;
        let record = Self { is_function: sort == "F", file, line: line.parse().ok()?, text };
        (!text.trim().is_empty()).then_some(record)
    }
}

/// Without the guard that keeps the section itself compilable.
fn unguarded(text: &str) -> String {
    let lines = text.lines().filter(|line| {
        !["#ifndef WHARF_C_", "#define WHARF_C_", "#endif"].iter().any(|it| line.starts_with(it))
    });
    lines.map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_put_in_order_and_types_are_told_once() {
        let kind = "#ifndef WHARF_C_A\n#define WHARF_C_A\nenum {\n    A = 1,\n};\n#endif\n";
        let section = format!(
            "/*@T b.rs:9*/\n{kind}/*@F b.rs:12*/\ntwelve();\n/*@T a.rs:1*/\n/*@F b.rs:9*/\n\
             nine();\n/*@T b.rs:12*/\n{kind}"
        );
        let made = header("x", &section);
        let at =
            |what: &str| made.find(what).unwrap_or_else(|| panic!("{what} is missing: {made}"));
        assert!(at("A = 1") < at("nine();") && at("nine();") < at("twelve();"));
        assert_eq!(made.matches("A = 1").count(), 1);
        assert!(!made.contains("WHARF_C_") && made.contains("#ifndef X_H\n"));
    }
}
