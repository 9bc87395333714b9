//! Where sources are at home, after so many waits.

use super::A_PAIR;
use crate::{Reactor, registration::Wish, seat::ALONE, source::Source, sys};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::fd::AsFd,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Waker},
    thread,
};
use wharf_base::context::{self, Parts};

const FOLLOWING: Wish = Wish { follows: true, ..Wish::TRY };

fn connected() -> [TcpStream; 2] {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    [client, listener.accept().unwrap().0]
}

/// At the current seat.
fn registered(end: TcpStream) -> Source<TcpStream> {
    end.set_nonblocking(true).unwrap();
    Source::new(end, FOLLOWING).unwrap()
}

/// So many connections, both ends of each registered at the current seat, next to each other.
fn connections(count: usize) -> Vec<Source<TcpStream>> {
    (0..count).flat_map(|_| connected().map(registered)).collect()
}

/// A stream that is nobody's, and the other end of it, registered at the current seat.
fn neighbour() -> (TcpStream, Source<TcpStream>) {
    let [stranger, end] = connected();
    (stranger, registered(end))
}

/// Each waits for data so many times, and none comes.
fn wait(ends: &[Source<TcpStream>], times: usize) {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..times {
        for end in ends {
            assert!(end.poll_read(&mut cx, &mut [0]).is_pending());
        }
    }
}

fn seats(ends: &[Source<TcpStream>]) -> Vec<usize> {
    ends.iter().map(|end| end.registration().home.seat()).collect()
}

fn at_seat_0(reactor: &Arc<Reactor>) -> context::Entered {
    let parts = Parts { executor: Arc::new(()), timers: None, reactor: Some(reactor.clone()) };
    context::enter(Arc::new(parts), Some(0))
}

#[test]
fn connections_spread_over_the_seats_and_both_ends_stay_together() {
    let reactor = Reactor::new(2);
    let attended = Arc::new(Mutex::new(Vec::new()));
    let seen = attended.clone();
    reactor.set_attendant(Box::new(move |seat| seen.lock().unwrap().push(seat)));
    let _entered = at_seat_0(&reactor);
    let mut ends = connections(5);
    wait(&ends, 4);
    let homes = seats(&ends);
    assert!(homes.chunks(2).all(|pair| pair[0] == pair[1]), "{homes:?}");
    assert!(reactor.sources_at(0).abs_diff(reactor.sources_at(1)) == A_PAIR, "{homes:?}");
    assert!(attended.lock().unwrap().contains(&1), "nobody may be turning that seat");
    // One with nobody to share with stays, whatever else is where.
    ends.truncate(2);
    wait(&ends, 64);
    assert_eq!(seats(&ends), homes[..2]);
}

#[test]
fn an_end_that_was_taken_away_is_followed_by_the_other() {
    let reactor = Reactor::new(2);
    let _entered = at_seat_0(&reactor);
    let ends = connections(1);
    wait(&ends, 1);
    ends[0].registration().move_to(1);
    wait(&ends, 2);
    let homes = seats(&ends);
    assert_eq!(homes[0], homes[1]);
}

#[test]
fn a_seat_is_fed_nearby_where_most_events_come_from_streams_of_others() {
    let reactor = Reactor::new(1);
    let _entered = at_seat_0(&reactor);
    let own = connections(1);
    wait(&own, 2);
    let (mut stranger, end) = neighbour();
    let foreign = [end];
    wait(&foreign, 1);
    reactor.poll(0);
    let next_event = || while reactor.poll(0) == 0 {};
    stranger.write_all(&[1]).unwrap();
    next_event();
    assert!(reactor.is_fed_nearby(0));
    own[0].get().write_all(&[1]).unwrap();
    next_event();
    assert!(!reactor.is_fed_nearby(0), "both ends are this reactor's");
}

/// Talks with so many strangers at once, whose processor seat 1 has last run on, and waits then for
/// more than they say; where their ends are at home now. `is_idle`: seat 1's owner sleeps. `resting`: so
/// many sources on which nothing comes are at home there.
fn homes_beside_seat_1(strangers: usize, is_idle: bool, resting: usize) -> Vec<usize> {
    let reactor = Reactor::new(2);
    let _entered = at_seat_0(&reactor);
    let resting: Vec<_> = (0..resting).map(|_| neighbour()).collect();
    resting.iter().for_each(|(_, end)| end.registration().move_to(1));
    let (mut strangers, ends): (Vec<_>, Vec<_>) = (0..strangers).map(|_| neighbour()).unzip();
    for _ in 0..ALONE {
        wait(&ends, 1);
        strangers.iter_mut().for_each(|stranger| stranger.write_all(&[1]).unwrap());
        let mut told = 0;
        while told < ends.len() {
            told += reactor.poll(0);
        }
        ends.iter().for_each(|end| assert_eq!(end.get().read(&mut [0]).unwrap(), 1));
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let owner = is_idle.then(|| {
        let (reactor, is_over) = (reactor.clone(), is_over.clone());
        thread::spawn(move || {
            // Relaxed: before the unpark. A sleep may end without a reason.
            while !is_over.load(Relaxed) {
                reactor.turn(1, None, None);
            }
        })
    });
    while reactor.seats[1].is_asleep() != is_idle {
        thread::yield_now();
    }
    let processor = sys::incoming_processor(ends[0].get().as_fd()).unwrap();
    reactor.seats[0].pretend_to_run_on(sys::NO_PROCESSOR);
    reactor.seats[1].pretend_to_run_on(processor);
    wait(&ends, 64);
    is_over.store(true, Relaxed);
    reactor.unpark(1);
    if let Some(owner) = owner {
        owner.join().unwrap();
    }
    seats(&ends)
}

#[test]
fn a_lone_stream_follows_its_neighbour_to_an_idle_seat() {
    assert_eq!(homes_beside_seat_1(1, true, 0), [1]);
    assert_eq!(homes_beside_seat_1(1, false, 0), [0], "seat 1 has other things to do");
    assert_eq!(homes_beside_seat_1(2, true, 0), [0, 0], "one of two stays");
    assert_eq!(homes_beside_seat_1(1, true, 1), [1]);
    assert_eq!(homes_beside_seat_1(1, true, 2), [0], "seat 1 is fuller");
}

#[test]
fn nobody_moves_to_a_seat_that_was_held_up() {
    let reactor = Reactor::new(2);
    let _entered = at_seat_0(&reactor);
    let ends = connections(5);
    // Its epoll is opened, and somebody else looks into it.
    ends[0].registration().move_to(1);
    reactor.seats[1].poll(&reactor.slab, false);
    ends[0].registration().move_to(0);
    wait(&ends, 64);
    assert_eq!(seats(&ends), [0; 10]);
}
