//! Where runnable tasks wait: a ring and a LIFO slot per seat, one injector for all.

mod injector;
mod lifo;
mod ring;

pub(crate) use injector::Injector;
pub(crate) use lifo::LifoSlot;
pub(crate) use ring::Ring;
