//! wharf's attributes. They are used through the crates that re-export them: `#[wharf::main]` and
//! `#[wharf::test]` through `wharf`, `#[export]` through `wharf-ffi`.

mod export;

use proc_macro::TokenStream;

/// Makes an `async fn` callable from C: the call returns at once, and the result arrives as a
/// message at the caller's port.
///
/// The C function has the same name, or the one given with `#[export(name = "...")]`. It takes a
/// port and a tag, then what the Rust function takes (types that are `wharf_ffi::Param`), then a
/// pointer for the task's id, which may be NULL; and it returns a status. The Rust function stays
/// as it is, and can be called from Rust.
///
/// The function's result is something that is `wharf_ffi::IntoValue`, or a `Result` of that and of
/// an error that is `wharf_ffi::IntoFailure`.
///
/// A plain `fn` runs on the blocking pool.
///
/// ```ignore
/// #[wharf_ffi::export]
/// async fn load_page(url: String) -> Result<Page, PageError> { ... }
/// ```
///
/// ```c
/// wharf_status_t load_page(wharf_port_t port, uint64_t tag, const char *url, wharf_task_t *task);
/// ```
#[proc_macro_attribute]
pub fn export(arguments: TokenStream, item: TokenStream) -> TokenStream {
    export::expand(arguments.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
