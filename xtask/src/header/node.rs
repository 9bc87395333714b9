//! Modules for Node, from the headers that libraries are described by: one in JavaScript, and its types.
//!
//! A function of a library's becomes a `WharfFunction` of the package `wharf`, with its comment; a constant stays one.

use super::library::STREAMS;
use crate::{
    command::Failure,
    dart::bindings::parse::{self, Constant, Item, Member, Signature, Type, What},
    sh,
};
use std::fs;

/// A library's header, and what is made of it: `file.mjs` and `file.d.mts`.
struct Module {
    library: &'static str,
    header: &'static str,
    file: &'static str,
}

const MODULES: &[Module] = &[
    Module {
        library: "pages",
        header: "examples/pages/include/pages.h",
        file: "examples/node/pages.g",
    },
    Module {
        library: "harbour",
        header: "tests/hosts/c/harbour.h",
        file: "tests/hosts/node/harbour.g",
    },
];

/// Each file and its text.
pub(super) fn make() -> Result<Vec<(String, String)>, Failure> {
    let mut made = Vec::new();
    for module in MODULES {
        let wrong = |why: String| Failure::new(format!("{}: {why}", module.header));
        let text = fs::read_to_string(sh::root().join(module.header))
            .map_err(|why| wrong(why.to_string()))?;
        let items = parse::items(&text).map_err(wrong)?;
        let (script, types) = modules(module.library, &items).map_err(wrong)?;
        made.push((format!("{}.mjs", module.file), script));
        made.push((format!("{}.d.mts", module.file), types));
    }
    Ok(made)
}

/// The module and its types.
fn modules(library: &str, items: &[Item]) -> Result<(String, String), String> {
    let about = format!(
        "// Made from what the library `{library}` says of itself by `cargo xtask header`; not to be \
         edited.\n"
    );
    let class = format!("{}Functions", camel(library, true));
    let intro = format!("/** The functions of the library `{library}`. */\n");
    let mut script = about.clone();
    let mut types = format!(
        "{about}\nimport type {{ WharfFunction, WharfLibrary{{PORT}}, WharfValue }} from 'wharf';\n"
    );
    let (mut bound, mut declared) = (String::new(), String::new());
    for item in items {
        match &item.what {
            What::Enum(constants) => {
                script += &group(item, constants, |it| {
                    format!("export const {} = {};", it.name, it.value)
                });
                types += &group(item, constants, |it| {
                    format!("export declare const {}: {};", it.name, it.value)
                });
            }
            What::Function(signature) => {
                let Some(parameters) = parameters(signature)? else { continue };
                let about =
                    item.doc.replace(STREAMS, "Called by `port.stream`, it gives each of them.");
                let (name, doc) = (camel(&item.name, false), comment(&about, "  "));
                let list = join(&parameters, |it| format!("'{}'", it.kind));
                let call = format!("this.{name} = library.function('{}', [{list}]);\n", item.name);
                bound += &format!("{}    {call}", comment(&about, "    "));
                let list = join(&parameters, |it| format!("{}: {}", it.name, it.typescript));
                declared += &format!("\n{doc}  readonly {name}: WharfFunction<[{list}]>;\n");
            }
            // What belongs to the header as a file.
            _ => {}
        }
    }
    script += &format!(
        "\n{intro}export class {class} {{\n  /** Looks them up. */\n  constructor(library) {{\n{bound}  }}\n}}\n"
    );
    types += &format!(
        "\n{intro}export declare class {class} {{\n  /** Looks them up. */\n  constructor(library: WharfLibrary);\n{declared}}}\n"
    );
    let uses = |name: &str| declared.contains(name);
    types = types.replace("{PORT}", if uses("WharfSendPort") { ", WharfSendPort" } else { "" });
    if !uses("WharfValue") {
        types = types.replace(", WharfValue }", " }");
    }
    Ok((script, types))
}

/// The constants of an enum, each with its comment.
fn group(item: &Item, constants: &[Constant], line: impl Fn(&Constant) -> String) -> String {
    let mut text = String::from("\n");
    for line in item.doc.lines() {
        text += &format!("// {line}\n");
    }
    for constant in constants {
        text += &format!("\n{}{}\n", comment(&constant.doc, ""), line(constant));
    }
    text
}

/// What JavaScript passes for a parameter.
struct Parameter {
    name: String,
    /// The package's word for its type.
    kind: String,
    typescript: &'static str,
}

/// What stands between the tag and the task's place; `None` for a function that answers a port of Dart's.
fn parameters(signature: &Signature) -> Result<Option<Vec<Parameter>>, String> {
    let named = |at: usize| signature.takes.get(at).map_or("", |it| it.name.as_str());
    if named(0) != "port" || named(1) != "tag" || named(signature.takes.len() - 1) != "task" {
        return Ok(None);
    }
    let mut rest = &signature.takes[2..signature.takes.len() - 1];
    let mut parameters = Vec::new();
    while let [first, others @ ..] = rest {
        let length = format!("{}_length", first.name);
        let is_slice = others.first().is_some_and(|next| next.name == length);
        parameters.push(parameter(first, is_slice)?);
        rest = &others[usize::from(is_slice)..];
    }
    Ok(Some(parameters))
}

fn parameter(member: &Member, is_slice: bool) -> Result<Parameter, String> {
    let unknown = || format!("`{}` is of a type that Node's module has no word for", member.name);
    let (kind, typescript) = match &member.ty {
        Type::Pointer(to) => match &**to {
            Type::Named(name) if is_slice => slice(name).ok_or_else(unknown)?,
            Type::Named(name) if name == "char" => ("string".to_owned(), "string | null"),
            Type::Named(name) if name == "wharf_value_t" => ("value".to_owned(), "WharfValue"),
            _ => return Err(unknown()),
        },
        Type::Named(name) => plain(name).ok_or_else(unknown)?,
        _ => return Err(unknown()),
    };
    Ok(Parameter { name: camel(&member.name, false), kind, typescript })
}

fn plain(c: &str) -> Option<(String, &'static str)> {
    Some(match c {
        "bool" => ("bool".to_owned(), "boolean"),
        "float" | "double" => (c.to_owned(), "number"),
        "size_t" => ("uint64".to_owned(), "number | bigint"),
        "ptrdiff_t" => ("int64".to_owned(), "number | bigint"),
        "wharf_port_t" => ("port".to_owned(), "WharfSendPort"),
        "int64_t" | "uint64_t" => (c.trim_end_matches("_t").to_owned(), "number | bigint"),
        _ if c.contains("int") => (c.trim_end_matches("_t").to_owned(), "number"),
        _ => return None,
    })
}

fn slice(element: &str) -> Option<(String, &'static str)> {
    let array = match element {
        "int8_t" => "Int8Array",
        "uint8_t" => return Some(("bytes".to_owned(), "Uint8Array")),
        "int16_t" => "Int16Array",
        "uint16_t" => "Uint16Array",
        "int32_t" => "Int32Array",
        "uint32_t" => "Uint32Array",
        "int64_t" => "BigInt64Array",
        "uint64_t" => "BigUint64Array",
        "float" => "Float32Array",
        "double" => "Float64Array",
        _ => return None,
    };
    Some((format!("{}[]", element.trim_end_matches("_t")), array))
}

fn join(parameters: &[Parameter], one: impl Fn(&Parameter) -> String) -> String {
    parameters.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn comment(doc: &str, indent: &str) -> String {
    let lines: Vec<&str> = doc.trim_end().lines().collect();
    match lines[..] {
        [] => String::new(),
        [line] => format!("{indent}/** {line} */\n"),
        _ => {
            let rows =
                lines.iter().map(|line| format!("{indent} * {line}").trim_end().to_owned() + "\n");
            format!("{indent}/**\n{}{indent} */\n", rows.collect::<String>())
        }
    }
}

/// `load_page` as `loadPage`, or as `LoadPage`.
fn camel(name: &str, first_too: bool) -> String {
    let mut upper = first_too;
    let mut text = String::new();
    for char in name.chars() {
        if char == '_' {
            upper = true;
        } else {
            text.push(if upper { char.to_ascii_uppercase() } else { char });
            upper = false;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_keeps_its_comment_and_a_slice_is_one_parameter() {
        let items = parse::items(
            "enum {\n    /** One. */\n    A_ONE = 1,\n};\n\
             /** Adds. */\nwharf_status_t add_all(wharf_port_t port, uint64_t tag, \
             const int32_t *numbers, size_t numbers_length, const wharf_value_t *more, \
             wharf_port_t to, bool is_slow, wharf_task_t *task);\n\
             wharf_status_t bare(int64_t dart_port, wharf_task_t *task);\n",
        );
        let (script, types) = modules("sums", &items.unwrap()).unwrap();
        assert!(script.contains("/** One. */\nexport const A_ONE = 1;\n"), "{script}");
        let bound = "    /** Adds. */\n    this.addAll = library.function('add_all', \
                     ['int32[]', 'value', 'port', 'bool']);\n";
        assert!(script.contains(bound) && !script.contains("bare"), "{script}");
        let declared = "  readonly addAll: WharfFunction<[numbers: Int32Array, more: WharfValue, \
                        to: WharfSendPort, isSlow: boolean]>;";
        assert!(
            types.contains(declared) && types.contains("WharfLibrary, WharfSendPort"),
            "{types}"
        );
    }

    #[test]
    fn a_stream_says_how_it_is_called() {
        let header = format!(
            "/** Numbers.\n *\n * {STREAMS} */\nwharf_status_t count(wharf_port_t port, uint64_t tag, \
             wharf_task_t *task);\n"
        );
        let (script, types) = modules("x", &parse::items(&header).unwrap()).unwrap();
        for text in [script, types] {
            assert!(
                text.contains("Called by `port.stream`") && !text.contains("WHARF_KIND"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_javascript_can_not_pass_is_refused() {
        let items = parse::items(
            "wharf_status_t f(wharf_port_t port, uint64_t tag, void *what, wharf_task_t *task);\n",
        );
        assert!(modules("x", &items.unwrap()).unwrap_err().contains("`what`"));
    }
}
