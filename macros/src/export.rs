//! `#[export]`: the C function beside a Rust function.

use crate::{
    describe,
    names::plain,
    signature::{self, Kind, Options, Param, element},
};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, ItemFn, Result, parse_quote, parse2, spanned::Spanned};

/// The function stays in any case, so that one mistake here does not make others where it is used.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let beside = beside(arguments, item.clone()).unwrap_or_else(syn::Error::into_compile_error);
    quote! {
        #item
        #beside
    }
}

fn beside(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let function: ItemFn = parse2(item)?;
    signature::check(&function)?;
    let options = signature::options(arguments, &function)?;
    let params = signature::params(&function)?;
    Ok(extern_fn(&function, &options, &params))
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
    let conditions = function.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    let spelled = params.iter().map(spelled);
    let prototype = describe::prototype(function, options, params);
    let outcome = describe::outcome(function, options);
    quote! {
        #(#conditions)*
        const _: () = {
            #(#spelled)*
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

/// The header is made of names. A type that goes by another one than its own (an alias) would be described
/// as something else there: the compiler finds out.
fn spelled(param: &Param) -> TokenStream {
    let Param { r#type, kind: Kind::Plain, .. } = param else { return quote!() };
    match describe::c_type_in_rust(r#type) {
        Some(named) => quote_spanned! { r#type.span() =>
            const _: fn(<#r#type as ::wharf_ffi::Param>::C) -> #named = |c| c;
        },
        None => quote_spanned! { r#type.span() =>
            const _: () = ::core::assert!(
                !<#r#type as ::wharf_ffi::Param>::OWN,
                "a header is made of names: call this type by its own, not by an alias"
            );
        },
    }
}

/// Where a slice's length goes, which no parameter of the function's own clashes with.
fn length_of(name: &Ident) -> Ident {
    Ident::new(&format!("{}_length", plain(name)), Span::mixed_site())
}

fn c_input(param: &Param) -> TokenStream {
    let Param { name, r#type, kind } = param;
    match kind {
        Kind::Reply => quote!(),
        Kind::Plain => quote!(#name: <#r#type as ::wharf_ffi::Param>::C,),
        Kind::Slice => {
            let length = length_of(name);
            let element = element(r#type);
            quote!(#name: *const #element, #length: usize,)
        }
    }
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
                let length = length_of(name);
                quote!((#name, #length))
            }
        };
        let text = plain(name);
        let (made, error) =
            (Ident::new("made", Span::mixed_site()), Ident::new("error", Span::mixed_site()));
        code.extend(quote! {
            let #name = match <#r#type as ::wharf_ffi::Param>::from_c(#c, #text) {
                ::core::result::Result::Ok(#made) => #made,
                ::core::result::Result::Err(#error) => {
                    #(::wharf_ffi::Param::give_back(#before);)*
                    return ::core::result::Result::Err(#error);
                }
            };
        });
        before.push(name);
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> TokenStream {
        text.parse().unwrap()
    }

    fn beside_of(arguments: &str, item: &str) -> std::result::Result<String, String> {
        beside(tokens(arguments), tokens(item))
            .map(|tokens| tokens.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_c_has_no_word_for_is_refused_with_the_reason() {
        for (arguments, item, said) in [
            ("", "struct Quay;", "expected `fn`"),
            ("", "async fn f<T>(t: T) {}", "generics"),
            ("", "unsafe fn f() {}", "is safe"),
            ("", "extern \"C\" fn f() {}", "this one is Rust's"),
            ("", "async fn f(&self) {}", "no `self`"),
            ("", "async fn f(text: &str) {}", "can't borrow"),
            ("", "async fn f(of: impl Into<String>) {}", "a type of its own"),
            ("", "async fn f(#[cfg(unix)] n: u8) {}", "whole function"),
            ("", "async fn r#struct() {}", "a word of C's"),
            ("colour", "async fn f() {}", "only `name"),
            ("name = 7", "async fn f() {}", "in quotes"),
            ("name = \"a b\"", "async fn f() {}", "not a name"),
            ("name = \"int\"", "async fn f() {}", "a word of C's"),
        ] {
            let error = beside_of(arguments, item).unwrap_err();
            assert!(error.contains(said), "{item}: {error}");
            let all = expand(tokens(arguments), tokens(item)).to_string();
            assert!(all.starts_with(&tokens(item).to_string()) && all.contains("compile_error"));
        }
    }

    #[test]
    fn what_holds_for_the_function_holds_for_that_of_c() {
        let made = beside_of("", "#[inline] #[cfg(unix)] async fn f() {}").unwrap();
        assert!(made.starts_with("# [cfg (unix)] const _"), "{made}");
    }
}
