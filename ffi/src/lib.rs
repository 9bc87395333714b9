//! wharf-ffi.
