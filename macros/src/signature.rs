//! What `#[export]` is given: a function that C can call, and what stands in the attribute's brackets.

use crate::names::{is_word, plain};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Error, FnArg, Ident, ItemFn, LitStr, Meta, Pat, PathArguments, Result, Token, Type,
    parse::Parser, punctuated::Punctuated,
};

/// What C has no word for is refused at the place where it stands.
pub(crate) fn check(function: &ItemFn) -> Result<()> {
    let signature = &function.sig;
    if !signature.generics.params.is_empty() {
        let text = "C knows no generics: export a function for each type";
        return Err(Error::new_spanned(&signature.generics, text));
    }
    if let Some(variadic) = &signature.variadic {
        return Err(Error::new_spanned(
            variadic,
            "an exported function takes no variadic arguments",
        ));
    }
    if let Some(keyword) = &signature.unsafety {
        let text = "the C side checks what it is given: an exported function is safe";
        return Err(Error::new_spanned(keyword, text));
    }
    if let Some(abi) = &signature.abi {
        return Err(Error::new_spanned(abi, "`export` adds the C function: this one is Rust's"));
    }
    if is_word(&plain(&signature.ident)) {
        let text =
            "this is a word of C's or C++'s: give the C function another name, `name = \"...\"`";
        return Err(Error::new_spanned(&signature.ident, text));
    }
    Ok(())
}

/// What stands in the attribute's brackets.
pub(crate) struct Options {
    /// The C function's name; the Rust function's own unless `name = "..."` is given.
    pub(crate) name: Ident,
    /// `stream`: the function returns a stream, whose elements are posted one by one.
    pub(crate) stream: bool,
    /// `dart`: the answer goes bare to a port of the Dart VM's.
    pub(crate) dart: bool,
}

pub(crate) fn options(arguments: TokenStream, function: &ItemFn) -> Result<Options> {
    let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
    let name = function.sig.ident.clone();
    let mut options = Options { name, stream: false, dart: false };
    for option in parser.parse2(arguments)? {
        match option {
            Meta::Path(path) if path.is_ident("stream") => options.stream = true,
            Meta::Path(path) if path.is_ident("dart") => options.dart = true,
            Meta::NameValue(pair) if pair.path.is_ident("name") => {
                let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(name), .. }) = pair.value
                else {
                    return Err(Error::new_spanned(pair.value, "a name in quotes is expected"));
                };
                options.name = valid_name(&name)?;
            }
            other => {
                let text = "only `name = \"...\"`, `stream` and `dart` are known here";
                return Err(Error::new_spanned(other, text));
            }
        }
    }
    Ok(options)
}

fn valid_name(name: &LitStr) -> Result<Ident> {
    let text = name.value();
    let fits = text.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
        && text.chars().next().is_some_and(|char| !char.is_ascii_digit());
    if is_word(&text) {
        return Err(Error::new_spanned(name, "this is a word of C's or C++'s, not a name"));
    }
    if fits {
        Ok(Ident::new(&text, name.span()))
    } else {
        Err(Error::new_spanned(name, "not a name that C can call"))
    }
}

pub(crate) enum Kind {
    /// One C parameter.
    Plain,
    /// A pointer and a length.
    Slice,
    /// The task's own way to its port; not C's.
    Reply,
}

pub(crate) struct Param {
    pub(crate) name: Ident,
    pub(crate) r#type: Type,
    pub(crate) kind: Kind,
}

pub(crate) fn params(function: &ItemFn) -> Result<Vec<Param>> {
    function.sig.inputs.iter().enumerate().map(|(index, input)| param(index, input)).collect()
}

fn param(index: usize, input: &FnArg) -> Result<Param> {
    let FnArg::Typed(input) = input else {
        return Err(Error::new_spanned(input, "a method can't be exported: C has no `self`"));
    };
    let name = match &*input.pat {
        Pat::Ident(pattern) => pattern.ident.clone(),
        _ => Ident::new(&format!("argument_{index}"), Span::mixed_site()),
    };
    if let Some(attribute) = input.attrs.iter().find(|attribute| !attribute.path().is_ident("doc"))
    {
        let text = "C's parameters are all or none: put attributes on the whole function";
        return Err(Error::new_spanned(attribute, text));
    }
    if let Type::ImplTrait(r#type) = &*input.ty {
        return Err(Error::new_spanned(r#type, "C knows no traits: take a type of its own"));
    }
    if matches!(*input.ty, Type::Reference(_)) {
        let text = "the call returns before the task has run, so it can't borrow: take a `String`, \
                    a `Vec` or `Bytes`";
        return Err(Error::new_spanned(&input.ty, text));
    }
    Ok(Param { name, kind: kind(&input.ty), r#type: (*input.ty).clone() })
}

fn kind(r#type: &Type) -> Kind {
    let Type::Path(path) = r#type else { return Kind::Plain };
    match path.path.segments.last() {
        Some(last) if last.ident == "Reply" => Kind::Reply,
        Some(last)
            if last.ident == "Vec"
                && matches!(last.arguments, PathArguments::AngleBracketed(_)) =>
        {
            Kind::Slice
        }
        _ => Kind::Plain,
    }
}

pub(crate) fn element(r#type: &Type) -> TokenStream {
    if let Type::Path(path) = r#type {
        if let Some(PathArguments::AngleBracketed(arguments)) =
            path.path.segments.last().map(|last| &last.arguments)
        {
            let arguments = &arguments.args;
            return quote!(#arguments);
        }
    }
    quote!(u8)
}
