//! `#[export]`: the C function beside a Rust function.

use crate::describe;
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
pub(crate) struct Options {
    /// The C function's name; the Rust function's own unless `name = "..."` is given.
    pub(crate) name: Ident,
    /// `stream`: the function returns a stream, whose elements are posted one by one.
    pub(crate) stream: bool,
    /// `dart`: the answer goes bare to a port of the Dart VM's.
    pub(crate) dart: bool,
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
    let prototype = describe::prototype(function, options, params);
    let outcome = describe::outcome(function, options);
    quote! {
        const _: () = {
            ::wharf_ffi::__describe!(PROTOTYPE, "F", #prototype);
            ::wharf_ffi::__describe!(VALUE, "T", <#outcome as ::wharf_ffi::IntoValue>::C);
            ::wharf_ffi::__describe!(ERROR, "T", <#outcome as ::wharf_ffi::IntoValue>::ERROR_C);

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
                // Named here, so that the linker keeps them with the function.
                ::core::hint::black_box((&PROTOTYPE, &VALUE, &ERROR));
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
