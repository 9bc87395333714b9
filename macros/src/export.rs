//! `#[export]`: the C function beside a Rust function.

use crate::{
    describe,
    signature::{self, Kind, Options, Param, element},
};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Ident, ItemFn, Result, parse_quote, parse2};

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let function: ItemFn = parse2(item)?;
    signature::check(&function)?;
    let options = signature::options(arguments, &function)?;
    let params = signature::params(&function)?;
    let extern_fn = extern_fn(&function, &options, &params);
    Ok(quote! {
        #function
        #extern_fn
    })
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
