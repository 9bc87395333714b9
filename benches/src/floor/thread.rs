//! Bare threads.

use crate::stopwatch::{Sample, Stopwatch};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A flag that a thread sleeps on until the other side sets it: one futex, as plain as it gets.
#[derive(Debug, Default)]
pub struct Flag(AtomicU32);

impl Flag {
    /// Sets the flag and wakes whoever sleeps on it.
    pub fn raise(&self) {
        // Release: pairs with the Acquire swap in `wait`.
        self.0.store(1, Ordering::Release);
        futex(&self.0, libc::FUTEX_WAKE, 1);
    }

    /// Sleeps until the flag is up, and takes it down.
    pub fn wait(&self) {
        // Acquire: pairs with the Release store in `raise`.
        while self.0.swap(0, Ordering::Acquire) == 0 {
            futex(&self.0, libc::FUTEX_WAIT, 0);
        }
    }

    /// The same, after looking for so long at most whether it is up already.
    pub fn look_out(&self, limit: Duration) {
        let since = Instant::now();
        // Relaxed: a hint; the swap in `wait` counts.
        while self.0.load(Ordering::Relaxed) == 0 && since.elapsed() < limit {
            (0..4).for_each(|_| std::hint::spin_loop());
        }
        self.wait();
    }
}

fn futex(word: &AtomicU32, operation: libc::c_int, value: u32) {
    let operation = operation | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word outlives the call; no timeout is passed; a spurious return is allowed for.
    unsafe {
        let none = std::ptr::null::<libc::timespec>();
        libc::syscall(libc::SYS_futex, word.as_ptr(), operation, value, none)
    };
}

/// Round trips between two threads that wake each other with a futex each.
pub fn round_trips(count: usize) -> Sample {
    spinning_round_trips(count, Duration::ZERO)
}

/// The same; the one that answers looks out for the next trip so long before it sleeps.
pub fn spinning_round_trips(count: usize, limit: Duration) -> Sample {
    let (there, back) = (Flag::default(), Flag::default());
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..=count {
                there.look_out(limit);
                back.raise();
            }
        });
        let trip = || {
            there.raise();
            back.wait();
        };
        trip();
        let mut latencies = Vec::with_capacity(count);
        let watch = Stopwatch::start();
        for _ in 0..count {
            let start = Instant::now();
            trip();
            latencies.push(start.elapsed().as_nanos() as u64);
        }
        watch.stop().with_latencies(latencies)
    })
}

/// Jobs through std's channel to one thread, and their answers through another back.
pub fn jobs(count: usize) -> Sample {
    let (jobs, inbox) = mpsc::channel::<Box<dyn FnOnce() -> usize + Send>>();
    let (outbox, answers) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            for job in inbox {
                outbox.send(job()).expect("all answers are waited for");
            }
        });
        let watch = Stopwatch::start();
        for n in 0..count {
            jobs.send(Box::new(move || n)).expect("the thread takes jobs until the sender drops");
        }
        drop(jobs);
        assert_eq!(answers.into_iter().count(), count);
        watch.stop()
    })
}
