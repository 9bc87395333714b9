//! `#[main]` and `#[test]`: an async function becomes one that builds a runtime and blocks on it.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Error, Expr, ExprLit, ItemFn, Lit, MetaNameValue, Path, Result, Token, parse::Parser,
    punctuated::Punctuated, spanned::Spanned,
};

/// Which attribute it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Main,
    Test,
}

/// What the attribute's arguments say.
struct Arguments {
    multi_thread: bool,
    worker_threads: Option<(usize, Span)>,
    krate: Path,
}

impl Arguments {
    fn parse(entry: Entry, tokens: TokenStream) -> Result<Self> {
        let mut arguments = Self {
            multi_thread: entry == Entry::Main,
            worker_threads: None,
            krate: syn::parse_quote!(::wharf),
        };
        let pairs = Punctuated::<MetaNameValue, Token![,]>::parse_terminated.parse2(tokens)?;
        for pair in pairs {
            arguments.set(&pair)?;
        }
        match arguments.worker_threads {
            Some((_, span)) if !arguments.multi_thread => Err(Error::new(
                span,
                "`worker_threads` is for the multi-thread flavour: add `flavor = \"multi_thread\"`",
            )),
            _ => Ok(arguments),
        }
    }

    fn set(&mut self, pair: &MetaNameValue) -> Result<()> {
        let name = pair.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match (name.as_str(), literal(&pair.value)) {
            ("flavor", Some(Lit::Str(flavor))) => {
                self.multi_thread = match flavor.value().as_str() {
                    "multi_thread" => true,
                    "current_thread" => false,
                    _ => {
                        let message = "no such flavour: \"multi_thread\" or \"current_thread\"";
                        return Err(Error::new(flavor.span(), message));
                    }
                };
            }
            ("worker_threads", Some(Lit::Int(count))) => {
                let number: usize = count.base10_parse()?;
                if number == 0 {
                    return Err(Error::new(count.span(), "a runtime needs at least one worker"));
                }
                self.worker_threads = Some((number, count.span()));
            }
            ("crate", Some(Lit::Str(path))) => self.krate = path.parse()?,
            _ => {
                let message =
                    "expected `flavor = \"...\"`, `worker_threads = n` or `crate = \"...\"`";
                return Err(Error::new(pair.span(), message));
            }
        }
        Ok(())
    }

    fn builder(&self) -> TokenStream {
        let krate = &self.krate;
        if !self.multi_thread {
            return quote!(#krate::runtime::Builder::new_current_thread());
        }
        let workers = self.worker_threads.map(|(count, _)| quote!(.worker_threads(#count)));
        quote!(#krate::runtime::Builder::new_multi_thread() #workers)
    }
}

fn literal(value: &Expr) -> Option<Lit> {
    match value {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit.clone()),
        _ => None,
    }
}

pub(crate) fn expand(
    entry: Entry,
    arguments: TokenStream,
    item: TokenStream,
) -> Result<TokenStream> {
    let arguments = Arguments::parse(entry, arguments)?;
    let mut function: ItemFn = syn::parse2(item)?;
    let signature = &mut function.sig;
    if signature.asyncness.take().is_none() {
        return Err(Error::new(signature.fn_token.span, "the function must be `async`"));
    }
    if let Some(input) = signature.inputs.first() {
        return Err(Error::new(input.span(), "the function can't take arguments"));
    }
    let (builder, body) = (arguments.builder(), &function.block);
    let (attributes, visibility, signature) = (&function.attrs, &function.vis, &function.sig);
    let test = (entry == Entry::Test).then(|| quote!(#[::core::prelude::v1::test]));
    Ok(quote! {
        #test
        #(#attributes)*
        #visibility #signature {
            #builder
                .enable_all()
                .build()
                .expect("the runtime of this function can't be built")
                .block_on(async #body)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(entry: Entry, arguments: &str, item: &str) -> std::result::Result<String, String> {
        let tokens = |text: &str| text.parse().unwrap();
        expand(entry, tokens(arguments), tokens(item))
            .map(|tokens| tokens.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_multi_thread_for_main_and_current_thread_for_test() {
        let main = expanded(Entry::Main, "", "async fn main() {}").unwrap();
        assert!(main.contains("new_multi_thread") && !main.contains("async fn"), "{main}");
        let test = expanded(Entry::Test, "", "async fn t() {}").unwrap();
        assert!(test.contains("new_current_thread") && test.contains(":: test"), "{test}");
    }

    #[test]
    fn arguments_are_taken_and_checked() {
        let item = "async fn t() {}";
        let workers = "flavor = \"multi_thread\", worker_threads = 3";
        assert!(expanded(Entry::Test, workers, item).unwrap().contains("worker_threads (3usize)"));
        let renamed = expanded(Entry::Main, "crate = \"my::wharf\"", item).unwrap();
        assert!(renamed.contains("my :: wharf :: runtime"), "{renamed}");
        for (arguments, item, said) in [
            ("worker_threads = 2", item, "multi-thread"),
            ("flavor = \"multi_thread\", worker_threads = 0", item, "at least one"),
            ("flavor = \"both\"", item, "no such flavour"),
            ("colour = \"red\"", item, "expected"),
            ("", "fn t() {}", "`async`"),
            ("", "async fn t(n: u8) {}", "arguments"),
        ] {
            let error = expanded(Entry::Test, arguments, item).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
