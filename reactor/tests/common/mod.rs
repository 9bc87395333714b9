//! A tiny executor for the reactor's tests: one thread, one seat, polls and turns.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};
use wharf_base::context::{self, Entered, Parts};
use wharf_reactor::Reactor;

pub fn enter(reactor: &Arc<Reactor>, seat: Option<usize>) -> Entered {
    let parts = Parts { executor: Arc::new(()), timers: None, reactor: Some(reactor.clone()) };
    context::enter(Arc::new(parts), seat)
}

struct Flag {
    set: AtomicBool,
    reactor: Arc<Reactor>,
    seat: usize,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.set.store(true, SeqCst);
        self.reactor.unpark(self.seat);
    }
}

/// Runs `future` on `seat`, turning its driver wherever nothing is to be polled.
pub fn run_on<F: Future>(reactor: &Arc<Reactor>, seat: usize, future: F) -> F::Output {
    let _entered = enter(reactor, Some(seat));
    let mut future = pin!(future);
    let flag = Arc::new(Flag { set: AtomicBool::new(true), reactor: reactor.clone(), seat });
    let waker = Waker::from(flag.clone());
    let mut cx = Context::from_waker(&waker);
    loop {
        if flag.set.swap(false, SeqCst) {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
        } else {
            reactor.turn(seat, None, None);
        }
    }
}

/// Runs `future` on a reactor of its own.
pub fn run<F: Future>(future: F) -> F::Output {
    run_on(&Reactor::new(1), 0, future)
}

/// Both futures at once, in one task.
pub async fn both<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut a_out, mut b_out) = (None, None);
    std::future::poll_fn(|cx| {
        poll_into(a.as_mut(), &mut a_out, cx);
        poll_into(b.as_mut(), &mut b_out, cx);
        if a_out.is_some() && b_out.is_some() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    (a_out.unwrap(), b_out.unwrap())
}

fn poll_into<F: Future>(future: Pin<&mut F>, out: &mut Option<F::Output>, cx: &mut Context<'_>) {
    if out.is_none() {
        if let Poll::Ready(output) = future.poll(cx) {
            *out = Some(output);
        }
    }
}
