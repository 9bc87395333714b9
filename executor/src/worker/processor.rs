//! How long a seat's owner has run on a processor, as others read it.

use std::time::Duration;

#[cfg(all(any(target_os = "linux", target_os = "android"), not(loom)))]
mod clock {
    use std::{
        mem::MaybeUninit,
        sync::atomic::{AtomicI32, Ordering::Relaxed},
    };

    /// No clock: those of threads have negative numbers here, those of the system small ones.
    const NONE: libc::clockid_t = libc::clockid_t::MAX;

    pub(super) struct Clock(AtomicI32);

    impl Clock {
        pub(super) const fn new() -> Self {
            Self(AtomicI32::new(NONE))
        }

        pub(super) fn take(&self) {
            let mut id = NONE;
            // SAFETY: this thread is alive, and `id` is ours.
            let error = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &mut id) };
            // Relaxed: a hint. Who reads an old one reads another thread's time, or none.
            self.0.store(if error == 0 { id } else { NONE }, Relaxed);
        }

        /// Seconds and nanoseconds.
        pub(super) fn time(&self) -> Option<(u64, u32)> {
            let mut time = MaybeUninit::<libc::timespec>::uninit();
            // Relaxed: as above.
            // SAFETY: `time` is ours. A thread that has ended has no clock, and this fails.
            let error = unsafe { libc::clock_gettime(self.0.load(Relaxed), time.as_mut_ptr()) };
            // SAFETY: written, where there was no error.
            let time = (error == 0).then(|| unsafe { time.assume_init() })?;
            Some((time.tv_sec as u64, time.tv_nsec as u32))
        }
    }
}

#[cfg(not(all(any(target_os = "linux", target_os = "android"), not(loom))))]
mod clock {
    /// No thread can read another's time here.
    pub(super) struct Clock;

    impl Clock {
        pub(super) const fn new() -> Self {
            Self
        }
        pub(super) fn take(&self) {}
        pub(super) fn time(&self) -> Option<(u64, u32)> {
            None
        }
    }
}

/// The processor time of whoever sits in a seat.
pub(crate) struct Processor(clock::Clock);

impl Processor {
    pub(crate) const fn new() -> Self {
        Self(clock::Clock::new())
    }

    /// This thread sits there from now on.
    pub(super) fn take(&self) {
        self.0.take();
    }

    /// How long the owner has run since it was started; `None` where that can't be told.
    pub(super) fn time(&self) -> Option<Duration> {
        self.0.time().map(|(seconds, nanos)| Duration::new(seconds, nanos))
    }
}
