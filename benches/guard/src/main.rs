//! Does one operation many times, for callgrind to count: `wharf-guard OPERATION`.
//!
//! Without an argument it names the operations. What is to be counted happens inside
//! [`wharf_guard_counted`], once warm.

use std::process::ExitCode;
use wharf_guard::{Bed, OPERATIONS, Operation};

const COUNT: usize = 10_000;

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        OPERATIONS.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    };
    let Some(operation) = OPERATIONS.iter().find(|operation| operation.0 == name) else {
        eprintln!("there is no operation `{name}`");
        return ExitCode::FAILURE;
    };
    let bed = Bed::new();
    (operation.1)(&bed, COUNT);
    wharf_guard_counted(operation, &bed);
    println!("{COUNT}");
    ExitCode::SUCCESS
}

/// Counted from the call to the return; it must keep its name and be a call of its own.
#[unsafe(no_mangle)]
#[inline(never)]
fn wharf_guard_counted(operation: &Operation, bed: &Bed) {
    (operation.1)(bed, COUNT);
}
