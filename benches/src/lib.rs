//! The same work on wharf, on its peers and on bare epoll loops or threads.
//!
//! Each workload is written once, generic over [`rt::Rt`]; the adapters in [`rt`] say how each
//! runtime spells the few things a workload needs. [`suite`] lets the runtimes take turns inside
//! one process run and makes a [`row`] of their samples; [`report`] turns the rows into the table
//! and the JSON, [`markdown`] and [`charts`] into the page under docs/. The groups of workloads are
//! in [`group`], the bare loops they are held against in [`floor`]; what runs in foreign hosts is asked
//! of them by [`host`].
//!
//! What makes a row fair: all entrants do the same work with the same number of threads, no
//! runtime gets a setting that another cannot have, each is warmed up once, they take turns in a
//! rotating order, and the figure is the median of the rounds.

pub mod charts;
pub mod floor;
mod glance;
pub mod group;
pub mod host;
mod lateness;
pub mod markdown;
pub mod report;
pub mod row;
pub mod rt;
pub mod stopwatch;
pub mod suite;
