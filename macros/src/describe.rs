//! What a library says of its exported functions, in C, for those who make a header of it.

use crate::signature::{Kind, Options, Param, element};
use syn::{ItemFn, ReturnType, Type, parse_quote};

/// The function's declaration in C, with its comment: what the library says of itself in its section
/// `.wharf.exports`, from which a header is made without running it.
pub(crate) fn prototype(function: &ItemFn, options: &Options, params: &[Param]) -> String {
    let mut lines = doc_lines(function);
    for Param { name, .. } in params.iter().filter(|param| is_option(&param.r#type)) {
        let said = lines.iter().any(|line| line.contains(&format!("`{name}` may be NULL")));
        if !said {
            lines.extend([String::new(), format!(" `{name}` may be NULL.")]);
        }
    }
    let mut text = comment(&lines);
    let to = if options.dart { "int64_t dart_port" } else { "wharf_port_t port, uint64_t tag" };
    let before = format!("wharf_status_t {}(", options.name);
    let mut all = vec![to.to_owned()];
    for Param { name, r#type, kind } in params {
        match kind {
            Kind::Reply => {}
            // A number of nanoseconds says so in its name.
            Kind::Plain if is_duration(r#type) => all.push(format!("uint64_t {name}_ns")),
            Kind::Plain => all.push(format!("{}{name}", c_type(r#type))),
            Kind::Slice => {
                let element = element(r#type).to_string();
                all.push(format!("const {}*{name}", c_name_of(&element)));
                all.push(format!("size_t {name}_length"));
            }
        }
    }
    all.push("wharf_task_t *task".to_owned());
    let line = format!("{before}{});\n", all.join(", "));
    if line.len() <= WIDTH {
        return text + &line;
    }
    let between = format!(",\n{:width$}", "", width = before.len());
    text += &format!("{before}{});\n", all.join(&between));
    text
}

/// How long a line may be, with its end.
const WIDTH: usize = 101;

/// Rust's documentation as a comment in C, where nothing can be linked.
fn comment(lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines {
        let line = line.replace("*/", "* /").replace("[`", "`").replace("`]", "`");
        match line.trim_end() {
            " # Errors" => text += " * Errors:",
            // The text follows the heading at once.
            "" if text.ends_with("Errors:") => {}
            line if text.ends_with("Errors:") => text += &format!("{line}\n"),
            line => text += &format!(" *{line}\n"),
        }
    }
    if text.is_empty() { text } else { format!("/**\n{text} */\n") }
}

fn doc_lines(function: &ItemFn) -> Vec<String> {
    let mut lines = Vec::new();
    for attribute in &function.attrs {
        let syn::Meta::NameValue(pair) = &attribute.meta else { continue };
        let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else {
            continue;
        };
        if pair.path.is_ident("doc") {
            lines.push(text.value());
        }
    }
    lines
}

fn is_duration(r#type: &Type) -> bool {
    is_named(r#type, "Duration")
}

/// Of all optional types, text alone can be passed.
fn is_option(r#type: &Type) -> bool {
    is_named(r#type, "Option")
}

fn is_named(r#type: &Type, name: &str) -> bool {
    let Type::Path(path) = r#type else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == name)
}

/// The C type of a parameter, ready for its name to follow.
fn c_type(r#type: &Type) -> String {
    let Type::Path(path) = r#type else { return "const wharf_value_t *".to_owned() };
    let last = path.path.segments.last().map_or(String::new(), |last| last.ident.to_string());
    c_name_of(&last)
}

fn c_name_of(rust: &str) -> String {
    match rust {
        "i8" | "i16" | "i32" | "i64" => format!("int{}_t ", &rust[1..]),
        "u8" | "u16" | "u32" | "u64" => format!("uint{}_t ", &rust[1..]),
        "isize" => "ptrdiff_t ".to_owned(),
        "usize" => "size_t ".to_owned(),
        "f32" => "float ".to_owned(),
        "f64" => "double ".to_owned(),
        "bool" => "bool ".to_owned(),
        "SendPort" => "wharf_port_t ".to_owned(),
        "String" | "Option" => "const char *".to_owned(),
        _ => "const wharf_value_t *".to_owned(),
    }
}

/// The type whose description goes with the function's; `()` where there is none to be had.
pub(crate) fn outcome(function: &ItemFn, options: &Options) -> Type {
    match &function.sig.output {
        ReturnType::Type(_, r#type)
            if !options.stream && !matches!(**r#type, Type::ImplTrait(_)) =>
        {
            (**r#type).clone()
        }
        _ => parse_quote!(()),
    }
}
