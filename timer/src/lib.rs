//! wharf-timer.
