//! What loom has no stand-in for, or one that lacks what we use: thread-locals with the methods of
//! `std`'s cells in them, and a clock that stands still.

use loom::thread::LocalKey;
use std::{cell::Cell, time::Duration};

/// A thread-local of loom's, with the methods that `std`'s has for cells.
#[derive(Debug)]
pub struct Local<T: 'static>(&'static LocalKey<T>);

impl<T> Local<T> {
    /// Wraps the key.
    pub const fn new(key: &'static LocalKey<T>) -> Self {
        Self(key)
    }

    /// As `std`'s.
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.0.with(f)
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// When the thread has dropped its value already.
    pub fn try_with<R>(
        &'static self,
        f: impl FnOnce(&T) -> R,
    ) -> Result<R, loom::thread::AccessError> {
        self.0.try_with(f)
    }
}

impl<T> Local<Cell<T>> {
    /// As `std`'s.
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// As `std`'s.
    pub fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }

    /// As `std`'s.
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }

    /// As `std`'s.
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }
}

/// Declares thread-locals as `std`'s macro does.
#[macro_export]
macro_rules! model_local {
    ($($(#[$attr:meta])* $vis:vis static $name:ident: $type:ty = const { $init:expr };)*) => {$(
        $(#[$attr])*
        $vis static $name: $crate::model::Local<$type> = {
            $crate::sync::loom::thread_local! { static KEY: $type = $init; }
            $crate::model::Local::new(&KEY)
        };
    )*};
}

/// Not zero: what is longest reaches beyond the end.
const BEGINNING: Duration = Duration::from_nanos(1);

thread_local! {
    /// loom runs all threads of a model on one, so this is theirs together.
    static NOW: Cell<Duration> = const { Cell::new(BEGINNING) };
}

/// A point in time. It stands still but for [`advance`](Self::advance): a model that follows a clock
/// can't be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    /// As far as the model has come.
    pub fn now() -> Self {
        Self(NOW.get())
    }

    /// Goes on by so much, for all threads of the model.
    pub fn advance(by: Duration) {
        NOW.set(NOW.get() + by);
    }

    /// Goes back to the beginning: each run of a model starts there.
    pub fn reset() {
        NOW.set(BEGINNING);
    }

    /// As `std`'s.
    pub fn elapsed(self) -> Duration {
        Self::now().duration_since(self)
    }

    /// As `std`'s.
    pub fn duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// As `std`'s.
    pub fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }

    /// As `std`'s.
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        self.0.checked_add(duration).map(Self)
    }
}
