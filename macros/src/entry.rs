//! `#[main]` and `#[test]`: an async function becomes one that builds a runtime and blocks on it.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Error, Expr, ExprLit, ItemFn, Lit, MetaNameValue, Path, Result, Signature, Token,
    parse::Parser, punctuated::Punctuated, spanned::Spanned,
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
    start_paused: Option<(bool, Span)>,
    krate: Path,
}

impl Arguments {
    fn new(entry: Entry) -> Self {
        Self {
            multi_thread: entry == Entry::Main,
            worker_threads: None,
            start_paused: None,
            krate: syn::parse_quote!(::wharf),
        }
    }

    fn parse(entry: Entry, tokens: TokenStream) -> Result<Self> {
        let mut arguments = Self::new(entry);
        let pairs = Punctuated::<MetaNameValue, Token![,]>::parse_terminated.parse2(tokens)?;
        for pair in pairs {
            arguments.set(&pair)?;
        }
        match (arguments.worker_threads, arguments.start_paused) {
            (Some((_, span)), _) if !arguments.multi_thread => Err(Error::new(
                span,
                "`worker_threads` is for the multi-thread flavour: add `flavor = \"multi_thread\"`",
            )),
            (_, Some((true, span))) if arguments.multi_thread => Err(Error::new(
                span,
                "only a current-thread runtime's clock can be paused: add \
                 `flavor = \"current_thread\"`",
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
            ("start_paused", Some(Lit::Bool(paused))) => {
                self.start_paused = Some((paused.value, paused.span));
            }
            ("crate", Some(Lit::Str(path))) => self.krate = path.parse()?,
            _ => {
                let message = "expected `flavor = \"...\"`, `worker_threads = n`, \
                    `start_paused = true` or `crate = \"...\"`";
                return Err(Error::new(pair.span(), message));
            }
        }
        Ok(())
    }

    fn builder(&self) -> TokenStream {
        let krate = &self.krate;
        if !self.multi_thread {
            let paused = self.start_paused.map(|(paused, _)| quote!(.start_paused(#paused)));
            return quote!(#krate::runtime::Builder::new_current_thread() #paused);
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

/// The function that runs in a runtime. Where something is wrong with it or with the arguments there is an
/// error beside it, and it is there all the same, so that nothing else is said to be missing.
pub(crate) fn expand(entry: Entry, arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut function: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => return with_error(item, &error),
    };
    let parsed = Arguments::parse(entry, arguments);
    let was_async = function.sig.asyncness.take().is_some();
    let wrong = check(&function.sig, was_async).err();
    let (arguments, wrong) = match parsed {
        Ok(arguments) => (arguments, wrong),
        Err(error) => (Arguments::new(entry), Some(error)),
    };
    let expanded = if was_async { wrapped(entry, &arguments, &function) } else { item };
    match wrong {
        Some(error) => with_error(expanded, &error),
        None => expanded,
    }
}

fn with_error(mut item: TokenStream, error: &Error) -> TokenStream {
    item.extend(error.to_compile_error());
    item
}

fn check(signature: &Signature, was_async: bool) -> Result<()> {
    if !was_async {
        return Err(Error::new(signature.fn_token.span, "the function must be `async`"));
    }
    match signature.inputs.first() {
        Some(input) => Err(Error::new(input.span(), "the function can't take arguments")),
        None => Ok(()),
    }
}

fn wrapped(entry: Entry, arguments: &Arguments, function: &ItemFn) -> TokenStream {
    let (builder, body) = (arguments.builder(), &function.block);
    let (attributes, visibility, signature) = (&function.attrs, &function.vis, &function.sig);
    let test = (entry == Entry::Test).then(|| quote!(#[::core::prelude::v1::test]));
    quote! {
        #test
        #(#attributes)*
        #visibility #signature {
            #builder
                .enable_all()
                .build()
                .expect("the runtime of this function can't be built")
                .block_on(async #body)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(entry: Entry, arguments: &str, item: &str) -> String {
        let tokens = |text: &str| text.parse().unwrap();
        expand(entry, tokens(arguments), tokens(item)).to_string()
    }

    #[test]
    fn defaults_are_multi_thread_for_main_and_current_thread_for_test() {
        let main = expanded(Entry::Main, "", "async fn main() {}");
        assert!(main.contains("new_multi_thread") && !main.contains("async fn"), "{main}");
        let test = expanded(Entry::Test, "", "async fn t() {}");
        assert!(test.contains("new_current_thread") && test.contains(":: test"), "{test}");
    }

    #[test]
    fn arguments_are_taken_and_checked() {
        let item = "async fn t() {}";
        let workers = "flavor = \"multi_thread\", worker_threads = 3";
        assert!(expanded(Entry::Test, workers, item).contains("worker_threads (3usize)"));
        let renamed = expanded(Entry::Main, "crate = \"my::wharf\"", item);
        assert!(renamed.contains("my :: wharf :: runtime"), "{renamed}");
        let paused = expanded(Entry::Test, "start_paused = true", item);
        assert!(paused.contains("start_paused (true)"), "{paused}");
        for fine in [workers, "", "start_paused = true"] {
            assert!(!expanded(Entry::Test, fine, item).contains("compile_error"), "{fine}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_and_the_function_stays() {
        let item = "async fn t() {}";
        for (arguments, item, said) in [
            ("worker_threads = 2", item, "multi-thread"),
            ("flavor = \"multi_thread\", worker_threads = 0", item, "at least one"),
            ("flavor = \"both\"", item, "no such flavour"),
            ("flavor = \"multi_thread\", start_paused = true", item, "current-thread"),
            ("colour = \"red\"", item, "expected"),
            ("", "fn t() {}", "`async`"),
            ("", "async fn t(n: u8) {}", "arguments"),
        ] {
            let expanded = expanded(Entry::Test, arguments, item);
            assert!(expanded.contains(said) && expanded.contains("compile_error"), "{expanded}");
            assert!(expanded.contains("fn t (") && !expanded.contains("async fn"), "{expanded}");
        }
        let no_function = expanded(Entry::Main, "", "struct Main;");
        assert!(no_function.starts_with("struct Main ;"), "{no_function}");
        assert!(no_function.contains("compile_error"), "{no_function}");
    }
}
