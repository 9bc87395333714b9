//! Task-locals: what [`task_local!`](crate::task_local) declares.
//!
//! A value belongs to a future, not to a thread: it is put into a thread-local for the time of each
//! poll, and taken out after it.

use std::{
    cell::RefCell,
    error::Error,
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll},
    thread,
};

const BORROWED: &str = "a task-local was given a value while its `with` was still running";

/// Declares values that belong to a future while it is polled.
///
/// ```
/// wharf_executor::task_local! {
///     static REQUEST: u32;
/// }
///
/// # let ended = std::cell::Cell::new(false);
/// let handler = REQUEST.scope(7, async {
///     assert_eq!(REQUEST.get(), 7);
/// #   ended.set(true);
/// });
/// # let mut handler = std::pin::pin!(handler);
/// # let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert!(std::future::Future::poll(handler.as_mut(), &mut cx).is_ready() && ended.get());
/// ```
#[macro_export]
macro_rules! task_local {
    () => {};
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty; $($rest:tt)*) => {
        $crate::task_local! { $(#[$attribute])* $visibility static $name: $type }
        $crate::task_local! { $($rest)* }
    };
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty) => {
        $(#[$attribute])*
        $visibility static $name: $crate::task::LocalKey<$type> = {
            ::std::thread_local! {
                static VALUE: ::std::cell::RefCell<::std::option::Option<$type>> =
                    const { ::std::cell::RefCell::new(::std::option::Option::None) };
            }
            $crate::task::LocalKey::new(&VALUE)
        };
    };
}

/// The key of a task-local, made by [`task_local!`](crate::task_local).
pub struct LocalKey<T: 'static> {
    value: &'static thread::LocalKey<RefCell<Option<T>>>,
}

impl<T> LocalKey<T> {
    #[doc(hidden)]
    pub const fn new(value: &'static thread::LocalKey<RefCell<Option<T>>>) -> Self {
        Self { value }
    }
}

/// The task-local has no value here: nothing around this code has given it one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessError;

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task-local has no value here; run this inside its `scope`")
    }
}

impl Error for AccessError {}

impl<T: 'static> LocalKey<T> {
    /// Runs `future` with this value.
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> TaskLocalFuture<T, F> {
        TaskLocalFuture { key: self, value: Some(value), future: Some(future) }
    }

    /// Runs `f` with this value.
    ///
    /// # Panics
    ///
    /// If a value of this key is borrowed by a [`with`](Self::with) around it.
    #[track_caller]
    pub fn sync_scope<R>(&'static self, value: T, f: impl FnOnce() -> R) -> R {
        let mut value = Some(value);
        self.swapped(&mut value, f).unwrap_or_else(|_| panic!("{BORROWED}"))
    }

    /// Runs `f` with the value in place, which is back in `value` afterwards, also after a panic.
    /// Gives `f` back where the place can't be had: it is borrowed, or the thread is ending.
    fn swapped<R, F: FnOnce() -> R>(&'static self, value: &mut Option<T>, f: F) -> Result<R, F> {
        struct SwapBack<'a, T: 'static>(&'static LocalKey<T>, &'a mut Option<T>);
        impl<T> Drop for SwapBack<'_, T> {
            fn drop(&mut self) {
                _ = self.0.swap(self.1);
            }
        }
        if !self.swap(value) {
            return Err(f);
        }
        let _swap_back = SwapBack(self, value);
        Ok(f())
    }

    fn swap(&'static self, value: &mut Option<T>) -> bool {
        let swapped = self.value.try_with(|slot| {
            slot.try_borrow_mut().map(|mut slot| mem::swap(&mut *slot, value)).is_ok()
        });
        swapped.unwrap_or(false)
    }

    /// Calls `f` with the value.
    ///
    /// # Panics
    ///
    /// Where there is none.
    #[track_caller]
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match self.try_with(f) {
            Ok(result) => result,
            Err(error) => panic!("{error}"),
        }
    }

    /// Calls `f` with the value.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        let result = self.value.try_with(|slot| slot.borrow().as_ref().map(f));
        result.ok().flatten().ok_or(AccessError)
    }

    /// A copy of the value.
    ///
    /// # Panics
    ///
    /// Where there is none.
    #[track_caller]
    pub fn get(&'static self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// A copy of the value.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub fn try_get(&'static self) -> Result<T, AccessError>
    where
        T: Clone,
    {
        self.try_with(T::clone)
    }
}

impl<T> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalKey")
    }
}

/// The future of [`LocalKey::scope`].
#[must_use = "futures do nothing unless polled"]
pub struct TaskLocalFuture<T: 'static, F> {
    key: &'static LocalKey<T>,
    value: Option<T>,
    future: Option<F>,
}

impl<T: 'static, F> TaskLocalFuture<T, F> {
    /// Takes the value out; the future runs on without one.
    pub fn take_value(self: Pin<&mut Self>) -> Option<T> {
        // SAFETY: `value` is not pinned: nobody gets a pinned reference to it.
        unsafe { self.get_unchecked_mut() }.value.take()
    }
}

impl<T: 'static, F: Future> Future for TaskLocalFuture<T, F> {
    type Output = F::Output;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `future` is pinned with `self`: it is dropped in place, never moved; `value` is
        // not pinned.
        let (key, value, mut future) = unsafe {
            let this = self.get_unchecked_mut();
            (this.key, &mut this.value, Pin::new_unchecked(&mut this.future))
        };
        let polled = key.swapped(value, || {
            let running = future.as_mut().as_pin_mut();
            let polled = running.expect("a scope was polled after it was done").poll(cx);
            if polled.is_ready() {
                // Dropped while the value is still in place.
                future.set(None);
            }
            polled
        });
        polled.unwrap_or_else(|_| panic!("{BORROWED}"))
    }
}

impl<T: 'static, F> Drop for TaskLocalFuture<T, F> {
    fn drop(&mut self) {
        if self.future.is_some() && self.value.is_some() {
            // What the future drops may look at the value.
            let future = &mut self.future;
            // Where the value can't be put in place, the future goes without it, after this.
            _ = self.key.swapped(&mut self.value, || *future = None);
        }
    }
}

/// `T` is not pinned.
impl<T: 'static, F: Unpin> Unpin for TaskLocalFuture<T, F> {}

impl<T, F> fmt::Debug for TaskLocalFuture<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaskLocalFuture")
    }
}
