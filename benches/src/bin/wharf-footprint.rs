//! What things cost in memory and in wakes, one thing and one runtime a process:
//! `wharf-footprint THING RUNTIME COUNT` prints one number.

use std::alloc::{GlobalAlloc, Layout, System};
use std::future::pending;
use std::hint::black_box;
use std::io::Read;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};
use wharf_benches::rt::{Duplex, Rt, Smol, Tokio, Wharf};

/// The system's allocator, counted.
struct Counting;

/// Bytes asked for and not given back. Relaxed everywhere: read when all is quiet.
static LIVE: AtomicUsize = AtomicUsize::new(0);
/// How often memory was asked for.
static CALLS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are handed on.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const WORKERS: usize = 2;

fn main() {
    let begin = Instant::now();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [thing, runtime, count] = &words[..] else {
        panic!("usage: wharf-footprint THING RUNTIME COUNT");
    };
    let count = count.parse().expect("COUNT is a number");
    let figure = match runtime.as_str() {
        "wharf" => measure::<Wharf>(thing, count, begin),
        "tokio" => measure::<Tokio>(thing, count, begin),
        "smol" => measure::<Smol>(thing, count, begin),
        other => panic!("no runtime is called {other}"),
    };
    println!("{figure}");
    // What is still pending is of no interest, and some of it has no end.
    std::process::exit(0);
}

fn measure<R: Rt>(thing: &str, count: usize, begin: Instant) -> f64 {
    match thing {
        "task" => grown(tasks::<R>(live, count), count),
        "task-resident" => grown(tasks::<R>(resident, count), count),
        "timer" => {
            (grown(timers::<R>(count), count) - size_of::<R::Sleep>() as f64).max(0.0).round()
        }
        "sleep" => grown(timers::<R>(count), count),
        "connection" => grown(connections::<R>(live, count), count),
        "connection-resident" => grown(connections::<R>(resident, count), count),
        "build-calls" => calls_to_build::<R>(),
        "running" => bytes_of_a_running_one::<R>(),
        "first-task" => first_task::<R>(begin),
        "idle-wakes" => idle_wakes::<R>(count),
        other => panic!("nothing is called {other}"),
    }
}

fn live() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// Resident memory of this process, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("a process has a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    kib.expect("the status tells VmRSS") * 1024
}

fn grown((before, after): (usize, usize), count: usize) -> f64 {
    after.saturating_sub(before) as f64 / count as f64
}

/// Runs as a task on a runtime that has already run one.
fn inside<R: Rt, T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let rt = R::start(WORKERS);
    rt.block_on(rt.spawn_outside(async { R::sleep(Duration::from_millis(1)).await }));
    let output = rt.block_on(rt.spawn_outside(work));
    std::mem::forget(rt);
    output
}

fn tasks<R: Rt>(read: fn() -> usize, count: usize) -> (usize, usize) {
    inside::<R, _>(async move {
        let before = read();
        for _ in 0..count {
            R::detach(R::spawn(pending::<()>()));
        }
        // Until each of them has been polled.
        R::sleep(Duration::from_millis(100)).await;
        (before, read())
    })
}

fn timers<R: Rt>(count: usize) -> (usize, usize) {
    inside::<R, _>(async move {
        let mut held = Vec::with_capacity(count);
        let before = live();
        for n in 0..count {
            let mut sleep = Box::pin(R::sleep(Duration::from_secs(600 + n as u64 % 600)));
            let polled = sleep.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
            held.push(sleep);
            if n % 64 == 0 {
                R::yield_now().await;
            }
        }
        let after = live();
        black_box(held);
        (before, after)
    })
}

/// The server's side of connections on which nothing comes, a task each.
fn connections<R: Rt>(read: fn() -> usize, count: usize) -> (usize, usize) {
    inside::<R, _>(async move {
        let (listener, addr) = R::listen().expect("listen");
        let mut clients: Vec<TcpStream> = Vec::with_capacity(count);
        let before = read();
        for _ in 0..count {
            clients.push(TcpStream::connect(addr).expect("connect"));
            let mut socket = R::accept(&listener).await.expect("accept");
            R::detach(R::spawn(async move {
                let mut byte = [0];
                // The answer is of no interest: none comes.
                let _ = socket.read(&mut byte).await;
            }));
        }
        R::sleep(Duration::from_millis(100)).await;
        let after = read();
        for client in &mut clients {
            client.set_nonblocking(true).expect("nonblocking");
            assert!(client.read(&mut [0]).is_err(), "nothing comes");
        }
        (before, after)
    })
}

fn calls_to_build<R: Rt>() -> f64 {
    let before = CALLS.load(Ordering::Relaxed);
    let rt = R::start(WORKERS);
    let after = CALLS.load(Ordering::Relaxed);
    std::mem::forget(rt);
    (after - before) as f64
}

fn bytes_of_a_running_one<R: Rt>() -> f64 {
    let before = live();
    inside::<R, _>(async {});
    std::thread::sleep(Duration::from_millis(20));
    (live() - before) as f64
}

/// Microseconds from the beginning of main to the end of the first task.
fn first_task<R: Rt>(begin: Instant) -> f64 {
    let rt = R::start(WORKERS);
    rt.block_on(rt.spawn_outside(async {}));
    let micros = begin.elapsed().as_nanos() as f64 / 1e3;
    std::mem::forget(rt);
    micros
}

/// How often the threads of an idle runtime were given a processor in so many milliseconds.
fn idle_wakes<R: Rt>(millis: usize) -> f64 {
    let rt = R::start(WORKERS);
    rt.block_on(rt.spawn_outside(async { R::sleep(Duration::from_millis(5)).await }));
    std::thread::sleep(Duration::from_millis(50));
    let before = switches();
    std::thread::sleep(Duration::from_millis(millis as u64));
    // One is this thread's own.
    let count = switches() - before - 1;
    std::mem::forget(rt);
    count as f64
}

/// Voluntary switches of all threads of the process.
fn switches() -> i64 {
    // SAFETY: a usage of zeros is a valid one, and the call fills it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    usage.ru_nvcsw
}
