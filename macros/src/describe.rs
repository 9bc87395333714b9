//! What a library says of its exported functions, in C, for those who make a header of it.

use crate::{
    names::{free_name, plain},
    signature::{Kind, Options, Param, element},
};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{ItemFn, ReturnType, Type, parse_quote};

/// The function's declaration in C, with its comment: what the library says of itself in its section
/// `.wharf.exports`, from which a header is made without running it.
pub(crate) fn prototype(function: &ItemFn, options: &Options, params: &[Param]) -> String {
    let mut taken: Vec<String> = ["port", "tag", "dart_port", "task"].map(str::to_owned).into();
    let names: Vec<String> =
        params.iter().map(|param| free_name(plain(&param.name), &mut taken)).collect();
    let mut lines = doc_lines(function);
    for (name, _) in names.iter().zip(params).filter(|(_, param)| is_option(&param.r#type)) {
        let said = lines.iter().any(|line| line.contains(&format!("`{name}` may be NULL")));
        if !said {
            lines.extend([String::new(), format!(" `{name}` may be NULL.")]);
        }
    }
    if options.stream && !lines.iter().any(|line| line.contains(STREAMS)) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(format!(" {STREAMS}"));
    }
    let mut text = comment(&lines);
    let to = if options.dart { "int64_t dart_port" } else { "wharf_port_t port, uint64_t tag" };
    let before = format!("wharf_status_t {}(", plain(&options.name));
    let mut all = vec![to.to_owned()];
    for (name, Param { r#type, kind, .. }) in names.iter().zip(params) {
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

/// What is said of a function that returns a stream; by these words the modules that are made of the
/// header know one.
const STREAMS: &str =
    "Each element comes as a message of kind WHARF_KIND_DATA; the result is how many there were.";

/// How long a line may be, with its end.
const WIDTH: usize = 101;

/// Rust's documentation as a comment in C, where nothing can be linked.
fn comment(lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines {
        let line =
            line.replace("/*", "/ *").replace("*/", "* /").replace("[`", "`").replace("`]", "`");
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

/// The type that stands for the parameter in C, by the names in [`c_type`], as Rust spells it; `None` for
/// a name that is not known here.
pub(crate) fn c_type_in_rust(r#type: &Type) -> Option<TokenStream> {
    let Type::Path(path) = r#type else { return None };
    let last = &path.path.segments.last()?.ident;
    Some(match c_type(r#type).as_str() {
        _ if is_duration(r#type) => quote!(u64),
        "const wharf_value_t *" if last == "Value" || last == "Bytes" => {
            quote!(*const ::wharf_ffi::c::wharf_value_t)
        }
        "const wharf_value_t *" => return None,
        "const char *" => quote!(*const ::core::ffi::c_char),
        "wharf_port_t " => quote!(u64),
        "bool " => quote!(u8),
        _ => quote!(#last),
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature;

    fn c_of(item: &str) -> String {
        c_with("", item)
    }

    fn c_with(arguments: &str, item: &str) -> String {
        let function: ItemFn = syn::parse_str(item).unwrap();
        let options = signature::options(arguments.parse().unwrap(), &function).unwrap();
        prototype(&function, &options, &signature::params(&function).unwrap())
    }

    #[test]
    fn names_that_c_can_not_take_are_changed() {
        let all = c_of("async fn f(port: u8, tag: i64, task: bool, r#type: f64, class: String) {}");
        for param in ["uint8_t port_", "int64_t tag_", "bool task_", "double type", "*class_"] {
            assert!(all.contains(&format!("{param},")), "{all}");
        }
        let all = c_of("fn f(a: Vec<u8>, a_length: u64, d: Duration, d_ns: u64, _: i32) {}");
        for param in
            ["size_t a_length", "uint64_t a_length_", "d_ns", "d_ns_", "int32_t argument_4"]
        {
            assert!(all.contains(&format!("{param},")), "{all}");
        }
    }

    #[test]
    fn a_stream_is_said_to_be_one_once() {
        let said = format!(" * {STREAMS}\n */\n");
        let all = c_with("stream", "/// Counts.\nfn f() {}");
        assert!(all.starts_with(&format!("/**\n * Counts.\n *\n{said}")), "{all}");
        assert!(c_with("stream", "fn f() {}").starts_with(&format!("/**\n{said}")));
        let all = c_with("stream", &format!("/// {STREAMS}\nfn f() {{}}"));
        assert_eq!(all.matches(STREAMS).count(), 1, "{all}");
        assert!(!c_of("fn f() {}").contains(STREAMS));
    }

    #[test]
    fn a_comment_begins_and_ends_once() {
        let all = c_of("/// Of src/*.rs, and **/x.\n#[inline] async fn f() {}");
        assert!(
            all.starts_with("/**\n * Of src/ *.rs, and *") && all.matches("*/").count() == 1,
            "{all}"
        );
    }
}
