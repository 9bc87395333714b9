//! What things cost in memory, each measured in a process of its own.

use crate::group::child;
use crate::row::{Better, Who};
use crate::suite::{Entrant, Spec, Suite};

/// Runs the group.
pub fn run(s: &mut Suite) {
    const TASKS: usize = 100_000;
    const CONNECTIONS: usize = 4_000;
    let works = [
        ("a pending task of an empty future", "bytes", "task", TASKS),
        ("a pending task of an empty future, resident", "bytes", "task-resident", TASKS),
        ("an armed timer, beyond its Sleep", "bytes", "timer", TASKS),
        ("an armed timer with its Sleep", "bytes", "sleep", TASKS),
        ("an idle connection with its task", "bytes", "connection", CONNECTIONS),
        ("an idle connection with its task, resident", "bytes", "connection-resident", CONNECTIONS),
        ("building a runtime, calls of the allocator", "calls", "build-calls", 1),
        ("a running, idle runtime", "bytes", "running", 1),
    ];
    for (work, unit, thing, count) in works {
        of_children(s, Spec::new("memory", work).figure(unit, Better::Lower), thing, count);
    }
}

/// A row whose figures come from children, one for each runtime and round.
pub(crate) fn of_children(s: &mut Suite, spec: Spec, thing: &'static str, count: usize) {
    if s.wants(&spec) {
        let run =
            |who: Who| -> Entrant<'static> { (who, Box::new(move || child(thing, who, count))) };
        s.run(spec, [Who::Wharf, Who::Tokio, Who::Smol].map(run).into());
    }
}
