//! Signals: each test has kinds of its own, as they are the process's.

mod common;

use common::{both, run};
use std::{
    future::Future,
    io::ErrorKind,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    task::{Context, Waker},
};
use wharf_reactor::signal::{
    ctrl_c,
    unix::{SignalKind, signal},
};

/// To this thread, so that the handler has run when this returns.
fn raise(kind: SignalKind) {
    // SAFETY: takes no pointers; there is a handler by now.
    assert_eq!(unsafe { libc::raise(kind.as_raw_value()) }, 0);
}

#[test]
fn each_listener_receives_each_signal() {
    let kind = SignalKind::user_defined1();
    run(async {
        let mut one = signal(kind).unwrap();
        let mut other = signal(kind).unwrap();
        for _ in 0..3 {
            raise(kind);
            assert_eq!(both(one.recv(), other.recv()).await, (Some(()), Some(())));
        }
        // One that was there all the time hears what came before another listens; that one doesn't.
        raise(kind);
        let mut late = signal(kind).unwrap();
        one.recv().await.unwrap();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(late.poll_recv(&mut cx).is_pending());
        drop((one, other));
        raise(kind);
        late.recv().await.unwrap();
    });
}

#[test]
fn in_two_runtimes_at_once() {
    let kind = SignalKind::from_raw(libc::SIGURG);
    let (ready, go) = std::sync::mpsc::channel();
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let ready = ready.clone();
            std::thread::spawn(move || {
                run(async {
                    let mut listening = signal(kind).unwrap();
                    ready.send(()).unwrap();
                    listening.recv().await.unwrap();
                });
            })
        })
        .collect();
    for _ in 0..2 {
        go.recv().unwrap();
    }
    raise(kind);
    for thread in threads {
        thread.join().unwrap();
    }
}

static BEFORE: AtomicUsize = AtomicUsize::new(0);

extern "C" fn hosts_handler(_: libc::c_int) {
    BEFORE.fetch_add(1, SeqCst);
}

#[test]
fn the_handler_of_a_host_goes_on() {
    let kind = SignalKind::user_defined2();
    let handler = hosts_handler as extern "C" fn(libc::c_int);
    // SAFETY: the handler only counts.
    unsafe { libc::signal(kind.as_raw_value(), handler as libc::sighandler_t) };
    raise(kind);
    run(async {
        let mut listening = signal(kind).unwrap();
        raise(kind);
        listening.recv().await.unwrap();
    });
    raise(kind);
    assert_eq!(BEFORE.load(SeqCst), 3);
}

#[test]
fn ctrl_c_listens_from_its_call_on() {
    run(async {
        let first = ctrl_c();
        raise(SignalKind::interrupt());
        first.await.unwrap();
        // Nobody listens now, and the process goes on.
        raise(SignalKind::interrupt());
    });
}

#[test]
fn what_can_not_be_listened_for_is_an_error() {
    run(async {
        for number in [libc::SIGKILL, libc::SIGSTOP, libc::SIGSEGV, 0, -1, 129, i32::MAX] {
            let error = signal(SignalKind::from_raw(number)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{number}");
        }
    });
    assert!(signal(SignalKind::hangup()).is_err(), "outside a runtime");
}

#[test]
fn a_storm_of_signals_interrupts_nothing() {
    let kind = SignalKind::window_change();
    run(async {
        let mut listening = signal(kind).unwrap();
        let done = std::sync::Arc::new(AtomicUsize::new(0));
        // SAFETY: takes nothing.
        let this = unsafe { libc::pthread_self() };
        let seen = done.clone();
        let storm = std::thread::spawn(move || {
            // One at least, though this thread should come when all is over.
            loop {
                // SAFETY: the thread lives until it has joined this one.
                unsafe { libc::pthread_kill(this, libc::SIGWINCH) };
                if seen.load(SeqCst) != 0 {
                    break;
                }
            }
        });
        let (one, other) = wharf_reactor::net::UnixStream::pair().unwrap();
        let asking = async {
            for n in 0..2_000u32 {
                one.write_all(&n.to_le_bytes()).await.unwrap();
                let mut buf = [0; 4];
                one.read_exact(&mut buf).await.unwrap();
                assert_eq!(u32::from_le_bytes(buf), n);
            }
            one.shutdown().await.unwrap();
        };
        let answering = async {
            let mut buf = [0; 16];
            while let count @ 1.. = other.read(&mut buf).await.unwrap() {
                other.write_all(&buf[..count]).await.unwrap();
            }
        };
        both(asking, answering).await;
        done.store(1, SeqCst);
        storm.join().unwrap();
        listening.recv().await.unwrap();
    });
}

#[test]
fn the_end_of_the_runtime_ends_the_waiting() {
    let reactor = wharf_reactor::Reactor::new(1);
    let _entered = common::enter(&reactor, Some(0));
    let mut listening = signal(SignalKind::alarm()).unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(listening.poll_recv(&mut cx).is_pending());
    reactor.shutdown();
    let ended = std::pin::pin!(listening.recv()).poll(&mut cx);
    assert_eq!(ended, std::task::Poll::Ready(None));
}
