//! What the thread in a seat does all day.
//!
//! # The order of looking for work
//!
//! 1. the main future of `block_on`, if it was woken and this is its thread;
//! 2. the seat's own LIFO slot and ring;
//! 3. the injector, for a fair share of what is there;
//! 4. the seat's own driver, without blocking;
//! 5. other seats' rings, if nobody else searches, and they are not worked off quickly where they are
//!    ([`patience`]);
//! 6. all of these again for a while, where the builder wants that ([`spin`]);
//! 7. then the seat parks in its driver ([`park`], and see [`idle`](crate::idle)), and perhaps lets
//!    others have its processor before it sleeps there ([`give_way`]).
//!
//! After `event_interval` polls, or 250 µs, the driver and the injector have their turn in any case,
//! so that neither can be starved by tasks that are always ready.
//!
//! # Whom a batch of events wakes
//!
//! Tasks that a poll has made ready, or that came from outside, call another seat as soon as two or
//! more wait, the main future of `block_on` among them. Tasks that events have made ready do so where
//! those that wait are likely to take [`MUCH`], by what polls have taken here lately: a wake costs both
//! processors more than a few short polls do. Where the events come from others on this machine it is
//! [`MUCH_NEARBY`]: the processor of the one that would be woken is likely to be busy with whoever has
//! caused them.

use crate::{seat::Seat, shared::Shared, task::Task};
use std::{sync::Arc, time::Duration};
use wharf_base::{
    context::{self, Entered, Parts},
    sync::Instant,
};

mod backoff;
pub(crate) mod give_way;
mod glance;
mod park;
pub(crate) mod patience;
mod processor;
pub(crate) mod spin;
mod watch;

pub(crate) use backoff::Backoff;
pub(crate) use give_way::GiveWay;
pub(crate) use glance::Glance;
pub(crate) use processor::Processor;
pub(crate) use spin::Limit;
use spin::Spun;
pub(crate) use watch::Pulse;

/// After what time the driver has its turn, even if few polls were made.
const DRIVER_TURN: Duration = Duration::from_micros(250);
/// How long the tasks that events have made ready are to take before others are called for them.
const MUCH: Duration = Duration::from_micros(30);
/// The same where [neighbours](crate::Driver::is_fed_nearby) have caused the events.
const MUCH_NEARBY: Duration = Duration::from_micros(200);
/// The longest that a poll counts for: one that was held up says little about the next.
const LONGEST: Duration = Duration::from_millis(1);
/// So many polls may be made between two looks at the clock in any case,
const UNCLOCKED: u32 = 8;
/// as many as are likely to take so long,
const UNCLOCKED_TIME: Duration = Duration::from_micros(10);
/// and at most so many.
const MOST_UNCLOCKED: u32 = 32;
/// So many tasks in a row may come from the LIFO slot in any case,
pub(crate) const LIFO_RUN: u32 = 3;
/// as many as are likely to take so long,
const LIFO_TIME: Duration = Duration::from_micros(2);
/// and at most so many.
const MOST_LIFO_RUN: u32 = 15;
/// After how many looks into the driver that found nothing a seat parks without one.
const VAIN_LOOKS: u32 = 4;
/// How often it looks all the same.
const LOOK_AGAIN: u32 = 16;
/// The most tasks that one look into the injector brings home.
const INJECTOR_BATCH: usize = 128;

/// Who else lives on the thread of a seat: the main future of a `block_on`, or nobody.
pub(crate) trait Guest {
    /// Called before each task: whether the thread is to leave its seat, or has left it.
    fn turn(&mut self, seat: &Seat) -> bool;
    /// Whether a turn is to be called, as far as can be seen.
    fn is_woken(&self) -> bool;
    /// Called before parking: `false` if there is something to do.
    fn may_park(&self) -> bool;
    /// Called after parking.
    fn parked(&self);
    /// Whether the thread leaves its seat to a `block_on` that wants one.
    fn yields_seat(&self) -> bool;
}

/// Nobody.
pub(crate) struct NoGuest;

impl Guest for NoGuest {
    #[inline]
    fn turn(&mut self, seat: &Seat) -> bool {
        seat.own.drained.get()
    }
    fn is_woken(&self) -> bool {
        false
    }
    fn may_park(&self) -> bool {
        true
    }
    fn parked(&self) {}
    fn yields_seat(&self) -> bool {
        true
    }
}

/// A thread sits in a seat as long as this lives.
pub(crate) struct Sitting<'a> {
    shared: &'a Shared,
    seat: &'a Seat,
    before: *const Seat,
    _entered: Entered,
}

impl<'a> Sitting<'a> {
    /// Sits down in a seat that the caller owns.
    pub(crate) fn new(parts: Arc<Parts>, shared: &'a Shared, seat: &'a Seat) -> Self {
        shared.idle.become_busy();
        seat.begin_busy();
        seat.processor.take();
        let entered = context::enter(parts, Some(seat.number));
        // SAFETY: we own the seat until `drop`, which gives the thread its former one back.
        let before = unsafe { Seat::sit(seat) };
        Self { shared, seat, before, _entered: entered }
    }
}

impl Drop for Sitting<'_> {
    fn drop(&mut self) {
        let ours = self.seat.is_ours();
        // SAFETY: `before` was this thread's seat before, and still is.
        unsafe { Seat::sit(self.before) };
        if ours {
            leave(self.shared, self.seat);
        }
    }
}

/// Gives up a seat, which the caller owns, and sees to what is left in it.
pub(crate) fn leave(shared: &Shared, seat: &Seat) {
    if let Some(task) = seat.lifo.take() {
        // SAFETY: the slot held a reference.
        seat.push_back(unsafe { Task::from_raw(task) });
    }
    seat.end_busy();
    let watched = seat.own.watched.get();
    if seat.own.searching.get() {
        shared.idle.end_search();
    }
    seat.own.begin_duty(false, false);
    let is_seen_to = shared.return_seat(seat);
    if !is_seen_to && !seat.driver.is_idle() {
        shared.attend(seat.number);
    }
    // Who brings tasks from outside finds the seat taken and awake, and relies on us to look for them; or
    // finds it vacant: `vacate` has the fence (P2).
    let leaves_unwatched =
        || watched && watch::is_unwatched(shared, seat) || watch::leaves_unwatched(shared, seat);
    if seat.ring.len() > 0 || shared.injector.len() > 0 || leaves_unwatched() {
        if is_seen_to {
            shared.wake_sleeper();
        } else {
            shared.wake_one();
        }
    }
}

/// A worker's time in a seat, which it owns.
pub(crate) fn run(parts: Arc<Parts>, shared: &Shared, seat: &Seat, searching: bool) {
    let _sitting = Sitting::new(parts, shared, seat);
    seat.own.begin_duty(searching, false);
    drive(shared, seat, &mut NoGuest);
}

/// Runs tasks until the guest has done, or the seat is wanted by others.
pub(crate) fn drive(shared: &Shared, seat: &Seat, guest: &mut impl Guest) {
    seat.own.left.set(shared.config.event_interval);
    watch::see_to(seat);
    loop {
        if shared.is_closed() && !seat.own.drained.get() {
            drain(shared, seat);
        }
        if guest.turn(seat) {
            return;
        }
        let mut task = next(shared, seat);
        if task.is_none() && !look_into_driver(shared, seat) {
            task = search(shared, seat, guest);
            if task.is_none() {
                if guest.yields_seat() && shared.is_seat_wanted() {
                    return;
                }
                task = rest(shared, seat, guest);
            }
        }
        if let Some(task) = task {
            if !run_task(shared, seat, task, guest) {
                return;
            }
        }
    }
}

/// The queue is empty: whether the seat's own driver has found anything.
fn look_into_driver(shared: &Shared, seat: &Seat) -> bool {
    seat.announced.retract();
    let found_events = looks_first(shared, seat) && seat.driver.poll();
    seat.own.vain.set(if found_events { 0 } else { seat.own.vain.get().wrapping_add(1) });
    seat.begin_batch(shared.config.event_interval);
    if found_events {
        glance::glance(shared, seat);
    }
    found_events
}

/// Whether a seat with nothing to run looks into its driver before it parks there.
///
/// A park that finds an event at once costs more than a look, and a look in vain is a system call for
/// nothing: what the last ones found tells which it is likely to be. What is ready here goes before
/// what could be stolen.
#[inline]
fn looks_first(shared: &Shared, seat: &Seat) -> bool {
    let vain = seat.own.vain.get();
    vain < VAIN_LOOKS || vain % LOOK_AGAIN == 0 || park::others_wait(shared, seat)
}

/// There is nothing to do: spins, if that finds something soon, and parks if not.
fn rest(shared: &Shared, seat: &Seat, guest: &impl Guest) -> Option<Task> {
    match spin::spin(shared, seat, guest) {
        Spun::Task(task) => return Some(task),
        Spun::Wanted => {}
        Spun::Nothing => park::park(shared, seat, guest),
    }
    None
}

/// Whether the thread still sits in the seat afterwards.
#[inline]
fn run_task(shared: &Shared, seat: &Seat, task: Task, guest: &impl Guest) -> bool {
    begin_poll(shared, seat);
    seat.own.polling.set(true);
    task.run();
    if !seat.is_ours() {
        return false;
    }
    seat.own.polling.set(false);
    if seat.own.eager.get() && shared.idle.has_somebody_to_call() && !seat.ring.is_alone() {
        // One runs here at once: the main future, what is in the LIFO slot, or the queue's first.
        let is_taken = seat.lifo.is_empty() && !guest.is_woken();
        if seat.ring.len() > usize::from(is_taken) {
            shared.wake_one();
        }
    }
    true
}

/// A poll begins, which may take long: nobody may rely on us as the searcher or the watcher meanwhile.
#[inline]
pub(crate) fn begin_poll(shared: &Shared, seat: &Seat) {
    if seat.own.has_duty.get() {
        hand_on_duty(shared, seat);
    }
    seat.counters.polls.add(1);
}

/// The next task of the seat's own, or from outside.
#[inline]
fn next(shared: &Shared, seat: &Seat) -> Option<Task> {
    if is_turn_due(shared, seat) {
        seat.driver.poll();
        glance::glance(shared, seat);
        // Whether or not there is work of our own, those from outside get their share: at most as
        // many as there are polls between two turns, and behind what waits here already.
        let most = shared.config.event_interval as usize;
        if let Some(task) = from_injector(shared, seat, most) {
            return Some(task);
        }
    }
    seat.pop().or_else(|| from_injector(shared, seat, INJECTOR_BATCH))
}

/// Whether driver and injector are to have their turn now.
#[inline]
fn is_turn_due(shared: &Shared, seat: &Seat) -> bool {
    let own = &seat.own;
    let left = own.left.get() - 1;
    own.left.set(left);
    let (until, step) = own.clock.get();
    own.clock.set((until - 1, step));
    if left > 0 && (until > 1 || !looks_late(shared, seat)) {
        return false;
    }
    own.left.set(shared.config.event_interval);
    own.looked.set(None);
    // The next poll looks at the clock. Where this turn was due by count all is as it was; where by time,
    // polls are long.
    own.clock.set((1, if left == 0 { step } else { 1 }));
    true
}

/// Calls others where much waits, and looks at the clock, after 1, 2, 4, 8 ... polls; sooner again where
/// these were long.
#[cold]
fn looks_late(shared: &Shared, seat: &Seat) -> bool {
    let is_late = is_late(seat);
    // One of them runs at once.
    let waiting = seat.ring.len().saturating_sub(1) as u64;
    let expected = Duration::from_nanos(waiting * u64::from(seat.own.pace.get()));
    // Asked in this order: most have little to do.
    if expected >= MUCH && (expected >= MUCH_NEARBY || !seat.driver.is_fed_nearby()) {
        shared.wake_one();
    }
    is_late
}

fn is_late(seat: &Seat) -> bool {
    let own = &seat.own;
    let (now, polls) = (Instant::now(), seat.counters.polls.get());
    let Some((since, before)) = own.looked.get() else {
        own.looked.set(Some((now, polls)));
        let (_, step) = own.clock.get();
        own.clock.set((step, step));
        return false;
    };
    let elapsed = now.duration_since(since);
    note_pace(seat, elapsed, polls - before);
    let (_, step) = own.clock.get();
    let step = (step * 2).min(as_many_as_take(seat, UNCLOCKED_TIME, UNCLOCKED, MOST_UNCLOCKED));
    own.clock.set((step, step));
    elapsed >= DRIVER_TURN
}

/// So many polls have taken so long: half of what is expected of the next is what was before.
fn note_pace(seat: &Seat, elapsed: Duration, polls: u64) {
    let each = elapsed.min(LONGEST).as_nanos() as u64 / polls.max(1);
    let pace = u64::from(seat.own.pace.get());
    seat.own.pace.set(((pace + each) / 2) as u32);
    seat.own.lifo_most.set(as_many_as_take(seat, LIFO_TIME, LIFO_RUN, MOST_LIFO_RUN));
}

/// How many polls are likely to take so long, within bounds.
fn as_many_as_take(seat: &Seat, time: Duration, least: u32, most: u32) -> u32 {
    (time.as_nanos() as u32 / seat.own.pace.get().max(1)).clamp(least, most)
}

/// Brings home a fair share of what waits outside.
fn from_injector(shared: &Shared, seat: &Seat, most: usize) -> Option<Task> {
    let waiting = shared.injector.len();
    if waiting == 0 {
        return None;
    }
    let share = (waiting / shared.seats.len() + 1).min(most);
    seat.own.eager.set(true);
    seat.own.give_way.expect_more();
    let first = shared.injector.pop(share, |task| seat.push_back(task));
    // What comes from outside is pushed at no seat, so no push has seen to a watcher; and whoever
    // pushed the rest may have relied on a search of ours, which has ended without a find (S4).
    if (seat.waiting() > 0 || shared.injector.len() > 0) && !shared.idle.is_watched(seat.number) {
        shared.post_watch();
    }
    first
}

/// Looks into the other seats' queues, unless somebody else does.
fn search(shared: &Shared, seat: &Seat, guest: &impl Guest) -> Option<Task> {
    if shared.seats.len() == 1 {
        return None;
    }
    if !seat.own.searching.get() {
        if !shared.idle.begin_search() {
            return None;
        }
        seat.own.begin_duty(true, seat.own.watched.get());
    }
    if !patience::is_over(shared, seat, guest) {
        return None;
    }
    let (start, count) = (seat.random(), shared.seats.len());
    (0..count)
        .map(|n| &shared.seats[start.wrapping_add(n) % count])
        .filter(|other| other.number != seat.number)
        .find_map(|other| seat.steal_from(other))
}

/// The searcher has found something: ends the search, and has the next one look for the rest. Who was the
/// watcher sees to another one (H2 in `idle`).
#[cold]
fn hand_on_duty(shared: &Shared, seat: &Seat) {
    let (searched, watched) = (seat.own.searching.get(), seat.own.watched.get());
    seat.own.begin_duty(false, false);
    if searched {
        shared.idle.end_search_with_a_find();
        if shared.injector.len() > 0 || seat.waiting() > 0 || is_left_behind(shared) {
            shared.wake_one();
        }
    }
    // What comes from outside is pushed at no seat, so no push has seen to a watcher.
    let is_to_be_watched = || searched && shared.live_tasks() > 1;
    if !shared.idle.is_watched(seat.number)
        && (watched && watch::is_unwatched(shared, seat) || is_to_be_watched())
    {
        shared.post_watch();
    }
}

/// Whether something waits in a seat that nobody sits in: who has left it may have relied on our search.
fn is_left_behind(shared: &Shared) -> bool {
    let is_left = |seat: &Seat| shared.idle.vacant.contains(seat.number) && seat.ring.len() > 0;
    !shared.idle.vacant.is_empty() && shared.seats.iter().any(is_left)
}

/// Ends all tasks of a seat, whose owner this thread is.
pub(crate) fn drain(shared: &Shared, seat: &Seat) {
    if seat.own.drained.replace(true) {
        return;
    }
    let empty = || {
        while let Some(task) = seat.pop() {
            // A reference of the queue's: the task ends through its registry's.
            drop(task);
        }
    };
    empty();
    let mut tasks = Vec::new();
    // SAFETY: we are the owner. Later spawns here still reserve slots that were free, for tasks
    // that end at once.
    unsafe { seat.registry.claim_all(|task| tasks.push(task)) };
    tasks.into_iter().for_each(Task::shut_down);
    empty();
    shared.threads.count_drained();
}
