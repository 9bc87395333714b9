//! A task against what ends it, or has it wait: cancels, pauses, closes and shutdowns.

use super::*;

/// Proves: a task that ends while it is cancelled, twice, sends one terminal message, and is aborted at
/// most once. Seen to fail with `finish` sending for a task that is there no more, and with `cancel`
/// leaving the handle for the next.
#[test]
fn cancel_against_the_end() {
    model(|| {
        let mailbox = mailbox();
        let aborts = Arc::new(AtomicUsize::new(0));
        let key = mailbox.accept(7).unwrap().key;
        mailbox.attach(key, Handle(aborts.clone()));
        let task = {
            let mailbox = mailbox.clone();
            thread::spawn(move || finish(&mailbox, key))
        };
        let cancelled = mailbox.cancel(key).is_ok();
        let _ = mailbox.cancel(key);
        // As an executor does that drops the future of an aborted task which has ended already.
        let _ = mailbox.finish(key, 7, Last::Dropped(None));
        task.join().unwrap();
        assert_eq!(aborts.load(SeqCst), usize::from(cancelled));
        assert_eq!(receive(&mailbox, Wait::No).unwrap().len(), 1);
        assert!(mailbox.cancel(key).is_err());
    });
}

/// Proves: an abort handle that is attached while the task is cancelled takes effect. Seen to fail
/// with `attach` not looking at the mark.
#[test]
fn cancel_against_the_handle() {
    model(|| {
        let mailbox = mailbox();
        let aborts = Arc::new(AtomicUsize::new(0));
        let key = mailbox.accept(7).unwrap().key;
        let host = {
            let mailbox = mailbox.clone();
            thread::spawn(move || mailbox.cancel(key).unwrap())
        };
        mailbox.attach(key, Handle(aborts.clone()));
        host.join().unwrap();
        assert_eq!(aborts.load(SeqCst), 1);
    });
}

/// Proves: two threads that submit, one of them from places that the other has taken ahead, against a
/// close: who is accepted counts until its end, who is refused does not, and no place ahead keeps the
/// closed port from coming to rest. Seen to fail with `close` leaving the gate, and with the phase not
/// looked at in `refill`.
#[test]
fn close_against_places_ahead() {
    model(|| {
        let mailbox = mailbox();
        // The second of these takes a place for the third.
        let mut accepted: Vec<Sender> = (0..2).map(|_| mailbox.accept(7).unwrap()).collect();
        let host = {
            let mailbox = mailbox.clone();
            thread::spawn(move || [mailbox.accept(7), mailbox.accept(7)])
        };
        let _ = mailbox.close();
        accepted.extend(host.join().unwrap().into_iter().flatten());
        assert!(mailbox.accept(7).is_err());
        for sender in accepted {
            assert!(!mailbox.settle(Wait::No), "closed under a running task");
            finish(&mailbox, sender.key);
        }
        assert!(mailbox.settle(Wait::No));
    });
}

/// Proves: a task that is told to end while its first poll begins or is over ends for it: it sees that
/// before the poll, or says how it is aborted after it and is. Seen to fail with `attach` not looking
/// at the mark.
#[test]
fn cancel_against_the_first_poll() {
    model(|| {
        let mailbox = mailbox();
        let aborts = Arc::new(AtomicUsize::new(0));
        let key = mailbox.accept(7).unwrap().key;
        let host = {
            let mailbox = mailbox.clone();
            thread::spawn(move || mailbox.cancel(key).unwrap())
        };
        let halted = mailbox.is_halted(key);
        if !halted {
            mailbox.attach(key, Handle(aborts.clone()));
        }
        host.join().unwrap();
        assert_eq!(aborts.load(SeqCst), usize::from(!halted));
        assert!(mailbox.is_cancelled(key).unwrap());
    });
}

/// Proves: the end of one task that was told to end before its first poll does not hide another: who
/// was told before its poll is not polled. Seen to fail with the count taken away at each end.
#[test]
fn cancel_against_the_first_poll_of_two() {
    model(|| {
        let mailbox = mailbox();
        let aborts = Arc::new(AtomicUsize::new(0));
        let [first, second] = [7, 7].map(|tag| mailbox.accept(tag).unwrap().key);
        let host = {
            let mailbox = mailbox.clone();
            thread::spawn(move || [first, second].map(|key| mailbox.cancel(key).is_ok()))
        };
        // One is polled meanwhile, and ends well where it has not been told.
        if !mailbox.is_halted(second) {
            mailbox.attach(second, Handle(aborts.clone()));
        }
        finish(&mailbox, second);
        assert!(host.join().unwrap()[0]);
        assert!(mailbox.is_halted(first), "told, and polled all the same");
        finish(&mailbox, first);
    });
}

/// Proves: a task that is paused and resumed while it is polled is polled again (a lost wake is a
/// deadlock to loom), and one that ends paused beside it does not make it look away. Seen to fail with
/// `remember` looking at the mark and leaving the waker under two holds of the lock, with `finish`
/// taking a count away for each task, and without the Acquire of `poll_resumed`.
#[test]
fn pause_and_resume_against_polls() {
    model(|| {
        let mailbox = mailbox();
        let [task, other] = [7, 7].map(|tag| mailbox.accept(tag).unwrap().key);
        mailbox.set_paused(task, true).unwrap();
        let resumed = Arc::new(AtomicBool::new(false));
        let host = {
            let (mailbox, resumed) = (mailbox.clone(), resumed.clone());
            thread::spawn(move || {
                finish(&mailbox, other);
                resumed.store(true, SeqCst);
                mailbox.set_paused(task, false).unwrap();
            })
        };
        loom::future::block_on(poll_fn(|cx| mailbox.poll_resumed(task, cx)));
        assert!(resumed.load(SeqCst), "polled while it is paused");
        host.join().unwrap();
        finish(&mailbox, task);
    });
}

/// Proves: a submit against a shutdown is either refused or sends its terminal message, and is
/// aborted in the second case. Seen to fail with `attach` not looking at the phase.
#[test]
fn shutdown_against_submit() {
    model(|| {
        let mailbox = mailbox();
        let aborts = Arc::new(AtomicUsize::new(0));
        let host = {
            let (mailbox, aborts) = (mailbox.clone(), aborts.clone());
            thread::spawn(move || match mailbox.accept(7) {
                Ok(Sender { key, .. }) => {
                    mailbox.attach(key, Handle(aborts));
                    Some(key)
                }
                Err(error) => {
                    assert_eq!(error.status(), WHARF_SHUT_DOWN);
                    None
                }
            })
        };
        mailbox.shut_down();
        if let Some(key) = host.join().unwrap() {
            assert!(aborts.load(SeqCst) >= 1, "a task that nobody ends");
            let _ = mailbox.finish(key, 7, Last::Dropped(None));
            assert_eq!(receive(&mailbox, Wait::No).unwrap(), [(7, WHARF_KIND_SHUT_DOWN)]);
        }
        assert!(mailbox.settle(Wait::No));
    });
}
