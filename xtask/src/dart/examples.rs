//! The examples of the Dart documentation, made into a program of tests: each is compiled and run as it
//! stands there, with a library and a site of the tests' in the place of those that it names.

use crate::{command::Failure, sh};
use std::{fs, path::Path};

/// The program's file name.
pub(super) const PROGRAM: &str = "examples_test.dart";

/// Where there are examples, and what each prints.
const PAGES: [(&str, &[&str]); 3] = [
    ("README.md", &["200 A title"]),
    ("ffi/hosts/dart/README.md", &["42"]),
    ("ffi/hosts/dart/lib/wharf.dart", &["A title"]),
];

/// The library's part of the package's README, as the tests' library has it.
const IN_RUST: (&str, &str) = ("ffi/hosts/dart/README.md", "tests/hosts/dart/native/src/readme.rs");

/// What stands in the examples for what only a reader has.
const STAND_INS: [(&str, &str); 4] = [
    ("'libsums.so'", "sumsLibrary"),
    ("'libpages.so'", "pagesLibrary"),
    ("'https://dart.dev/'", "exampleSite"),
    ("'http://localhost/'", "exampleSite"),
];

/// Writes the program, and a library for each example that is a program itself.
pub(super) fn write(folder: &Path) -> Result<(), Failure> {
    let (readme, source) = IN_RUST;
    let shown = blocks(&text(readme)?, "rust");
    let has = text(source)?;
    if let Some(other) = shown.iter().find(|block| !has.contains(block.as_str())) {
        return Err(Failure::new(format!("{source} does not have what {readme} shows:\n{other}")));
    }
    let mut program = Program::default();
    for (page, printed) in PAGES {
        let found = blocks(&text(page)?, "dart");
        if found.len() != printed.len() {
            let text =
                format!("{page} has {} examples: say in PAGES what each prints", found.len());
            return Err(Failure::new(text));
        }
        for (block, printed) in found.iter().zip(printed) {
            program.add(folder, page, block, printed)?;
        }
    }
    super::write(&folder.join(PROGRAM), &program.source())
}

/// The parts of the program.
#[derive(Default)]
struct Program {
    imports: String,
    functions: String,
    tests: String,
}

impl Program {
    fn add(
        &mut self,
        folder: &Path,
        page: &str,
        block: &str,
        printed: &str,
    ) -> Result<(), Failure> {
        let number = self.tests.lines().count();
        let mut code = block.to_owned();
        for (word, stand_in) in STAND_INS {
            code = code.replace(word, stand_in);
        }
        let function = if code.contains(" main(") {
            let code = code.replacen("\n\n", &format!("\n{}\n", import("support/examples")), 1);
            super::write(&folder.join(format!("example{number}.dart")), &code)?;
            self.imports += &format!("import 'example{number}.dart' as example{number};\n");
            format!("example{number}.main")
        } else {
            self.functions += &format!("Future<void> _example{number}() async {{\n{code}\n}}\n\n");
            format!("_example{number}")
        };
        self.tests += &format!("  example('{page}', {function}, '{printed}');\n");
        Ok(())
    }

    fn source(&self) -> String {
        let Self { imports, functions, tests } = self;
        let [check, examples] = ["support/check", "support/examples"].map(import);
        let [pages, scrap] =
            ["../../../examples/dart/pages.g", "../../../examples/dart/scrap"].map(import);
        format!(
            "import 'dart:async';\nimport 'package:wharf/wharf.dart';\n{pages}{scrap}{check}{examples}\
             {imports}\n{functions}Future<void> main(List<String> args) async {{\n  \
               sumsLibrary = args[0];\n  pagesLibrary = args[1];\n{tests}  await runTests();\n}}\n"
        )
    }
}

fn import(name: &str) -> String {
    format!("import 'file://{}/{name}.dart';\n", sh::root().join("tests/hosts/dart").display())
}

/// What stands between the fences for a language, in Markdown or in a doc comment.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}");
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in page.lines() {
        let line =
            line.strip_prefix("///").map_or(line, |doc| doc.strip_prefix(' ').unwrap_or(doc));
        block = match block {
            None => (line == fence).then(String::new),
            Some(block) if line == "```" => {
                blocks.push(block);
                None
            }
            Some(block) => Some(block + line + "\n"),
        };
    }
    blocks
}

fn text(file: &str) -> Result<String, Failure> {
    let path = sh::root().join(file);
    fs::read_to_string(&path)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_stand_between_fences_in_pages_and_in_comments() {
        let page = "x\n```dart\na;\n\nb;\n```\n```rust\nc\n```\n/// ```dart\n/// d;\n///\n/// e;\n/// ```\n";
        assert_eq!(blocks(page, "dart"), ["a;\n\nb;\n", "d;\n\ne;\n"]);
        assert_eq!(blocks(page, "rust"), ["c\n"]);
    }

    #[test]
    fn no_page_with_examples_is_left_out() {
        let library = sh::root().join("ffi/hosts/dart/lib");
        let folders = [library.join("src"), library];
        let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap().flatten());
        for file in files.map(|entry| entry.path()).filter(|path| path.is_file()) {
            let name = file.strip_prefix(sh::root()).unwrap().to_string_lossy().into_owned();
            let known = PAGES.iter().any(|(page, _)| *page == name);
            assert!(known || blocks(&text(&name).unwrap(), "dart").is_empty(), "{name}");
        }
    }
}
