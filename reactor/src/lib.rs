//! wharf-reactor.
