//! What one run of a workload measured: wall time, processor time, latencies.

use std::time::{Duration, Instant};

/// One run of a workload.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// From start to stop.
    pub wall: Duration,
    /// What all threads of this process spent meanwhile, in user and kernel together.
    pub cpu: Duration,
    /// Single latencies in nanoseconds, sorted once the run is over; empty where none were taken.
    pub latencies: Vec<u64>,
    /// A figure that is neither a time nor a latency (bytes, counts, requests a second).
    pub figure: f64,
}

impl Sample {
    /// A sample that carries nothing but a figure.
    pub fn figure(figure: f64) -> Self {
        Self { figure, ..Self::default() }
    }

    /// Adds single latencies, in nanoseconds.
    pub fn with_latencies(mut self, mut latencies: Vec<u64>) -> Self {
        latencies.sort_unstable();
        self.latencies = latencies;
        self
    }

    /// The latency at a quantile between 0 and 1, in nanoseconds.
    ///
    /// # Panics
    ///
    /// Where the run took no latencies.
    pub fn quantile(&self, q: f64) -> f64 {
        let last = self.latencies.len() - 1;
        self.latencies[(last as f64 * q).round() as usize] as f64
    }
}

/// A running measurement of wall and processor time.
#[derive(Debug)]
pub struct Stopwatch {
    wall: Instant,
    cpu: Duration,
}

impl Stopwatch {
    /// Starts both clocks.
    pub fn start() -> Self {
        let cpu = process_cpu();
        Self { wall: Instant::now(), cpu }
    }

    /// Stops both clocks.
    pub fn stop(self) -> Sample {
        let wall = self.wall.elapsed();
        Sample { wall, cpu: process_cpu().saturating_sub(self.cpu), ..Sample::default() }
    }

    /// When it was started.
    pub fn started(&self) -> Instant {
        self.wall
    }
}

/// Processor time of all threads of this process so far.
pub fn process_cpu() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place to write to; the clock id is a constant of the system.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
