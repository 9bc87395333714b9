//! `#[export]`: the C function beside a Rust function.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{
    Error, FnArg, Ident, ItemFn, LitStr, Meta, Pat, PathArguments, Result, Token, Type,
    parse::Parser, parse_quote, parse2, punctuated::Punctuated,
};

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let function: ItemFn = parse2(item)?;
    check(&function)?;
    let options = options(arguments, &function)?;
    let params = params(&function)?;
    let extern_fn = extern_fn(&function, &options, &params);
    Ok(quote! {
        #function
        #extern_fn
    })
}

/// What C has no word for is refused at the place where it stands.
fn check(function: &ItemFn) -> Result<()> {
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
    Ok(())
}

/// What stands in the attribute's brackets.
struct Options {
    /// The C function's name; the Rust function's own unless `name = "..."` is given.
    name: Ident,
    /// `stream`: the function returns a stream, whose elements are posted one by one.
    stream: bool,
    /// `dart`: the answer goes bare to a port of the Dart VM's.
    dart: bool,
}

fn options(arguments: TokenStream, function: &ItemFn) -> Result<Options> {
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
    if fits {
        Ok(Ident::new(&text, name.span()))
    } else {
        Err(Error::new_spanned(name, "not a name that C can call"))
    }
}

enum Kind {
    /// One C parameter.
    Plain,
    /// A pointer and a length.
    Slice,
    /// The task's own way to its port; not C's.
    Reply,
}

struct Param {
    name: Ident,
    r#type: Type,
    kind: Kind,
}

fn params(function: &ItemFn) -> Result<Vec<Param>> {
    function.sig.inputs.iter().enumerate().map(|(index, input)| param(index, input)).collect()
}

fn param(index: usize, input: &FnArg) -> Result<Param> {
    let FnArg::Typed(input) = input else {
        return Err(Error::new_spanned(input, "a method can't be exported: C has no `self`"));
    };
    let name = match &*input.pat {
        Pat::Ident(pattern) => pattern.ident.clone(),
        _ => format_ident!("argument_{index}"),
    };
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

/// The function's declaration in C, with its comment: what the library says of itself in its section
/// `.wharf.exports`, from which a header is made without running it.
fn prototype(function: &ItemFn, options: &Options, params: &[Param]) -> String {
    let mut text = String::new();
    for line in doc_lines(function) {
        text += &format!("//{}\n", line.replace("*/", "* /"));
    }
    let to = if options.dart { "int64_t dart_port" } else { "wharf_port_t port, uint64_t tag" };
    text += &format!("wharf_status_t {}({to}", options.name);
    for Param { name, r#type, kind } in params {
        match kind {
            Kind::Reply => {}
            Kind::Plain => text += &format!(", {}{name}", c_type(r#type)),
            Kind::Slice => {
                let element = element(r#type).to_string();
                text += &format!(", const {}*{name}, size_t {name}_length", c_name_of(&element));
            }
        }
    }
    text + ", wharf_task_t *task);\n"
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
        "Duration" => "uint64_t ".to_owned(),
        "SendPort" => "wharf_port_t ".to_owned(),
        "String" | "Option" => "const char *".to_owned(),
        _ => "const wharf_value_t *".to_owned(),
    }
}

fn extern_fn(function: &ItemFn, options: &Options, params: &[Param]) -> TokenStream {
    let name = &options.name;
    let doc = format!("The C function of [`{}`].", function.sig.ident);
    let inputs = params.iter().map(c_input);
    let conversion = conversion(params);
    let from_c = params.iter().filter(|param| !matches!(param.kind, Kind::Reply));
    let names: Vec<&Ident> = from_c.map(|param| &param.name).collect();
    let is_async = function.sig.asyncness.is_some();
    let submit = if is_async || options.stream {
        quote!(::wharf_ffi::export::submit)
    } else {
        quote!(::wharf_ffi::export::submit_blocking)
    };
    let rust_name = &function.sig.ident;
    let reply = Ident::new("__reply", Span::mixed_site());
    let arguments = params.iter().map(|param| match param.kind {
        Kind::Reply => quote!(::core::clone::Clone::clone(&#reply)),
        _ => {
            let name = &param.name;
            quote!(#name)
        }
    });
    let call = quote!(self::#rust_name(#(#arguments),*));
    let call = match (options.stream, is_async) {
        (false, _) => call,
        (true, true) => quote!(async move {
            let stream = #call.await;
            ::wharf_ffi::Reply::stream(&#reply, stream).await
        }),
        (true, false) => quote!(async move { ::wharf_ffi::Reply::stream(&#reply, #call).await }),
    };
    // These parameters can't clash with the function's own: theirs are hygienic.
    let (port, tag, task) = (
        Ident::new("__port", Span::mixed_site()),
        Ident::new("__tag", Span::mixed_site()),
        Ident::new("__task", Span::mixed_site()),
    );
    let attribute: syn::Attribute = parse_quote!(#[unsafe(no_mangle)]);
    let (to, at) = if options.dart {
        (quote!(#port: i64,), quote!(::wharf_ffi::export::At::Dart(#port)))
    } else {
        (quote!(#port: u64, #tag: u64,), quote!(::wharf_ffi::export::At::Port(#port, #tag)))
    };
    let prototype = prototype(function, options, params);
    let length = prototype.len();
    let prototype = syn::LitByteStr::new(prototype.as_bytes(), Span::call_site());
    quote! {
        const _: () = {
            #[cfg_attr(target_os = "linux", unsafe(link_section = ".wharf.exports"))]
            static PROTOTYPE: [u8; #length] = *#prototype;

            #[doc = #doc]
            ///
            /// # Safety
            ///
            /// Pointers that are not NULL point to what their types say.
            #attribute
            pub unsafe extern "C" fn #name(
                #to
                #(#inputs)*
                #task: *mut u64,
            ) -> i32 {
                // Named here, so that the linker keeps it with the function.
                ::core::hint::black_box(&PROTOTYPE);
                // SAFETY: the caller's word about its pointers is passed on.
                unsafe {
                    #submit(
                        #at,
                        #task,
                        move || { #conversion ::core::result::Result::Ok((#(#names,)*)) },
                        |(#(#names,)*)| { #(::wharf_ffi::Param::give_back(#names);)* },
                        |(#(#names,)*), #reply| #call,
                    )
                }
            }
        };
    }
}

fn c_input(param: &Param) -> TokenStream {
    let Param { name, r#type, kind } = param;
    match kind {
        Kind::Reply => quote!(),
        Kind::Plain => quote!(#name: <#r#type as ::wharf_ffi::Param>::C,),
        Kind::Slice => {
            let length = format_ident!("{name}_length");
            let element = element(r#type);
            quote!(#name: *const #element, #length: usize,)
        }
    }
}

fn element(r#type: &Type) -> TokenStream {
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

/// Converts one parameter after the other; when one is refused, those before go back.
fn conversion(params: &[Param]) -> TokenStream {
    let mut before: Vec<&Ident> = Vec::new();
    let mut code = TokenStream::new();
    for Param { name, r#type, kind } in params {
        let c = match kind {
            Kind::Reply => continue,
            Kind::Plain => quote!(#name),
            Kind::Slice => {
                let length = format_ident!("{name}_length");
                quote!((#name, #length))
            }
        };
        let text = name.to_string();
        code.extend(quote! {
            let #name = match <#r#type as ::wharf_ffi::Param>::from_c(#c, #text) {
                ::core::result::Result::Ok(made) => made,
                ::core::result::Result::Err(error) => {
                    #(::wharf_ffi::Param::give_back(#before);)*
                    return ::core::result::Result::Err(error);
                }
            };
        });
        before.push(name);
    }
    code
}
