//! loom models of the table: what may happen to an id while others open and close.

use super::*;
use loom::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
};

fn model(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(f);
}

struct Entry {
    id: u64,
    shut: AtomicBool,
}

fn entry(id: u64) -> Entry {
    Entry { id, shut: AtomicBool::new(false) }
}

/// Proves: of two that close one port at once, one takes it out; and while a third opens another at
/// its place, nobody finds that one by the old id. Seen to fail with `get` not looking at the
/// generation.
#[test]
fn close_against_close_and_open() {
    model(|| {
        let table = Arc::new(Table::new(PORTS));
        let taken = Arc::new(AtomicUsize::new(0));
        let old = table.insert(entry).unwrap().id;
        let close = {
            let (table, taken) = (table.clone(), taken.clone());
            move || {
                taken.fetch_add(usize::from(table.remove(old).is_some()), SeqCst);
                assert!(table.get(old).is_err(), "an id outlives its port");
            }
        };
        let other = thread::spawn(close.clone());
        let opener = {
            let table = table.clone();
            thread::spawn(move || table.insert(entry).unwrap().id)
        };
        close();
        let new = opener.join().unwrap();
        other.join().unwrap();
        assert_eq!(taken.load(SeqCst), 1);
        assert!(new != old && table.get(new).is_ok_and(|found| found.id == new));
    });
}

/// Proves: a lookup beside a close finds the port whole, or nothing; never another. Seen to fail with
/// `get` not looking at the generation, and with `remove` leaving it as it is.
#[test]
fn lookup_against_close() {
    model(|| {
        let table = Arc::new(Table::new(PORTS));
        let old = table.insert(entry).unwrap().id;
        let closer = {
            let table = table.clone();
            thread::spawn(move || {
                table.remove(old);
                table.insert(entry).unwrap().id
            })
        };
        let found = table.get(old);
        assert!(found.is_ok_and(|found| found.id == old) || table.get(old).is_err());
        let new = closer.join().unwrap();
        // A task's id names a place alone: its port is looked for there, and its own generation says
        // the rest.
        assert!(table.at(Id::unpack(old).place).is_some_and(|found| found.id == new));
    });
}

/// Proves: a port that is opened beside its runtime's shutdown is refused, or the shutdown finds it.
/// Seen to fail with `insert_unless` not asking once the port is in.
#[test]
fn open_against_shutdown() {
    model(|| {
        let table = Arc::new(Table::new(PORTS));
        let shut_down = Arc::new(AtomicBool::new(false));
        let opener = {
            let (table, shut_down) = (table.clone(), shut_down.clone());
            thread::spawn(move || {
                table.insert_unless(entry, |_| shut_down.load(SeqCst)).unwrap().map(|made| made.id)
            })
        };
        shut_down.store(true, SeqCst);
        for found in table.all() {
            found.shut.store(true, SeqCst);
        }
        if let Some(id) = opener.join().unwrap() {
            assert!(
                table.get(id).unwrap().shut.load(SeqCst),
                "an open port of a runtime that ends"
            );
        } else {
            assert!(table.all().is_empty(), "refused, and there all the same");
        }
    });
}
