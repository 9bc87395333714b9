//! wharf's attributes. They are used through the crates that re-export them: `#[wharf::main]` and
//! `#[wharf::test]` through `wharf`, `#[export]` through `wharf-ffi`.

mod describe;
mod entry;
mod export;
mod names;
mod signature;

use entry::Entry;
use proc_macro::TokenStream;

/// Makes an `async fn main` the program's: it builds a runtime and blocks on the function's body.
///
/// | argument | meaning | default |
/// | --- | --- | --- |
/// | `flavor = "multi_thread"` or `"current_thread"` | which runtime | `"multi_thread"` |
/// | `worker_threads = n` | how many workers | one for each processor |
/// | `start_paused = true` | its clock stands still from the start; for `"current_thread"` | `false` |
/// | `crate = "path"` | where wharf is found | `::wharf` |
///
/// ```text
/// #[wharf::main]
/// async fn main() {
///     wharf::spawn(async { println!("hello") }).await.unwrap();
/// }
/// ```
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(Entry::Main, arguments.into(), item.into()).into()
}

/// Makes an `async fn` a test: it runs in a runtime of its own, of the current-thread flavour unless
/// `flavor` says otherwise. Takes the arguments of [`macro@main`].
///
/// ```text
/// #[wharf::test]
/// async fn spawns() {
///     assert_eq!(wharf::spawn(async { 1 }).await.unwrap(), 1);
/// }
///
/// #[wharf::test(start_paused = true)]
/// async fn takes_an_hour_and_no_time() {
///     wharf::time::sleep(Duration::from_secs(3600)).await;
/// }
/// ```
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(Entry::Test, arguments.into(), item.into()).into()
}

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
/// A plain `fn` runs on the blocking pool. With `#[export(stream)]` the function, async or not,
/// returns a `Stream` (`wharf-ffi` needs its feature `stream`): each element is a message, which
/// waits while the port is full or without credit, and the result is their number.
///
/// With `#[export(dart)]` the C function takes the number of a port of the Dart VM's
/// (`SendPort.nativePort`) in place of port and tag, as Dart code written for other bridges expects.
/// The task runs on the library's default runtime; what it posts and its result are sent bare, and
/// any other end as the list `[kind, code, value]`. A refused post means that the port is gone, and
/// cancels the task. `wharf_dart_initialize` or `store_dart_post_cobject` has to be called before.
///
/// The library carries the C declarations of its functions, with their comments, in a section named
/// `.wharf.exports`, and with them the constants `C` of the types that they return (`IntoValue::C`,
/// `IntoFailure::C`, `c_enum!`). `objcopy -O binary --only-section=.wharf.exports libpages.so pages.txt`
/// takes them out: valid C, for a header. They are made of the names that stand in the function's
/// signature, so the types of parameters are to be called by their own; an alias does not compile. (A
/// `Param` of yours is described as `const wharf_value_t *`, whatever stands for it in C.) A
/// parameter whose name is a word of C's or C++'s, or taken, gets an underscore there.
///
/// ```text
/// #[wharf_ffi::export]
/// async fn load_page(url: String) -> Result<Page, PageError> { ... }
/// ```
///
/// ```c
/// wharf_status_t load_page(wharf_port_t port, uint64_t tag, const char *url, wharf_task_t *task);
/// ```
#[proc_macro_attribute]
pub fn export(arguments: TokenStream, item: TokenStream) -> TokenStream {
    export::expand(arguments.into(), item.into()).into()
}
