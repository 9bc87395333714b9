//! wharf-executor.

mod driver;
pub use driver::Driver;
