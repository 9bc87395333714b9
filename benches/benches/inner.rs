//! The hot inner operations, timed: `cargo bench -p wharf-benches`.
//!
//! The same operations as the instruction guard counts; a sample is a thousand of them.

use divan::counter::ItemsCount;
use divan::{Bencher, Divan};
use wharf_guard::{Bed, OPERATIONS};

const COUNT: usize = 1_000;

fn main() {
    Divan::from_args().main();
}

#[divan::bench(args = OPERATIONS.map(|(name, _)| name))]
fn thousand(bencher: Bencher<'_, '_>, name: &str) {
    let (_, operation) =
        OPERATIONS.into_iter().find(|(known, _)| *known == name).expect("named above");
    let bed = Bed::new();
    bencher.counter(ItemsCount::new(COUNT)).bench_local(|| operation(&bed, COUNT));
}
