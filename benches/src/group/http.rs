//! HTTP/1.1 with hyper, the same service on each runtime, loaded by wrk from another process.

use crate::row::Better;
use crate::rt::Rt;
use crate::stopwatch::{Sample, process_cpu};
use crate::suite::{Spec, Suite};
use crate::turns;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const WORKERS: usize = 2;

/// Runs the group; without wrk there are no rows, and a word about it.
pub fn run(s: &mut Suite) {
    let specs = [1, 50, 200].map(|connections| {
        let plural = if connections == 1 { "" } else { "s" };
        let work = format!("hyper, keep-alive, {connections} connection{plural} of wrk");
        let spec = Spec::new("http", work)
            .figure("req/s", Better::Higher)
            .latency("median latency", 0.0)
            .latency("p99 latency", 1.0)
            .cpu_each("processor time a request");
        (connections, spec)
    });
    for (connections, spec) in specs {
        if s.wants(&spec) {
            if Command::new("wrk").arg("-v").output().is_err() {
                eprintln!("no row for `{}`: there is no wrk on the PATH", spec.name());
                continue;
            }
            let seconds = s.size(2, 1);
            turns!(s, spec, WORKERS, |rt| loaded(rt, connections, seconds));
        }
    }
}

async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"Hello, world!"))))
}

/// Serves every connection in a task of its own until one comes after `enough` was set.
async fn serve<R: Rt>(listener: R::Listener, enough: Arc<AtomicBool>) {
    loop {
        let stream = R::accept(&listener).await.expect("accept");
        // Relaxed: set before the last connect, which comes here through the kernel.
        if enough.load(Ordering::Relaxed) {
            return;
        }
        R::detach(R::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(R::http(stream), service_fn(hello));
            // wrk closes its connections in the middle of an answer when its time is over.
            let _ = connection.await;
        }));
    }
}

fn loaded<R: Rt>(rt: &Arc<R>, connections: usize, seconds: usize) -> Sample {
    let enough = Arc::new(AtomicBool::new(false));
    let (address, addr) = std::sync::mpsc::channel();
    let server = rt.spawn_outside({
        let enough = enough.clone();
        async move {
            let (listener, addr) = R::listen().expect("listen");
            address.send(addr).expect("somebody wants to connect");
            serve::<R>(listener, enough).await;
        }
    });
    let addr: SocketAddr = addr.recv().expect("the server says where");
    let cpu = process_cpu();
    let mut sample = wrk(addr, connections, seconds);
    sample.cpu = process_cpu() - cpu;
    enough.store(true, Ordering::Relaxed);
    drop(std::net::TcpStream::connect(addr).expect("connect"));
    rt.block_on(server);
    sample
}

/// wrk's figures: requests a second, the wall time, and the latencies it prints.
fn wrk(addr: SocketAddr, connections: usize, seconds: usize) -> Sample {
    let output = Command::new("wrk")
        .args(["--latency", "-t1", &format!("-c{connections}"), &format!("-d{seconds}s")])
        .arg(format!("http://{addr}/"))
        .output()
        .expect("start wrk");
    let text = String::from_utf8_lossy(&output.stdout);
    read(&text).unwrap_or_else(|| panic!("wrk said something new:\n{text}"))
}

fn read(text: &str) -> Option<Sample> {
    let after = |label: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(label))?;
        line.trim_start().strip_prefix(label)?.split_whitespace().next()
    };
    let rate: f64 = after("Requests/sec:")?.parse().ok()?;
    let total = text.lines().find(|line| line.contains(" requests in "))?;
    let count: f64 = total.split_whitespace().next()?.parse().ok()?;
    let latencies = vec![nanos(after("50%")?)?, nanos(after("99%")?)?];
    let wall = Duration::from_secs_f64(count / rate);
    Some(Sample { figure: rate, wall, latencies, ..Sample::default() })
}

/// wrk's `1.23ms` in nanoseconds.
fn nanos(text: &str) -> Option<u64> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let scale = match unit {
        "us" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => return None,
    };
    let value: f64 = text.strip_suffix(unit)?.parse().ok()?;
    Some((value * scale) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_wrk_prints() {
        let text = "Running 1s test @ http://127.0.0.1:1/\n  Latency Distribution\n     \
                    50%    1.50ms\n     75%    2.00ms\n     99%  700.00us\n  \
                    80000 requests in 2.00s, 7.0MB read\nRequests/sec:  40000.00\n";
        let sample = read(text).unwrap();
        assert_eq!(sample.figure, 40_000.0);
        assert_eq!(sample.wall, Duration::from_secs(2));
        assert_eq!(sample.latencies, [1_500_000, 700_000]);
    }
}
