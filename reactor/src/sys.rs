//! The few calls for which neither std, mio nor socket2 has a name.

/// The processor on which this thread runs just now.
#[cfg(target_os = "linux")]
pub(crate) fn current_processor() -> usize {
    // SAFETY: takes nothing and can only fail.
    let processor = unsafe { libc::sched_getcpu() };
    usize::try_from(processor).unwrap_or(crate::seat::NO_PROCESSOR)
}

/// The processor on which this thread runs just now: not known here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn current_processor() -> usize {
    crate::seat::NO_PROCESSOR
}
