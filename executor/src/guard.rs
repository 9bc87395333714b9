//! For the instruction guard alone, behind a feature that is off by default: what it counts and can't
//! reach through a runtime, where thieves come when they like.

use crate::queue::Ring;
use std::ptr::NonNull;

/// Items that are in a ring at a time.
const BATCH: usize = 64;

/// Pushes so many items into one ring, has them stolen by halves into another, and pops them there;
/// how many came out. `count` is rounded down to a multiple of 64.
pub fn push_and_steal(count: usize) -> usize {
    let (victim, thief) = (Ring::new(false), Ring::new(false));
    let mut item = 0_u64;
    let item = NonNull::from(&mut item);
    let mut seen = 0;
    for _ in 0..count / BATCH {
        for _ in 0..BATCH {
            // SAFETY: the ring is this function's own.
            unsafe { victim.push(item) };
        }
        // SAFETY: both rings are this function's own, and not the same.
        while unsafe { victim.steal_into(&thief) }.is_some() {
            seen += 1;
            // SAFETY: the ring is this function's own.
            while unsafe { thief.pop() }.is_some() {
                seen += 1;
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_pushed_is_stolen() {
        assert_eq!(super::push_and_steal(1_000), 960);
    }
}
