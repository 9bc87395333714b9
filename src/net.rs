//! Sockets, and the look-up of host names.
//!
//! The sockets are the reactor's. A look-up has no non-blocking form in the operating system, so the
//! reactor is given one that runs on the blocking pool.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs as _},
};
use wharf_reactor::Reactor;

pub use wharf_reactor::net::*;

/// Has `reactor` look names up on the blocking pool of the runtime that asks.
pub(crate) fn resolve_on_the_blocking_pool(reactor: &Reactor) {
    reactor.set_resolver(Box::new(|host, port| Box::pin(look_up(host, port))));
}

async fn look_up(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    let named = host.clone();
    let found = crate::spawn_blocking(move || (host.as_str(), port).to_socket_addrs()).await;
    match found {
        Ok(Ok(addresses)) => Ok(addresses.collect()),
        Ok(Err(error)) => {
            Err(io::Error::new(error.kind(), format!("looking up `{named}` failed: {error}")))
        }
        Err(error) => {
            Err(io::Error::other(format!("looking up `{named}` came to no end: {error}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_is_found() {
        let found = crate::block_on(lookup_host(("localhost", 7))).unwrap();
        for address in found {
            assert!(address.ip().is_loopback() && address.port() == 7, "{address}");
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_that_names_it() {
        let error = crate::block_on(lookup_host("no-such-host.invalid:1")).unwrap_err();
        assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
    }
}
