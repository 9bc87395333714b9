//! wharf-macros.
