//! wharf-executor: tasks, and the threads that run them.
//!
//! It knows no sockets and no clock: each of its seats has a [`Driver`], through which it looks
//! for events and in which it sleeps. For whoever has never seen a scheduler from the inside, this page
//! explains one; each part is told in full, with its proof, beside its code.
//!
//! # Vocabulary
//!
//! * A *task* is a spawned future with what belongs to it: one word of state, the joiner's waker, room
//!   for the output. It is one allocation, and it is *polled* (run for a while) whenever it was
//!   *woken*. `task/state.rs` has the states.
//! * A *seat* is all that running tasks takes beside a thread: a queue, a LIFO slot, a driver, the books
//!   of the tasks spawned there, counters. There are as many as the runtime has workers.
//! * A thread *sits* in a seat, and is then its *owner*: only it pushes to the seat's queue and writes
//!   the seat's books, which therefore need no locks. Worker threads sit in seats, and so does a thread
//!   inside [`block_on`](Executor::block_on). A seat in which nobody sits is *vacant*.
//! * The *injector* is the queue for tasks that threads without a seat spawn or wake.
//! * A seat *parks* when it has nothing to do: its owner sleeps in the driver, until there is an event,
//!   or somebody *unparks* it.
//!
//! # The way of a task
//!
//! ```text
//!  spawn, wake                                        another seat with nothing to do
//!  on a seat ----> LIFO slot --+                        ^ steals half of the ring
//!        |                     v                        |
//!        +-------> ring -----> poll ---> done: output to the handle, or dropped
//!                   ^  ^       |  |
//!  spawn, wake      |  |       |  +----> waits: nobody holds it but its wakers and the books
//!  elsewhere --> injector      +-------> was woken meanwhile: to the back of the ring
//! ```
//!
//! What a running task has woken goes to the LIFO slot, for its data is warm, and what was there before
//! to the ring. The slot may be used three times in a row, or for as many polls as are likely to take
//! 2 µs, 15 at most; then the ring has its turn: two tasks that wake each other for ever starve nobody.
//! The ring is FIFO and grows; nothing overflows into other queues, so tasks never overtake each other in
//! it (`queue/ring.rs`). A current-thread runtime has no slot: its tasks run strictly in the order in
//! which they became runnable.
//!
//! # Who runs what, and when
//!
//! The loop of a seat's owner is in `worker.rs`: the main future of `block_on` if it was woken, the
//! seat's own tasks, those from outside, the seat's own driver, other seats' tasks, sleep (after a bounded
//! spin, where [`Config::spin_before_park`] asks for one: `worker/spin.rs`; and after a look whether who
//! brings tasks from outside waits for this very processor: `worker/give_way.rs`). Every 61 polls
//! ([`Config::event_interval`]) or 250 µs, the driver and the injector have their turn, whatever else
//! there is. A poll may make 128 steps of progress on what is ready (sockets, timers, join handles: see
//! `wharf_base::coop`), and then waits for its turn again.
//!
//! So every task that was woken is polled after a number of polls that is bounded by the tasks in front
//! of it, and no kind of task can change that: not one that wakes itself (it goes to the back), nor one
//! that is always ready (its budget ends), nor a pair in the LIFO slot (its turns end), nor a flood from
//! outside (it shares, by the interval). `tests/fairness.rs` counts the polls.
//!
//! A poll that does not return is beyond that: a task that computes or blocks for long. It delays what
//! is in its seat, until another seat, having nothing else to do, looks after that one: it takes over
//! the queue, the slot, and what the driver has. This takes two heartbeats at most, of 1 ms where a
//! poll has taken long of late and of up to 4 where none has, as long as one seat has nothing to do
//! (`worker/watch.rs`). Where none has, the busy ones look at each other in turn: with two seats a poll that
//! computes is found after some 200 µs, one that blocks after two heartbeats (`worker/glance.rs`). While
//! all are idle nobody's heart beats: an idle runtime makes no system calls.
//!
//! # Sleep, and why no wake is lost
//!
//! Four pairs meet without a lock, and in each both sides write first, then have a `SeqCst` fence, then
//! read what the other side writes. One fence comes first, and the side whose fence is second sees:
//!
//! | one side | the other side | where |
//! | --- | --- | --- |
//! | pushes work, then looks for a sleeper | says that it sleeps, then looks for work | `idle.rs` |
//! | is busy, then looks for a watcher at each push | stops watching or searching, then looks who is busy | `idle.rs` |
//! | puts something into a seat's driver, then looks whether the seat is vacant | makes it vacant, then looks into the driver | `idle.rs` |
//! | brings a task from outside, then looks for a sleeper or a vacant seat | makes its seat vacant, then looks outside | `worker.rs` |
//!
//! Within one task the state word orders all: a wake before the end of a poll is seen by
//! that end, which queues the task again; one after it finds the task idle and queues it itself. A
//! wake that finds the task queued already leaves its mark by a read-modify-write, so the poll to come
//! sees what went before the wake. The models (`cargo xtask loom`) check each of these by trying
//! the interleavings; the comment of each says what it proves, and where a mistake was made on purpose
//! to see the model catch it, which. `models.rs` has those of the executor as a whole; `tests/graphs` runs
//! tasks at random on it, half of the time with no heartbeat to make good for a lost wake.
//!
//! # Threads
//!
//! Building an executor starts none. `block_on` sits down in a vacant seat and runs there; the first
//! task that it leaves waiting in a queue brings up a second thread, which looks after that seat in case
//! the poll in progress is a long one. A spawn or wake from a thread without a seat starts a thread
//! if no seat has one that sleeps and one is vacant. When `block_on` leaves its seat, a
//! worker takes it over if anything is left in it; if not, it stays vacant. A `block_on` that finds
//! no vacant seat asks an idle worker for its own, and polls its future without one until it gets it.
//!
//! # Panics
//!
//! | where | what becomes of it |
//! | --- | --- |
//! | in a poll of a task | the task ends; its handle gets [`JoinError::into_panic`] |
//! | in the drop of its future: at its end, an abort, or the shutdown | the same, in place of whatever the output was |
//! | in the drop of an output that nobody joins | logged, contained |
//! | in the waker of whoever awaits a handle: in its wake or its drop | logged, contained |
//! | in the clone of that waker | passed on to whoever polls the handle, which stays as it was |
//! | in a blocking job, or in the drop of one that did not run | as in a poll |
//! | in a hook, or in the function that names threads; a name with a NUL | logged, contained |
//! | in the main future | `block_on` passes it on; tasks go on |
//! | in a driver | not contained: a driver is part of the runtime |
//!
//! `tests/panics.rs` tries each. [`UnhandledPanic`] can make a panic that reaches no handle end the
//! runtime.
//!
//! # Polls off any seat
//!
//! A task is always polled in a seat, save for the rest of a poll after [`block_in_place`] whose seat was
//! taken meanwhile. Entering a runtime's context gives no seat: what such a thread spawns and wakes
//! goes to the injector.
//!
//! [`block_in_place`]: task::block_in_place

mod bits;
mod block_on;
mod blocking;
mod config;
mod driver;
mod executor;
#[cfg(all(feature = "guard", not(loom)))]
#[doc(hidden)]
pub mod guard;
mod idle;
mod metrics;
mod queue;
mod registry;
mod seat;
mod shared;
mod shutdown;
pub mod task;
mod thread_driver;
mod threads;
mod worker;

pub use blocking::keep_until_done;
pub use config::{Config, Flavor, Hook, ThreadName, UnhandledPanic};
pub use driver::Driver;
pub use executor::{Executor, Unfinished};
pub use metrics::{Metrics, WorkerMetrics};
pub use task::{AbortHandle, JoinError, JoinHandle, JoinSet, spawn, spawn_blocking};
pub use thread_driver::ThreadDriver;

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(all(test, loom))]
mod models;
