//! A bare timerfd, and a sorted list of deadlines slept through with it.

use crate::lateness::{HEAD_START, Random, judged};
use crate::stopwatch::{Sample, Stopwatch};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, FromRawFd};
use std::time::{Duration, Instant};

/// A timerfd that one thread arms and reads.
#[derive(Debug)]
struct Timer(File);

impl Timer {
    fn new() -> Self {
        // SAFETY: the call takes no pointers; what it returns is a descriptor of ours or -1.
        let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC) };
        assert!(fd >= 0, "timerfd_create: {}", std::io::Error::last_os_error());
        // SAFETY: `fd` is open, and nobody else has it.
        Self(unsafe { File::from_raw_fd(fd) })
    }

    fn sleep(&mut self, duration: Duration) {
        let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let value = libc::timespec {
            tv_sec: duration.as_secs() as libc::time_t,
            tv_nsec: duration.subsec_nanos().max(1).into(),
        };
        let time = libc::itimerspec { it_interval: zero, it_value: value };
        // SAFETY: the descriptor is a timerfd, `time` is valid, the old value is not asked for.
        unsafe { libc::timerfd_settime(self.0.as_raw_fd(), 0, &time, std::ptr::null_mut()) };
        self.0.read_exact(&mut [0; 8]).expect("a timerfd gives eight bytes");
    }
}

/// Sleeps one after the other.
pub fn naps(count: usize, micros: u64) -> Sample {
    let mut timer = Timer::new();
    let watch = Stopwatch::start();
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        timer.sleep(Duration::from_micros(micros));
        times.push(start.elapsed().as_nanos() as u64);
    }
    watch.stop().with_latencies(times)
}

/// Sleeps to each of the deadlines in order; says how late each was met.
fn through(mut deadlines: Vec<Instant>) -> Vec<Option<u64>> {
    let mut timer = Timer::new();
    deadlines.sort_unstable();
    let wait = |due: Instant| {
        let mut now = Instant::now();
        while now < due {
            timer.sleep(due - now);
            now = Instant::now();
        }
        Some((now - due).as_nanos() as u64)
    };
    deadlines.into_iter().map(wait).collect()
}

/// So many deadlines between 1 and 50 ms from now.
pub fn sleepers(count: usize) -> Sample {
    let watch = Stopwatch::start();
    let mut random = Random(1);
    let due = |_| watch.started() + Duration::from_micros(1_000 + random.below(49_000));
    through((0..count).map(due).collect());
    watch.stop()
}

/// So many deadlines within 50 ms, the first after a while.
pub fn armed_first(count: usize) -> Sample {
    let watch = Stopwatch::start();
    let mut random = Random(2);
    let first = watch.started() + HEAD_START;
    let due = |_| first + Duration::from_micros(random.below(50_000));
    let late = through((0..count).map(due).collect());
    judged(watch.stop(), &late)
}
