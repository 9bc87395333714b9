//! loom models of the mailbox: every interleaving of the threads that meet there, within the bound.

mod tasks;

use super::{
    mailbox::{Bell, Duty, Last, Limits, Mailbox, Wait},
    tasks::{Abort, Sender},
};
use crate::{
    message::*,
    status::{Result, WHARF_NO_PORT, WHARF_SHUT_DOWN},
    value::Value,
};
use loom::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};
use std::{future::poll_fn, mem::MaybeUninit};
use wharf_base::waker::WakerSlot;

fn model(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(f);
}

/// An eventfd as it would be without a kernel.
struct Flag(AtomicBool);

impl Bell for Arc<Flag> {
    fn ring(&self) {
        self.0.store(true, SeqCst);
    }

    fn clear(&self) {
        self.0.store(false, SeqCst);
    }
}

/// Counts what it is asked.
#[derive(Clone)]
struct Handle(Arc<AtomicUsize>);

impl Abort for Handle {
    fn abort(&self) {
        self.0.fetch_add(1, SeqCst);
    }
}

type TestBox = Mailbox<Handle, Arc<Flag>>;

fn mailbox() -> Arc<TestBox> {
    Arc::new(Mailbox::new(0, Limits::default(), false))
}

fn try_post(mailbox: &TestBox, tag: u64) -> Result<Duty> {
    mailbox.post(tag, WHARF_KIND_DATA, &mut { Value::NULL })
}

fn post(mailbox: &TestBox, tag: u64) {
    let _ = try_post(mailbox, tag).map_err(|error| panic!("{error}"));
}

/// Receives up to two messages; their tags.
fn receive(mailbox: &TestBox, wait: Wait) -> Result<Vec<(u64, i32)>> {
    let mut messages = [const { MaybeUninit::uninit() }; 2];
    let count = mailbox.receive(&mut messages, wait).0?;
    // SAFETY: `count` messages were written.
    Ok(messages[..count]
        .iter()
        .map(|message| unsafe { message.assume_init_ref() })
        .map(|message| (message.tag, message.kind))
        .collect())
}

fn finish(mailbox: &TestBox, key: super::Key) {
    let _ = mailbox.finish(key, 7, Last::Words(WHARF_KIND_OK, 0, Value::NULL));
}

/// Proves: with everybody out of the mailbox and messages in it, the bell is ringing. Seen to fail
/// with the second look in `quiet` left out, and with clearing after the look.
#[test]
fn the_bell_rings_while_messages_wait() {
    model(|| {
        let mailbox = mailbox();
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let _ = mailbox.bell(false, || Ok(flag.clone())).unwrap();
        post(&mailbox, 1);
        let poster = {
            let mailbox = mailbox.clone();
            thread::spawn(move || post(&mailbox, 2))
        };
        let mut got = receive(&mailbox, Wait::No).unwrap().len();
        poster.join().unwrap();
        if got < 2 {
            assert!(flag.0.load(SeqCst), "a message waits in silence");
            got += receive(&mailbox, Wait::No).unwrap().len();
        }
        assert_eq!(got, 2);
        assert_eq!(receive(&mailbox, Wait::No).unwrap().len(), 0);
        assert!(!flag.0.load(SeqCst), "an empty port is quiet once it has been looked into");
    });
}

/// Rings as a function of the host's does.
struct Code(Arc<AtomicBool>);

impl Bell for Code {
    fn ring(&self) {
        assert!(!self.0.load(SeqCst), "host code after the close");
    }

    fn clear(&self) {}
}

/// Proves: a post that is under way while a function of the host's is put up as the bell does not call it
/// after a close has come to rest. Seen to fail with `has_bell` left out.
#[test]
fn a_new_bell_against_a_post_and_a_close() {
    model(|| {
        let mailbox: Arc<Mailbox<Handle, Code>> =
            Arc::new(Mailbox::new(0, Limits::default(), false));
        let at_rest = Arc::new(AtomicBool::new(false));
        let poster = {
            let mailbox = mailbox.clone();
            thread::spawn(move || {
                let _ = mailbox.post(1, WHARF_KIND_DATA, &mut { Value::NULL });
            })
        };
        let _ = mailbox.bell(true, || Ok(Code(at_rest.clone())));
        let _ = mailbox.close();
        assert!(mailbox.settle(Wait::Forever));
        at_rest.store(true, SeqCst);
        poster.join().unwrap();
    });
}

/// Rings as a function of the host's that closes the port the second time.
struct Closes {
    mailbox: *const Mailbox<Handle, Closes>,
    rings: AtomicUsize,
}

// SAFETY: the mailbox may be used from any thread, and the model keeps it until all have ended.
unsafe impl Send for Closes {}
// SAFETY: as above.
unsafe impl Sync for Closes {}

impl Bell for Closes {
    fn ring(&self) {
        if self.rings.fetch_add(1, SeqCst) == 1 {
            // SAFETY: it is the mailbox that rings.
            let mailbox = unsafe { &*self.mailbox };
            let _ = mailbox.close();
            assert!(mailbox.defer(), "closed from inside a call that counts");
        }
    }

    fn clear(&self) {}
}

/// Proves: a port that its notify function closes is forgotten once, by the post or the receive that has
/// called it, whoever was the second to ring. Seen to fail with `second_look` leaving out what
/// `announce` says.
#[test]
fn closed_by_a_ring_of_a_post_or_of_a_receive() {
    model(|| {
        let mailbox: Arc<Mailbox<Handle, Closes>> =
            Arc::new(Mailbox::new(0, Limits::default(), false));
        let bell = Closes { mailbox: &raw const *mailbox, rings: AtomicUsize::new(0) };
        let _ = mailbox.bell(true, || Ok(bell)).unwrap();
        let post = |mailbox: &Mailbox<Handle, Closes>| {
            let posted = mailbox.post(1, WHARF_KIND_DATA, &mut { Value::NULL });
            posted.is_ok_and(|duty| duty.forget)
        };
        assert!(!post(&mailbox), "the first ring closes nothing");
        let poster = {
            let mailbox = mailbox.clone();
            thread::spawn(move || post(&mailbox))
        };
        let mut messages = [const { MaybeUninit::uninit() }; 2];
        let received = mailbox.receive(&mut messages, Wait::No).1.forget;
        let posted = poster.join().unwrap();
        let (bell, ..) = mailbox.bell(true, || unreachable!()).unwrap();
        let closed = bell.rings.load(SeqCst) > 1;
        assert_eq!(usize::from(received) + usize::from(posted), usize::from(closed));
        assert!(!closed || mailbox.settle(Wait::No));
    });
}

/// Proves: two receivers at once leave no message in silence, though each may clear the bell that was
/// rung for what the other has not seen. Seen to fail with `quiet` clearing after its look, and with the
/// look leaving `rung`.
#[test]
fn the_bell_with_two_receivers() {
    model(|| {
        let mailbox = mailbox();
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let _ = mailbox.bell(false, || Ok(flag.clone())).unwrap();
        post(&mailbox, 1);
        let receiver = {
            let mailbox = mailbox.clone();
            thread::spawn(move || receive(&mailbox, Wait::No).unwrap().len())
        };
        let poster = {
            let mailbox = mailbox.clone();
            thread::spawn(move || post(&mailbox, 2))
        };
        let got = receive(&mailbox, Wait::No).unwrap().len() + receiver.join().unwrap();
        poster.join().unwrap();
        assert!(got == 2 || flag.0.load(SeqCst), "a message waits in silence");
    });
}

/// Two threads that receive a message each, and sleep until there is one.
fn receivers(mailbox: &Arc<TestBox>) -> [thread::JoinHandle<()>; 2] {
    std::array::from_fn(|_| {
        let mailbox = mailbox.clone();
        thread::spawn(move || {
            let mut message = [MaybeUninit::uninit()];
            assert_eq!(mailbox.receive(&mut message, Wait::Forever).0.unwrap(), 1);
        })
    })
}

/// Proves: sleeping receivers are woken for all messages, though a batch costs one wake (a lost
/// wake is a deadlock to loom). Seen to fail without the call being passed on in `take`.
#[test]
fn sleeping_receivers_are_woken() {
    model(|| {
        let mailbox = mailbox();
        let receivers = receivers(&mailbox);
        post(&mailbox, 1);
        post(&mailbox, 2);
        for receiver in receivers {
            receiver.join().unwrap();
        }
    });
}

/// Proves: receivers that sleep are woken for messages which another has taken over and left. Seen
/// to fail with `take_ready` not looking for sleepers.
#[test]
fn what_was_taken_over_is_passed_on() {
    model(|| {
        let mailbox = mailbox();
        let receivers = receivers(&mailbox);
        for tag in 1..=3 {
            post(&mailbox, tag);
        }
        for receiver in receivers {
            receiver.join().unwrap();
        }
        assert_eq!(receive(&mailbox, Wait::No).unwrap().len(), 1);
    });
}

/// Proves: a receiver in the middle of what it took over gets messages or the refusal, and after the
/// close nobody gets any. Seen to fail with `close` leaving what was taken over.
#[test]
fn close_against_what_was_taken_over() {
    model(|| {
        let mailbox = mailbox();
        for tag in 1..=3 {
            post(&mailbox, tag);
        }
        let receiver = {
            let mailbox = mailbox.clone();
            thread::spawn(move || {
                let mut message = [MaybeUninit::uninit()];
                while let Ok(count) = mailbox.receive(&mut message, Wait::No).0 {
                    if count == 0 {
                        break;
                    }
                }
            })
        };
        let _ = mailbox.close();
        assert_eq!(receive(&mailbox, Wait::No).unwrap_err().status(), WHARF_NO_PORT);
        receiver.join().unwrap();
    });
}

/// Proves: once `settle` has said that a closed mailbox is at rest, no callback begins; and a close
/// waits for the task that runs. Seen to fail with `begin_post` not looking at the phase.
#[test]
fn close_against_post_and_end() {
    model(|| {
        let mailbox = mailbox();
        let at_rest = Arc::new(AtomicBool::new(false));
        let key = mailbox.accept(7).unwrap().key;
        let task = {
            let (mailbox, at_rest) = (mailbox.clone(), at_rest.clone());
            thread::spawn(move || {
                if mailbox.begin_post(true).is_ok() {
                    assert!(!at_rest.load(SeqCst), "host code after the close");
                    let _ = mailbox.end_callback();
                }
                assert!(!at_rest.load(SeqCst), "closed under a running task");
                finish(&mailbox, key);
            })
        };
        let _ = mailbox.close();
        assert!(mailbox.settle(Wait::Forever));
        at_rest.store(true, SeqCst);
        task.join().unwrap();
        assert!(mailbox.begin_post(true).is_err());
        assert_eq!(receive(&mailbox, Wait::No).unwrap_err().status(), WHARF_NO_PORT);
    });
}

/// Proves: a receiver that sleeps is woken by a close. Seen to fail without the notification.
#[test]
fn close_against_a_sleeping_receiver() {
    model(|| {
        let mailbox = mailbox();
        let closer = {
            let mailbox = mailbox.clone();
            thread::spawn(move || {
                let _ = mailbox.close();
            })
        };
        assert!(receive(&mailbox, Wait::Forever).is_err());
        closer.join().unwrap();
    });
}

/// Takes what comes, until nothing will come any more; how many that was.
fn receive_all(mailbox: &TestBox) -> usize {
    let mut came = 0;
    loop {
        match receive(mailbox, Wait::Forever) {
            Ok(messages) => came += messages.len(),
            Err(error) => {
                assert_eq!(error.status(), WHARF_SHUT_DOWN);
                return came;
            }
        }
    }
}

/// Proves: two receivers, asleep or about to be, get what a shutdown leaves, and are both told that
/// nothing follows (it would be a deadlock to loom). Seen to fail with `look_back` not calling who
/// sleeps.
#[test]
fn the_last_message_against_receivers() {
    model(|| {
        let mailbox = mailbox();
        let Sender { key, .. } = mailbox.accept(7).unwrap();
        mailbox.attach(key, Handle(Arc::new(AtomicUsize::new(0))));
        let other = {
            let mailbox = mailbox.clone();
            thread::spawn(move || receive_all(&mailbox))
        };
        let task = {
            let mailbox = mailbox.clone();
            thread::spawn(move || {
                mailbox.shut_down();
                let _ = mailbox.finish(key, 7, Last::Dropped(None));
            })
        };
        let came = receive_all(&mailbox);
        task.join().unwrap();
        assert_eq!(came + other.join().unwrap(), 1);
    });
}

/// Proves: a shutdown of a port without tasks or messages tells whoever sleeps there. Seen to fail with
/// `shut_down` not calling.
#[test]
fn shutdown_against_a_sleeping_receiver() {
    model(|| {
        let mailbox = mailbox();
        let other = {
            let mailbox = mailbox.clone();
            thread::spawn(move || mailbox.shut_down())
        };
        assert_eq!(receive_all(&mailbox), 0);
        other.join().unwrap();
    });
}

/// Proves: a stream that waits for credit is woken by the grant. Seen to fail with the waker taken
/// out before the credit is there.
#[test]
fn credit_against_a_waiting_stream() {
    model(|| {
        let limits = Limits { credit: Some(0), ..Limits::default() };
        let mailbox: Arc<TestBox> = Arc::new(Mailbox::new(0, limits, false));
        let host = {
            let mailbox = mailbox.clone();
            thread::spawn(move || mailbox.grant(1).unwrap())
        };
        let mut room = mailbox.room();
        loom::future::block_on(poll_fn(|cx| room.poll(cx))).unwrap();
        post(&mailbox, 1);
        assert!(try_post(&mailbox, 2).is_err(), "one was granted");
        host.join().unwrap();
    });
}

/// Proves: a stream that waits for room is woken when a message is taken out. Seen to fail with
/// `take` not waking.
#[test]
fn room_against_a_receiver() {
    model(|| {
        let limits = Limits { capacity: 1, ..Limits::default() };
        let mailbox: Arc<TestBox> = Arc::new(Mailbox::new(0, limits, false));
        post(&mailbox, 1);
        let host = {
            let mailbox = mailbox.clone();
            thread::spawn(move || receive(&mailbox, Wait::Forever).unwrap().len())
        };
        let mut room = mailbox.room();
        loom::future::block_on(poll_fn(|cx| room.poll(cx))).unwrap();
        host.join().unwrap();
        post(&mailbox, 2);
    });
}

/// Proves: a drainer is started for every message that it would not see by itself. Seen to fail
/// with `pumping` cleared outside the lock.
#[test]
fn the_drainer_sees_every_message() {
    model(|| {
        let mailbox: Arc<TestBox> = Arc::new(Mailbox::new(0, Limits::default(), true));
        let seen = Arc::new(AtomicUsize::new(0));
        let drain = |mailbox: &TestBox, seen: &AtomicUsize| {
            while mailbox.pump_next(false).is_some() {
                seen.fetch_add(1, SeqCst);
                let _ = mailbox.end_callback();
            }
        };
        let poster = {
            let (mailbox, seen) = (mailbox.clone(), seen.clone());
            thread::spawn(move || {
                if try_post(&mailbox, 1).is_ok_and(|duty| duty.pump) {
                    drain(&mailbox, &seen);
                }
            })
        };
        if try_post(&mailbox, 2).is_ok_and(|duty| duty.pump) {
            drain(&mailbox, &seen);
        }
        poster.join().unwrap();
        assert_eq!(seen.load(SeqCst), 2);
    });
}

/// Proves: a task of the library's that waits at a port of its own is woken for a message that comes
/// while it goes to sleep, and for the close (a lost wake is a deadlock to loom). Seen to fail with
/// the waker left after the look, and with `close` not telling the bell.
#[test]
fn a_task_waits_at_its_own_port() {
    model(|| {
        let mailbox = Arc::new(Mailbox::<Handle, Arc<WakerSlot>>::new(0, Limits::default(), false));
        let slot = Arc::new(WakerSlot::new());
        let _ = mailbox.bell(false, || Ok(slot.clone())).unwrap();
        let host = {
            let mailbox = mailbox.clone();
            thread::spawn(move || {
                let _ = mailbox
                    .post(1, WHARF_KIND_DATA, &mut { Value::NULL })
                    .map_err(|error| panic!("{error}"));
                let _ = mailbox.close();
            })
        };
        let mut came = 0;
        loop {
            let received =
                loom::future::block_on(poll_fn(|cx| crate::inbox::poll_place(&mailbox, &slot, cx)));
            match received {
                Ok(_) => came += 1,
                Err(error) => break assert_eq!(error.status(), WHARF_NO_PORT),
            }
        }
        assert!(came <= 1);
        host.join().unwrap();
    });
}

impl Bell for Arc<WakerSlot> {
    fn ring(&self) {
        self.wake();
    }

    fn clear(&self) {}

    fn closed(&self) {
        self.wake();
    }
}
