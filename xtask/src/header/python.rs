//! Python made from C headers: the interface as ctypes has it, for the package `wharf`, and a module
//! of typed methods for a library.

use super::library::STREAMS;
use crate::{
    command::Failure,
    dart::bindings::parse::{self, Item, Keyword, Member, Type, What},
};
use std::{collections::HashMap, fmt::Write};

/// A module that is made from the header of a library.
pub(crate) struct Module {
    /// The library's name.
    pub(super) library: &'static str,
    /// Its header, from the workspace's root.
    pub(super) header: &'static str,
    /// The module.
    pub(super) file: &'static str,
}

/// The module of the package that says what the header `text` says.
pub(super) fn interface(header: &str, text: &str) -> Result<String, Failure> {
    let items = items(header, text)?;
    let names: Names<'_> = items.iter().map(|item| (item.name.as_str(), item)).collect();
    let mut body = String::new();
    let mut functions = String::new();
    for item in &items {
        match &item.what {
            What::Number(value) => {
                if let Some(value) = number(value) {
                    let _ = writeln!(body, "{} = {value}", bare(&item.name));
                }
            }
            What::Record(keyword, Some(members)) => {
                body += &record(&names, &item.name, *keyword, members)?;
            }
            What::Function(signature) => {
                let mut types = vec![ctype(&names, &signature.returns)?];
                for member in &signature.takes {
                    types.push(ctype(&names, &member.ty)?);
                }
                let comma = if types.len() == 1 { "," } else { "" };
                let types = types.join(", ");
                let _ = writeln!(functions, "    \"{}\": ({types}{comma}),", item.name);
            }
            _ => {}
        }
    }
    Ok(format!(
        "# Made from {header} by `cargo xtask header`; not to be edited.\n\
         \"\"\"The C interface: its constants, how its structs lie in memory, and its functions.\"\"\"\n\n\
         import ctypes as c\nfrom typing import Any, Dict, Tuple\n\n{body}\n\n\
         #: Of each function what it returns, and what it takes. Pointers are passed as addresses.\n\
         FUNCTIONS: Dict[str, Tuple[Any, ...]] = {{\n{functions}}}\n"
    ))
}

/// The module of a library, from its header's text.
pub(super) fn module(module: &Module, text: &str) -> Result<String, Failure> {
    let items = items(module.header, text)?;
    let name = module.library;
    let mut constants = String::new();
    let mut table = String::new();
    let mut methods = String::new();
    for item in &items {
        match &item.what {
            What::Enum(all) => {
                constants += &remark("\n# ", &item.doc);
                for constant in all {
                    constants += &remark("#: ", &constant.doc);
                    let _ = writeln!(constants, "{} = {}", constant.name, constant.value);
                }
            }
            What::Function(signature) => {
                let Some(params) = params(&item.doc, &signature.takes) else { continue };
                let _ = writeln!(table, "        \"{}\": {},", item.name, tuple(&params));
                methods += &method(name, item, &params);
            }
            _ => {}
        }
    }
    let class = capital(name);
    let hints = ["Any", "Optional", "Sequence", "Union"];
    let used =
        hints.into_iter().filter(|hint| *hint == "Any" || methods.contains(&format!("{hint}[")));
    let used = used.collect::<Vec<_>>().join(", ");
    Ok(format!(
        "# Made from {} by `cargo xtask header`; not to be edited.\n\
         \"\"\"The library `{name}`.\"\"\"\n\nfrom __future__ import annotations\n\n\
         from typing import {used}\n\nimport wharf\n{constants}\n\n\
         class {class}(wharf.Bindings):\n    \
         \"\"\"The functions of the library `{name}`: each submits a task at the port.\"\"\"\n\n    \
         FUNCTIONS = {{\n{table}    }}\n{methods}",
        module.header
    ))
}

fn items(header: &str, text: &str) -> Result<Vec<Item>, Failure> {
    parse::items(text).map_err(|why| Failure::new(format!("{header}: {why}")))
}

type Names<'a> = HashMap<&'a str, &'a Item>;

// ---- the interface ----

fn record(
    names: &Names<'_>,
    name: &str,
    keyword: Keyword,
    members: &[Member],
) -> Result<String, Failure> {
    let base = if keyword == Keyword::Union { "Union" } else { "Structure" };
    let mut text = format!("\n\nclass {}(c.{base}):\n    _fields_ = [\n", class(name));
    for member in members {
        let _ = writeln!(text, "        (\"{}\", {}),", member.name, ctype(names, &member.ty)?);
    }
    Ok(text + "    ]\n\n\n")
}

fn ctype(names: &Names<'_>, ty: &Type) -> Result<String, Failure> {
    let name = match ty {
        Type::Pointer(_) | Type::Callback(_) => return Ok("c.c_void_p".to_owned()),
        Type::Named(name) => name.as_str(),
        Type::Array(..) => return Err(Failure::new("an array in a struct of the header")),
    };
    let known = match name {
        "void" => Some("None"),
        "bool" => Some("c.c_bool"),
        "int" => Some("c.c_int"),
        "float" => Some("c.c_float"),
        "double" => Some("c.c_double"),
        "size_t" => Some("c.c_size_t"),
        "ptrdiff_t" => Some("c.c_ssize_t"),
        "char" => Some("c.c_char"),
        _ => None,
    };
    if let Some(known) = known {
        return Ok(known.to_owned());
    }
    if let Some(integer) = integer(name) {
        return Ok(format!("c.c_{integer}"));
    }
    match names.get(name).map(|item| &item.what) {
        Some(What::Alias(ty)) => ctype(names, ty),
        Some(What::Callback(_)) => Ok("c.c_void_p".to_owned()),
        Some(What::Record(..)) => Ok(class(name)),
        _ => Err(Failure::new(format!("the header does not say what {name} is"))),
    }
}

/// `int64` for `int64_t`.
fn integer(name: &str) -> Option<&str> {
    let integer = name.strip_suffix("_t")?;
    let bits = integer.strip_prefix('u').unwrap_or(integer).strip_prefix("int")?;
    matches!(bits, "8" | "16" | "32" | "64").then_some(integer)
}

fn number(text: &str) -> Option<i64> {
    match text.trim_matches(['(', ')']) {
        "INT32_MIN" => Some(i32::MIN.into()),
        digits => digits.parse().ok(),
    }
}

/// `OK` for `WHARF_OK`.
fn bare(name: &str) -> &str {
    name.strip_prefix("WHARF_").unwrap_or(name)
}

/// `PortOptions` for `wharf_port_options_t`.
fn class(name: &str) -> String {
    let name = name.strip_prefix("wharf_").unwrap_or(name);
    name.strip_suffix("_t").unwrap_or(name).split('_').map(capital).collect()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

// ---- a library's module ----

/// A parameter of an exported function, as Python has it.
struct Param {
    name: String,
    /// What the package calls it.
    kind: String,
    /// What type checkers call it.
    hint: String,
}

/// The author's parameters: between the port and the tag, and the place for the task. `None` for a
/// function that answers elsewhere.
fn params(doc: &str, takes: &[Member]) -> Option<Vec<Param>> {
    let [port, tag, own @ .., _task] = takes else { return None };
    if port.name != "port" || tag.name != "tag" {
        return None;
    }
    let mut params = Vec::new();
    let mut rest = own.iter();
    while let Some(member) = rest.next() {
        let (kind, hint) = match &member.ty {
            Type::Pointer(to) => {
                let Type::Named(to) = &**to else { return None };
                match to.as_str() {
                    "char" if doc.contains(&format!("`{}` may be NULL", member.name)) => {
                        ("text".to_owned(), "Optional[str]".to_owned())
                    }
                    "char" => ("text".to_owned(), "str".to_owned()),
                    "wharf_value_t" => ("value".to_owned(), "Any".to_owned()),
                    element => {
                        // Its length follows.
                        rest.next();
                        let (kind, hint) = plain(element)?;
                        (format!("{kind}[]"), format!("Union[wharf.Buffer, Sequence[{hint}]]"))
                    }
                }
            }
            Type::Named(name) => plain(name)?,
            _ => return None,
        };
        params.push(Param { name: safe(&member.name), kind, hint });
    }
    Some(params)
}

fn plain(name: &str) -> Option<(String, String)> {
    let (kind, hint) = match name {
        "bool" => ("bool", "bool"),
        "float" | "double" => (name, "float"),
        "size_t" => ("size", "int"),
        "ptrdiff_t" => ("ptrdiff", "int"),
        "wharf_port_t" => ("port", "Union[wharf.SendPort, wharf.Port, wharf.Receiver]"),
        _ => (integer(name)?, "int"),
    };
    Some((kind.to_owned(), hint.to_owned()))
}

/// The kinds of parameters, as a tuple: that of one has a comma.
fn tuple(params: &[Param]) -> String {
    let kinds: Vec<_> = params.iter().map(|it| format!("\"{}\"", it.kind)).collect();
    format!("({}{})", kinds.join(", "), if kinds.len() == 1 { "," } else { "" })
}

fn method(library: &str, item: &Item, params: &[Param]) -> String {
    let prefix = format!("{library}_");
    let name = safe(item.name.strip_prefix(&prefix).unwrap_or(&item.name));
    let takes: Vec<_> = params.iter().map(|it| format!(", {}: {}", it.name, it.hint)).collect();
    let is_stream = item.doc.contains(STREAMS);
    let (call, gives) = if is_stream { ("_stream", "Stream") } else { ("_submit", "Task") };
    let mut head = format!("    def {name}(self{}) -> wharf.{gives}[Any]:\n", takes.concat());
    if head.len() > WIDTH {
        let takes: String =
            params.iter().map(|it| format!("        {}: {},\n", it.name, it.hint)).collect();
        head = format!("    def {name}(\n        self,\n{takes}    ) -> wharf.{gives}[Any]:\n");
    }
    let passed: String = params.iter().map(|it| format!(", {}", it.name)).collect();
    // The elements are what the method gives.
    let doc = item.doc.replace(STREAMS, "");
    let doc = doc.trim_end().replace('\\', "\\\\").replace("\"\"\"", "'''");
    let mut text = format!("\n{head}");
    if !doc.is_empty() {
        let end = if doc.contains('\n') { "\n        " } else { "" };
        text += &format!("        \"\"\"{}{end}\"\"\"\n", doc.replace('\n', "\n        "));
    }
    text.push_str(&format!(
        "        return self.{call}(self._functions[\"{}\"]{passed})\n",
        item.name
    ));
    text.replace("\n        \n", "\n\n")
}

/// How long a line may be, with its end.
const WIDTH: usize = 101;

/// A name that Python keeps for itself gets a stroke behind it.
fn safe(name: &str) -> String {
    const KEPT: &[&str] = &[
        "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
        "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
        "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "self", "try", "while",
        "with", "yield",
    ];
    if KEPT.contains(&name) { format!("{name}_") } else { name.to_owned() }
}

/// A comment before each line of a text.
fn remark(mark: &str, text: &str) -> String {
    let mut first = mark;
    let mut out = String::new();
    for line in text.lines() {
        out += format!("{first}{line}").trim_end_matches(' ');
        out.push('\n');
        first = mark.trim_start();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: Module = Module { library: "x", header: "x.h", file: "x.py" };
    const HEAD: &str = "typedef int32_t wharf_status_t;\n";

    fn made(functions: &str) -> String {
        module(&X, &format!("{HEAD}{functions}")).unwrap()
    }

    #[test]
    fn each_kind_of_parameter_has_its_name_and_its_type() {
        let text = made(
            "/** Does.\n *\n * `t` may be NULL. */ wharf_status_t x_f(wharf_port_t port, uint64_t tag, \
             const char *s, const char *t, size_t from, const uint16_t *row, size_t row_length, \
             bool yes, const wharf_value_t *v, wharf_port_t to, wharf_task_t *task);",
        );
        let kinds =
            "\"x_f\": (\"text\", \"text\", \"size\", \"uint16[]\", \"bool\", \"value\", \"port\"),";
        assert!(text.contains(kinds), "{text}");
        assert!(text.contains("        from_: int,\n"), "{text}");
        assert!(text.contains("        s: str,\n        t: Optional[str],\n"), "{text}");
        assert!(
            text.contains("(self._functions[\"x_f\"], s, t, from_, row, yes, v, to)"),
            "{text}"
        );
        assert!(text.contains("\"\"\"Does.\n\n        `t` may be NULL.\n        \"\"\""), "{text}");
    }

    #[test]
    fn a_function_that_returns_a_stream_gives_one() {
        let text = made(&format!(
            "/** Counts.\n *\n * {STREAMS} */ wharf_status_t x_count(wharf_port_t port, uint64_t tag, \
             uint8_t to, wharf_task_t *task);"
        ));
        let method = "    def count(self, to: int) -> wharf.Stream[Any]:\n        \"\"\"Counts.\"\"\"\n        \
                      return self._stream(self._functions[\"x_count\"], to)\n";
        assert!(text.contains(method), "{text}");
    }

    #[test]
    fn a_function_that_answers_elsewhere_is_left_out() {
        let text = made("wharf_status_t f(int64_t dart_port, wharf_task_t *task);");
        assert!(!text.contains("\"f\""), "{text}");
    }

    #[test]
    fn the_interface_has_constants_structs_and_functions() {
        let header = "#define WHARF_A (-1)\n#define WHARF_B INT32_MIN\ntypedef uint64_t wharf_port_t;\n\
                      typedef struct wharf_a_b_t { wharf_port_t p; const char *s; } wharf_a_b_t;\n\
                      bool wharf_f(wharf_port_t port, wharf_a_b_t *out);";
        let text = interface("x.h", header).unwrap();
        assert!(text.contains("\nA = -1\nB = -2147483648\n"), "{text}");
        assert!(text.contains("class AB(c.Structure):\n    _fields_ = [\n        (\"p\", c.c_uint64),\n        (\"s\", c.c_void_p),\n"), "{text}");
        assert!(text.contains("\"wharf_f\": (c.c_bool, c.c_uint64, c.c_void_p),"), "{text}");
        assert!(interface("x.h", "bool wharf_f(nothing_t x);").is_err());
    }
}
