//! `libwharf.so` and `libwharf.a`: the functions of `wharf-ffi`, for hosts that bring no Rust of
//! their own.

// Naming the crate is what makes the linker keep and export its functions.
use wharf_ffi as _;
