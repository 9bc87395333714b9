//! What stands behind the attribute [`export`](macro@crate::export): how C arguments become Rust's,
//! and how a call becomes a task.
//!
//! An exported function takes, in C, a port and a tag, then its own parameters, then a place for
//! the task's id, which may be NULL:
//!
//! ```c
//! wharf_status_t load_page(wharf_port_t port, uint64_t tag, const char *url, wharf_task_t *task);
//! ```
//!
//! With `#[export(dart)]` it takes the number of a port of the Dart VM's (an `int64_t`) in place of port
//! and tag, and the answer goes there bare.
//!
//! | Rust parameter | C parameters |
//! | --- | --- |
//! | `bool`, integers up to 64 bits, `f32`, `f64` | the same |
//! | `String` | `const char *`: UTF-8, ended by a NUL, not NULL |
//! | `Option<String>` | the same, or NULL for `None` |
//! | `Vec<u8>` and `Vec` of other integers and floats | `const T *x, size_t x_length`: copied |
//! | [`Value`], [`Bytes`] | `const wharf_value_t *`: external data change hands if the call is accepted |
//! | `Duration` | `uint64_t`: nanoseconds |
//! | [`SendPort`] | `wharf_port_t`: open when the call is made |
//! | [`Reply`] | none: the function's own way to post more than its result |
//!
//! A header is made of the names that stand in the signature, so an alias of a type is refused:
//!
//! ```compile_fail,E0080
//! type Text = String;
//!
//! #[wharf_ffi::export]
//! async fn measure(text: Text) -> usize {
//!     text.len()
//! }
//! ```

use crate::{
    boundary::call,
    c::{wharf_port_t, wharf_status_t, wharf_task_t, wharf_value_t},
    dart,
    port::{self, Port, Sender},
    status::{Error, Result, WHARF_BAD_VALUE},
    task::{self, Terminal},
    value::{Bytes, IntoValue, SendPort, Value},
};
use std::{
    ffi::c_char,
    future::{Future, poll_fn},
    sync::Arc,
    time::Duration,
};

/// What an exported function can take from C.
pub trait Param: Sized {
    /// What stands for it in C.
    type C;

    /// Whether it is one of wharf's, whose names the attribute knows.
    #[doc(hidden)]
    const OWN: bool = false;

    /// Checks it and makes it.
    ///
    /// # Errors
    ///
    /// NULL where something is needed, or something that is not what it should be; the call is
    /// then refused. `name` is the parameter's.
    ///
    /// # Safety
    ///
    /// Pointers that are not NULL point to what their type says.
    unsafe fn from_c(c: Self::C, name: &str) -> Result<Self>;

    /// Leaves to the caller what is the caller's, for the call is refused after all.
    fn give_back(self) {}
}

macro_rules! plain {
    ($($type:ty)*) => {$(
        impl Param for $type {
            type C = $type;
            const OWN: bool = true;

            unsafe fn from_c(c: Self::C, _: &str) -> Result<Self> {
                Ok(c)
            }
        }

        impl Param for Vec<$type> {
            type C = (*const $type, usize);
            const OWN: bool = true;

            unsafe fn from_c((start, length): Self::C, name: &str) -> Result<Self> {
                // SAFETY: the caller's word.
                unsafe { crate::c::copied(start, length, name) }
            }
        }
    )*};
}

plain! { i8 u8 i16 u16 i32 u32 i64 u64 isize usize f32 f64 }

impl Param for bool {
    /// A byte, since C may have put anything there.
    type C = u8;
    const OWN: bool = true;

    unsafe fn from_c(c: Self::C, _: &str) -> Result<Self> {
        Ok(c != 0)
    }
}

impl Param for Duration {
    type C = u64;
    const OWN: bool = true;

    unsafe fn from_c(c: Self::C, _: &str) -> Result<Self> {
        Ok(Self::from_nanos(c))
    }
}

impl Param for SendPort {
    type C = u64;
    const OWN: bool = true;

    unsafe fn from_c(c: Self::C, _: &str) -> Result<Self> {
        port::get(c).map(|_| Self::new(c))
    }
}

impl Param for String {
    type C = *const c_char;
    const OWN: bool = true;

    unsafe fn from_c(c: Self::C, name: &str) -> Result<Self> {
        // SAFETY: the caller's word.
        unsafe { crate::c::text(c, name) }.map(str::to_owned)
    }
}

impl Param for Option<String> {
    type C = *const c_char;
    const OWN: bool = true;

    unsafe fn from_c(c: Self::C, name: &str) -> Result<Self> {
        // SAFETY: the caller's word.
        if c.is_null() { Ok(None) } else { unsafe { String::from_c(c, name) }.map(Some) }
    }
}

impl Param for Value {
    type C = *const wharf_value_t;
    const OWN: bool = true;

    unsafe fn from_c(c: Self::C, name: &str) -> Result<Self> {
        if c.is_null() {
            return Err(Error::null(name));
        }
        // SAFETY: the caller's word.
        unsafe { Value::copy_from(c) }
    }

    fn give_back(mut self) {
        self.disarm();
    }
}

impl Param for Bytes {
    type C = *const wharf_value_t;
    const OWN: bool = true;

    unsafe fn from_c(c: Self::C, name: &str) -> Result<Self> {
        // SAFETY: the caller's word.
        let value = unsafe { Value::from_c(c, name) }?;
        Self::of_bytes(value).map_err(|value| {
            value.give_back();
            Error::new(WHARF_BAD_VALUE, format!("{name} holds no bytes"))
        })
    }

    fn give_back(self) {
        self.into_inner().give_back();
    }
}

/// A running task's way to its port, for more than its one result. An exported function that has a
/// parameter of this type is given it; C does not see it.
///
/// What is posted bears the task's tag and arrives before its result, in order.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "has nothing to show")]
pub struct Reply {
    port: Arc<Port>,
    sender: Sender,
}

impl Reply {
    pub(crate) fn of(terminal: &Terminal, sender: Sender) -> Self {
        Self { port: terminal.port.clone(), sender }
    }

    /// Posts a value, at once.
    ///
    /// # Errors
    ///
    /// The port is full or without credit, closed, or shut down; the value can't be sent.
    pub fn try_post(&self, value: impl IntoValue) -> Result<()> {
        self.port.post_as(&self.sender, &mut value.into_value()?.within_limits()?)
    }

    /// Posts a value, and waits while the port is full or without credit.
    ///
    /// Cancel safe: a value is posted, or it is dropped.
    ///
    /// # Errors
    ///
    /// The port is closed or shut down; the value can't be sent.
    pub async fn post(&self, value: impl IntoValue) -> Result<()> {
        let mut value = value.into_value()?.within_limits()?;
        // A stream that always finds room lets others run in between all the same.
        wharf::task::consume_budget().await;
        let mut room = self.port.mailbox.room();
        loop {
            match self.port.post_as(&self.sender, &mut value) {
                Err(error) if error.status() == crate::status::WHARF_FULL => {}
                done => return done,
            }
            poll_fn(|cx| room.poll(cx)).await?;
        }
    }

    /// Posts all that a stream yields, each when the port takes it. The result is the number of
    /// elements.
    ///
    /// Cancel safe: an element is posted, or it is dropped.
    ///
    /// # Errors
    ///
    /// Those of [`post`](Self::post).
    #[cfg(feature = "stream")]
    pub async fn stream<S>(&self, stream: S) -> Result<u64>
    where
        S: futures_core::Stream<Item: IntoValue>,
    {
        let mut stream = std::pin::pin!(stream);
        let mut count = 0;
        while let Some(element) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
            self.post(element).await?;
            count += 1;
        }
        Ok(count)
    }

    /// Opens a port on which the task can receive, on the runtime that it runs on.
    ///
    /// # Errors
    ///
    /// Too many ports are open; the runtime has been shut down.
    pub fn open_port(&self) -> Result<crate::Port> {
        crate::Port::open(self.port.runtime.clone())
    }

    /// Whether the host has asked for the task's end, or closed the port; for functions that run on
    /// the blocking pool and have to look for themselves.
    pub fn is_cancelled(&self) -> bool {
        self.port.mailbox.is_cancelled(self.sender.key).unwrap_or(true)
    }
}

/// Where a call asks to be answered.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum At {
    /// At a port of wharf's, under a tag.
    Port(wharf_port_t, u64),
    /// At a port of the Dart VM's, bare.
    Dart(i64),
}

/// C's words for a function or a type as they stand in the library: where they come from, then they.
#[doc(hidden)]
#[repr(C)]
#[derive(Debug)]
pub struct Record<const HEAD: usize, const TEXT: usize>(pub [u8; HEAD], pub [u8; TEXT]);

/// A text as bytes.
#[doc(hidden)]
pub const fn bytes<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = text.as_bytes()[at];
        at += 1;
    }
    bytes
}

/// Puts C's words for a function (`F`) or a type (`T`) into the library's section `.wharf.exports`,
/// behind a comment that says where they come from, by which a header is put in order.
#[doc(hidden)]
#[macro_export]
macro_rules! __describe {
    ($name:ident, $sort:literal, $text:expr) => {
        #[cfg_attr(target_os = "linux", unsafe(link_section = ".wharf.exports"))]
        static $name: $crate::export::Record<
            { concat!("/*@", $sort, " ", file!(), ":", line!(), "*/\n").len() },
            { ($text).len() },
        > = $crate::export::Record(
            $crate::export::bytes(concat!("/*@", $sort, " ", file!(), ":", line!(), "*/\n")),
            $crate::export::bytes($text),
        );
    };
}

/// Names whole numbers for both sides: constants in Rust, and an `enum` in the headers of the
/// libraries whose exported functions return what is described with it.
///
/// ```
/// use wharf_ffi::{Failure, IntoFailure};
///
/// wharf_ffi::c_enum! {
///     /// What can go wrong with a door.
///     pub DOOR_ERRORS:
///     /// It is locked.
///     DOOR_ERROR_LOCKED = 1,
///     /// Somebody stands behind it.
///     DOOR_ERROR_BLOCKED = 2,
/// }
///
/// struct Locked;
///
/// impl IntoFailure for Locked {
///     const C: &'static str = DOOR_ERRORS;
///
///     fn into_failure(self) -> Failure {
///         Failure::new(DOOR_ERROR_LOCKED, "the door is locked")
///     }
/// }
/// # assert_eq!(Locked.into_failure().code(), 1);
/// # assert!(DOOR_ERRORS.contains("/** It is locked. */\n    DOOR_ERROR_LOCKED = 1,\n"));
/// ```
#[macro_export]
macro_rules! c_enum {
    (
        $(#[doc = $about:literal])*
        $visibility:vis $all:ident:
        $($(#[doc = $doc:literal])* $name:ident = $value:literal,)*
    ) => {
        $(#[doc = $about])*
        ///
        /// As C reads it.
        $visibility const $all: &str = concat!(
            "#ifndef WHARF_C_", stringify!($all), "\n",
            "#define WHARF_C_", stringify!($all), "\n",
            "/**\n", $(" *", $about, "\n",)* " */\n",
            "enum {\n",
            $($("    /**", $doc, " */\n",)* "    ", stringify!($name), " = ", $value, ",\n",)*
            "};\n",
            "#endif\n",
        );
        $($(#[doc = $doc])* $visibility const $name: i32 = $value;)*
    };
}

/// Accepts a task whose parameters `convert` makes; `give_back` gets them back if the call is
/// refused after that.
///
/// # Safety
///
/// `task` is NULL or can be written to.
unsafe fn accept<P>(
    at: At,
    task: *mut wharf_task_t,
    convert: impl FnOnce() -> Result<P>,
    give_back: impl FnOnce(P),
    run: impl FnOnce(Terminal, Sender, P),
) -> wharf_status_t {
    call(|| {
        let (accepted, params) = match at {
            At::Port(port, tag) => {
                let port = port::get(port)?;
                let params = convert()?;
                (Terminal::accept(port, tag), params)
            }
            At::Dart(port) => {
                let params = convert()?;
                (dart::accept(port), params)
            }
        };
        let (terminal, sender) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                give_back(params);
                return Err(error);
            }
        };
        if !task.is_null() {
            // Before the task can run, so that its id is there when its answer is.
            // SAFETY: not NULL, so the caller lets us write to it.
            unsafe { task.write(sender.task) };
        }
        run(terminal, sender, params);
        Ok(())
    })
}

/// A call of an exported `async fn`.
///
/// # Safety
///
/// `task` is NULL or can be written to.
#[doc(hidden)]
pub unsafe fn submit<P, F>(
    at: At,
    task: *mut wharf_task_t,
    convert: impl FnOnce() -> Result<P>,
    give_back: impl FnOnce(P),
    function: impl FnOnce(P, Reply) -> F,
) -> wharf_status_t
where
    F: Future<Output: IntoValue> + Send + 'static,
{
    let run = |terminal: Terminal, sender, params| {
        let future = function(params, Reply::of(&terminal, sender));
        task::spawn(terminal, future);
    };
    // SAFETY: the caller's word.
    unsafe { accept(at, task, convert, give_back, run) }
}

/// A call of an exported plain `fn`, which runs on the blocking pool.
///
/// # Safety
///
/// `task` is NULL or can be written to.
#[doc(hidden)]
pub unsafe fn submit_blocking<P, T>(
    at: At,
    task: *mut wharf_task_t,
    convert: impl FnOnce() -> Result<P>,
    give_back: impl FnOnce(P),
    function: impl FnOnce(P, Reply) -> T + Send + 'static,
) -> wharf_status_t
where
    P: Send + 'static,
    T: IntoValue,
{
    let run = |terminal: Terminal, sender, params| {
        let reply = Reply::of(&terminal, sender);
        task::spawn_blocking(terminal, move || function(params, reply));
    };
    // SAFETY: the caller's word.
    unsafe { accept(at, task, convert, give_back, run) }
}
