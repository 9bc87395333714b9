//! Worker threads: started when there is work that no thread can do, kept for a while without a
//! seat, waited for at the end.

use crate::{
    Executor,
    block_on::Driving,
    seat::Seat,
    shared::Shared,
    task::{Failure, Task, contain},
    worker,
};
use std::{
    io,
    sync::{Arc, Weak},
    time::Duration,
};
use wharf_base::{
    context::Parts,
    start,
    sync::{
        Condvar, Instant, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering::Relaxed},
        lock,
    },
};

/// A seat for a thread to sit in, and whether it comes as the searcher.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) seat: usize,
    pub(crate) searching: bool,
}

pub(crate) struct Threads {
    state: Mutex<State>,
    /// For threads without a seat: a place was assigned, or the end has come.
    assigned: Condvar,
    /// For a shutdown: a thread has ended, or a seat was drained.
    gone: Condvar,
    /// The system has refused a thread, and has not given one since. Relaxed: who was refused one
    /// sees its own store; others have relied on its search (P3 in `idle`), and it acts for them.
    refused: AtomicBool,
}

#[derive(Default)]
pub(crate) struct State {
    /// Worker threads that have reported for their first place.
    pub(crate) running: usize,
    /// Those of them that wait for a place.
    idle: usize,
    /// Places for those.
    places: Vec<Place>,
    /// Places of threads that were started and have not reported yet. A shutdown takes these back
    /// and does not wait for the threads: whoever comes and finds its place gone goes again.
    starting: Vec<Place>,
    pub(crate) drained: usize,
    closed: bool,
    /// Why the system has refused a thread, when it last did.
    why: Option<io::Error>,
}

impl State {
    /// Takes the place of a starting thread off the list; whether it was there.
    fn withdraw(&mut self, place: Place) -> bool {
        let index = self.starting.iter().position(|other| other.seat == place.seat);
        index.map(|index| self.starting.swap_remove(index)).is_some()
    }
}

impl Threads {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State::default()),
            assigned: Condvar::new(),
            gone: Condvar::new(),
            refused: AtomicBool::new(false),
        }
    }

    // Nobody is in a hurry here, and there are many places.
    #[inline(never)]
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// No thread gets a place from now on. Returns those that were given and not taken up.
    pub(crate) fn close(&self) -> Vec<Place> {
        let mut state = self.state();
        state.closed = true;
        self.assigned.notify_all();
        let mut places = std::mem::take(&mut state.places);
        places.append(&mut state.starting);
        places
    }

    /// A new thread reports for its place, and enters the runtime; `None` if the place was taken
    /// back, or the runtime is about to do so. Such a thread has never held the runtime alive.
    fn report(&self, place: Place, parts: &Weak<Parts>) -> Option<Arc<Parts>> {
        let mut state = self.state();
        if !state.starting.iter().any(|other| other.seat == place.seat) {
            return None;
        }
        let parts = parts.upgrade()?;
        state.withdraw(place);
        state.running += 1;
        Some(parts)
    }

    pub(crate) fn count_drained(&self) {
        self.state().drained += 1;
        self.gone.notify_all();
    }

    /// Waits until `done`, or until `deadline`; whether it is done.
    pub(crate) fn wait(&self, deadline: Option<Instant>, done: impl Fn(&State) -> bool) -> bool {
        let mut state = self.state();
        while !done(&state) {
            state =
                match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                    Some(Duration::ZERO) => return false,
                    left => wait(&self.gone, state, left),
                };
        }
        true
    }

    /// The system has refused a thread.
    pub(crate) fn refuse(&self, error: &io::Error) {
        self.state().why = Some(again(error));
        self.refused.store(true, Relaxed);
    }

    /// Why the system has refused a thread, if it has and has given none since.
    pub(crate) fn refusal(&self) -> Option<io::Error> {
        if !self.refused.load(Relaxed) {
            return None;
        }
        self.state().why.as_ref().map(again)
    }

    /// Whether no worker thread is there or on its way.
    fn is_nobody(&self) -> bool {
        let state = self.state();
        state.running == 0 && state.starting.is_empty()
    }

    /// Waits for a place; `None` when it has waited long enough, or the end has come.
    fn stand_by(&self, keep_alive: Duration) -> Option<Place> {
        let deadline = Instant::now().checked_add(keep_alive);
        let mut state = self.state();
        state.idle += 1;
        loop {
            if let Some(place) = state.places.pop() {
                state.idle -= 1;
                return Some(place);
            }
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            if state.closed || left.is_some_and(|left| left.is_zero()) {
                state.idle -= 1;
                return None;
            }
            state = wait(&self.assigned, state, left);
        }
    }
}

/// The same error once more: it can't be cloned.
pub(crate) fn again(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

fn wait<'a>(
    condvar: &Condvar,
    state: MutexGuard<'a, State>,
    left: Option<Duration>,
) -> MutexGuard<'a, State> {
    match left {
        #[cfg(not(loom))]
        Some(left) => {
            condvar.wait_timeout(state, left).unwrap_or_else(|error| error.into_inner()).0
        }
        _ => condvar.wait(state).unwrap_or_else(|error| error.into_inner()),
    }
}

impl Shared {
    /// Puts a thread into a seat that the caller owns. Where that fails, the seat is vacant again.
    pub(crate) fn start_worker(&self, seat: usize, searching: bool) -> bool {
        let place = Place { seat, searching };
        let mut state = self.threads.state();
        if state.closed {
            drop(state);
            self.return_seat(&self.seats[seat]);
            return false;
        }
        if state.idle > state.places.len() {
            state.places.push(place);
            self.threads.assigned.notify_one();
            return true;
        }
        state.starting.push(place);
        drop(state);
        // Weak: a runtime that is dropped before the thread has come does not wait for it.
        let (threads, parts) = (self.threads.clone(), self.parts.clone());
        let started = self.start_thread(Box::new(move || run(&threads, &parts, place)));
        let Err(error) = started else {
            self.threads.refused.store(false, Relaxed);
            return true;
        };
        log::error!("a worker thread could not be started, tasks have to wait: {error}");
        self.threads.refuse(&error);
        let withdrawn = self.threads.state().withdraw(place);
        if withdrawn {
            self.return_seat(&self.seats[seat]);
        }
        // If it was not there, a shutdown has the seat, and has ended the search too.
        !withdrawn
    }

    /// Ends what waits to be run where nobody is there to run it, and nobody to be had.
    ///
    /// Whoever was refused a thread and then calls this does so for those, too, that have pushed and
    /// relied on its search: it takes all that waits. Who comes later is refused by itself.
    pub(crate) fn end_stranded(&self) {
        if !self.threads.refused.load(Relaxed) || !self.is_deserted() {
            return;
        }
        let Some(error) = self.threads.refusal() else { return };
        let mut tasks = Vec::new();
        let first = self.injector.pop(usize::MAX, |task| tasks.push(task));
        for task in first.into_iter().chain(tasks) {
            // The queue's reference: nobody else comes to run it.
            Task::fail(task, Failure::refused(again(&error)));
        }
    }

    /// Whether no thread sits in any seat or is on its way to one.
    fn is_deserted(&self) -> bool {
        self.is_multi_thread()
            && self.seats.iter().all(|seat| self.idle.vacant.contains(seat.number))
            && self.threads.is_nobody()
    }

    /// A seat that the caller owns is vacant again: also for a `block_on` that has looked for one
    /// meanwhile, and for a shutdown that has, which then ends its tasks. Whether one of them sees to it.
    pub(crate) fn return_seat(&self, seat: &Seat) -> bool {
        let undrained = !seat.own.drained.get();
        self.idle.vacate(seat.number);
        let offered = self.offer_seat();
        let ends = undrained && self.is_closed();
        if ends {
            self.drain_if_vacant(seat);
        }
        ends || offered
    }

    /// Starts a thread of this executor's, with the name and the stack that it should have.
    pub(crate) fn start_thread(&self, main: start::Main) -> io::Result<()> {
        let mut name = "wharf-worker".to_owned();
        contain(|| {
            let given = (self.config.thread_name)();
            assert!(!given.contains('\0'), "a thread's name has no NUL byte; {given:?} was given");
            name = given;
        });
        start::thread(name, self.config.thread_stack_size, main)
    }
}

/// The life of a worker thread.
fn run(threads: &Threads, parts: &Weak<Parts>, first: Place) {
    let Some(parts) = threads.report(first, parts) else { return };
    let executor = Executor::of(&parts).expect("a worker's runtime has our executor");
    let shared = executor.shared();
    shared.config.hook(|config| &config.on_thread_start);
    let driving = Driving::begin();
    let mut place = Some(first);
    while let Some(Place { seat, searching }) = place {
        let seat: &Seat = &shared.seats[seat];
        worker::run(parts.clone(), shared, seat, searching);
        place = shared.threads.stand_by(shared.config.thread_keep_alive);
    }
    drop(driving);
    shared.config.hook(|config| &config.on_thread_stop);
    // The runtime may go with this, descriptors and all: whoever waits for us wants it gone.
    drop(parts);
    threads.state().running -= 1;
    threads.gone.notify_all();
}
