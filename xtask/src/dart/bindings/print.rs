//! Declarations as Dart.

use super::parse::{Constant, Item, Keyword, Member, Signature, Type, What};
use std::{collections::HashMap, fmt::Write};

/// What a file of bindings is made of.
pub(super) struct Source<'a> {
    /// The header's path, as the file names it.
    pub(super) header: &'a str,
    /// The class with the functions.
    pub(super) class: &'a str,
    /// What the file declares.
    pub(super) items: &'a [Item],
    /// Wharf's own declarations, where these are others: they are had from the package.
    pub(super) known: &'a [Item],
}

/// The whole file.
pub(super) fn dart(source: &Source<'_>) -> Result<String, String> {
    let all = source.known.iter().chain(source.items);
    let names = all.map(|item| (item.name.as_str(), item)).collect();
    let printer = Printer { names };
    let mut body = String::new();
    for item in source.items {
        body += &printer.declaration(item)?;
    }
    let class = source.class;
    let _ = write!(
        body,
        "\n/// The C functions of the library, each looked up when it is first used.\n\
         final class {class} {{\n  /// Binds to [library].\n  {class}(this.library);\n\n  \
         /// Where the functions are looked up.\n  final DynamicLibrary library;\n"
    );
    for item in source.items {
        if let What::Function(signature) = &item.what {
            body += &printer.function(item, signature)?;
        }
    }
    let head = head(source, &body);
    Ok(format!("{head}{body}}}\n"))
}

fn head(source: &Source<'_>, body: &str) -> String {
    let mut text = format!(
        "// Made from {} by `cargo xtask dart bindings`; not to be edited.\n\n\
         // ignore_for_file: constant_identifier_names, lines_longer_than_80_chars\n\n\
         import 'dart:ffi';\n",
        source.header
    );
    let records = source.known.iter().filter(|item| matches!(item.what, What::Record(..)));
    if records.map(|item| upper(&item.name)).any(|name| body.contains(&name)) {
        text += "\nimport 'package:wharf/wharf.dart';\n";
    }
    text
}

struct Printer<'a> {
    names: HashMap<&'a str, &'a Item>,
}

impl Printer<'_> {
    fn declaration(&self, item: &Item) -> Result<String, String> {
        let doc = doc(&item.doc, "");
        Ok(match &item.what {
            What::Number(value) => match number(value) {
                Some(value) => format!("\n{doc}const int {} = {value};\n", lower(&item.name)),
                None => String::new(),
            },
            What::Enum(constants) => {
                let mut text = item.doc.lines().fold("\n".to_owned(), |text, line| {
                    text + format!("// {line}").trim_end() + "\n"
                });
                for constant in constants {
                    text += &Self::constant(constant);
                }
                text
            }
            What::Alias(_) | What::Function(_) => String::new(),
            What::Callback(signature) => {
                let native = self.signature(signature, Side::Native)?;
                format!("\n{doc}typedef {} = {native};\n", upper(&item.name))
            }
            What::Record(_, None) => {
                format!("\n{doc}final class {} extends Opaque {{}}\n", upper(&item.name))
            }
            What::Record(keyword, Some(members)) => {
                let base = if *keyword == Keyword::Struct { "Struct" } else { "Union" };
                let mut text =
                    format!("\n{doc}final class {} extends {base} {{\n", upper(&item.name));
                let members = members
                    .iter()
                    .map(|member| self.member(member))
                    .collect::<Result<Vec<_>, _>>()?;
                text += &members.join("\n");
                text + "}\n"
            }
        })
    }

    fn constant(Constant { name, doc: about, value }: &Constant) -> String {
        format!("\n{}const int {} = {value};\n", doc(about, ""), lower(name))
    }

    fn member(&self, member: &Member) -> Result<String, String> {
        let mut text = doc(&member.doc, "  ");
        let native = self.ty(&member.ty, Side::Native)?;
        let dart = self.ty(&member.ty, Side::Dart)?;
        if let Type::Array(_, length) = &member.ty {
            let _ = writeln!(text, "  @Array({length})");
        } else if native != dart {
            let _ = writeln!(text, "  @{native}()");
        }
        let _ = writeln!(text, "  external {dart} {};", safe(&lower(&member.name)));
        Ok(text)
    }

    fn function(&self, item: &Item, signature: &Signature) -> Result<String, String> {
        let native = self.signature(signature, Side::Native)?;
        let dart = self.signature(signature, Side::Dart)?;
        let name = safe(&lower(item.name.strip_prefix("wharf_").unwrap_or(&item.name)));
        Ok(format!(
            "\n{}  late final {dart} {name} = library.lookupFunction<\n      {native},\n      \
             {dart}>('{}');\n",
            doc(&item.doc, "  "),
            item.name
        ))
    }

    fn signature(&self, signature: &Signature, side: Side) -> Result<String, String> {
        let takes = signature.takes.iter().map(|member| {
            let ty = self.ty(&member.ty, side)?;
            Ok(format!("{ty} {}", safe(&lower(&member.name))))
        });
        let takes = takes.collect::<Result<Vec<_>, String>>()?.join(", ");
        Ok(format!("{} Function({takes})", self.ty(&signature.returns, side)?))
    }

    fn ty(&self, ty: &Type, side: Side) -> Result<String, String> {
        match ty {
            Type::Pointer(to) => Ok(format!("Pointer<{}>", self.ty(to, Side::Native)?)),
            Type::Array(of, _) => Ok(format!("Array<{}>", self.ty(of, Side::Native)?)),
            Type::Callback(signature) => {
                let signature = self.signature(signature, Side::Native)?;
                Ok(format!("Pointer<NativeFunction<{signature}>>"))
            }
            Type::Named(name) => self.named(name, side),
        }
    }

    fn named(&self, name: &str, side: Side) -> Result<String, String> {
        if let Some((native, dart)) = basic(name) {
            return Ok(if side == Side::Native { native } else { dart }.to_owned());
        }
        let item = self.names.get(name).ok_or_else(|| format!("the type {name} is unknown"))?;
        match &item.what {
            What::Alias(ty) => self.ty(ty, side),
            What::Callback(_) => Ok(format!("Pointer<NativeFunction<{}>>", upper(name))),
            What::Record(..) => Ok(upper(name)),
            What::Number(_) | What::Enum(_) | What::Function(_) => {
                Err(format!("{name} is not a type"))
            }
        }
    }
}

/// A type has one name in a native signature and one in Dart code.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Native,
    Dart,
}

fn basic(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "void" => ("Void", "void"),
        "bool" => ("Bool", "bool"),
        "char" => ("Char", "int"),
        "int" => ("Int", "int"),
        "unsigned int" => ("UnsignedInt", "int"),
        "int8_t" => ("Int8", "int"),
        "uint8_t" => ("Uint8", "int"),
        "int16_t" => ("Int16", "int"),
        "uint16_t" => ("Uint16", "int"),
        "int32_t" => ("Int32", "int"),
        "uint32_t" => ("Uint32", "int"),
        "int64_t" => ("Int64", "int"),
        "uint64_t" => ("Uint64", "int"),
        "size_t" => ("Size", "int"),
        "intptr_t" | "ssize_t" | "ptrdiff_t" => ("IntPtr", "int"),
        "uintptr_t" => ("UintPtr", "int"),
        "float" => ("Float", "double"),
        "double" => ("Double", "double"),
        _ => return None,
    })
}

/// A number as Dart writes it, shifted or not; nothing for a macro that stands for something else.
fn number(text: &str) -> Option<String> {
    let bare = text.trim_matches(|c| c == '(' || c == ')');
    if let Some((number, places)) = bare.split_once("<<") {
        return Some(format!("{} << {}", number_alone(number)?, number_alone(places)?));
    }
    number_alone(bare)
}

fn number_alone(text: &str) -> Option<String> {
    let bare = text.trim().trim_end_matches(['u', 'U', 'l', 'L']);
    let digits = bare.strip_prefix('-').unwrap_or(bare);
    let valid = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).is_ok(),
        None => digits.parse::<u64>().is_ok(),
    };
    valid.then(|| bare.to_owned())
}

fn doc(text: &str, indent: &str) -> String {
    let text = text.replace("`NULL`", "[nullptr]");
    text.lines().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "{indent}/// {}", line.trim());
        out.truncate(out.trim_end_matches([' ', '\n']).len());
        out + "\n"
    })
}

/// `wharf_port_options_t` and `WHARF_OK` as `wharfPortOptions` and `wharfOk`.
fn lower(name: &str) -> String {
    let name = name.strip_suffix("_t").unwrap_or(name);
    let mut parts = name.split('_').filter(|part| !part.is_empty());
    let first = parts.next().unwrap_or_default().to_lowercase();
    parts.fold(first, |name, part| name + &capital(part))
}

/// `wharf_port_options_t` as `WharfPortOptions`.
fn upper(name: &str) -> String {
    capital(&lower(name)).replace("__", "_")
}

fn capital(word: &str) -> String {
    let keep = word.chars().any(char::is_lowercase);
    let mut letters = word.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    let rest: String = letters.map(|c| if keep { c } else { c.to_ascii_lowercase() }).collect();
    first.into_iter().collect::<String>() + &rest
}

/// A name that is not one of Dart's own words.
fn safe(name: &str) -> String {
    const RESERVED: &[&str] = &["default", "in", "is", "new", "null", "this", "with", "try", "var"];
    if RESERVED.contains(&name) { format!("{name}_") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{super::parse::items, *};

    fn made(text: &str, known: &str) -> Result<String, String> {
        let (items, known) = (items(text).unwrap(), items(known).unwrap());
        dart(&Source { header: "x.h", class: "X", items: &items, known: &known })
    }

    /// What is declared above the class.
    fn printed(text: &str) -> String {
        let text = made(text, "").unwrap();
        let (_, body) = text.split_once("'dart:ffi';\n").unwrap();
        body.split("\n/// The C functions").next().unwrap().to_owned()
    }

    #[test]
    fn a_struct_and_its_alias() {
        let text =
            printed("typedef uint64_t p_t;\ntypedef struct a_b_t { p_t id; p_t *to; } a_b_t;");
        let expected = "\nfinal class AB extends Struct {\n  @Uint64()\n  external int id;\n\n  \
                        external Pointer<Uint64> to;\n}\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_function_is_looked_up_by_its_own_name() {
        let text = made("/** Does. */\nbool wharf_is_it(const void *in);", "").unwrap();
        assert!(
            text.contains("  /// Does.\n  late final bool Function(Pointer<Void> in_) isIt = ")
        );
        assert!(text.contains("Bool Function(Pointer<Void> in_),"));
        assert!(text.contains("('wharf_is_it');"));
    }

    #[test]
    fn numbers_lose_what_only_c_needs() {
        assert_eq!(printed("#define A_B -1"), "\nconst int aB = -1;\n");
        assert_eq!(number("0x10UL").as_deref(), Some("0x10"));
        assert_eq!(number("(1 << 18)").as_deref(), Some("1 << 18"));
        assert_eq!(number("sizeof(int)"), None);
    }

    #[test]
    fn an_unknown_type_is_an_error() {
        assert!(made("int f(nothing_t x);", "").unwrap_err().contains("nothing_t"));
    }

    #[test]
    fn the_constants_of_an_enum_keep_their_comments() {
        let expected = "\n// Kinds.\n\n/// first\nconst int aOne = 0;\n\nconst int aTwo = 1;\n";
        assert_eq!(printed("/* Kinds. */ enum { A_ONE, /* first */ A_TWO };"), expected);
    }

    #[test]
    fn what_wharf_declares_comes_from_the_package() {
        let known = "typedef int32_t s_t;\ntypedef struct v_t { int32_t x; } v_t;";
        let text = made("s_t f(const v_t *v);", known).unwrap();
        assert!(text.contains("import 'package:wharf/wharf.dart';"), "{text}");
        assert!(text.contains("late final int Function(Pointer<V> v) f ="), "{text}");
        assert!(!text.contains("class V "), "{text}");
        assert!(!made("s_t f(void);", known).unwrap().contains("package:"));
    }
}
