//! From what a user calls an address to what the system calls one.

use super::lookup::look_up;
use crate::error;
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    vec,
};

/// What can be connected or bound to: socket addresses, pairs of an IP address or a host name and a
/// port, and strings such as `"[::1]:80"` and `"localhost:80"`.
///
/// Host names are looked up on the runtime's threads for blocking work. The trait is sealed.
pub trait ToSocketAddrs: sealed::Lookup {}

pub(crate) mod sealed {
    /// What is still to be done for an address.
    pub trait Lookup {
        #[doc(hidden)]
        fn lookup(&self) -> std::io::Result<super::Found>;
    }
}

/// The outcome of a look at an address.
#[derive(Debug)]
pub enum Found {
    #[doc(hidden)]
    One(SocketAddr),
    #[doc(hidden)]
    Many(Vec<SocketAddr>),
    #[doc(hidden)]
    Name(String, u16),
}

/// The addresses that a [lookup](lookup_host) has found.
#[derive(Debug, Clone)]
pub struct Addresses(Kind);

#[derive(Debug, Clone)]
enum Kind {
    One(Option<SocketAddr>),
    Many(vec::IntoIter<SocketAddr>),
}

impl Iterator for Addresses {
    type Item = SocketAddr;

    fn next(&mut self) -> Option<SocketAddr> {
        match &mut self.0 {
            Kind::One(address) => address.take(),
            Kind::Many(addresses) => addresses.next(),
        }
    }
}

/// Looks a host up, on the runtime's threads for blocking work.
///
/// Cancel safe; the look-up itself then goes on unheard.
///
/// # Errors
///
/// What the system's resolver says, or that there is no runtime to run it on.
pub async fn lookup_host(host: impl ToSocketAddrs) -> io::Result<Addresses> {
    addresses(host.lookup()?).await
}

/// What `found` stands for; takes no reference to the user's type, so futures stay `Send`.
pub(crate) async fn addresses(found: Found) -> io::Result<Addresses> {
    Ok(Addresses(match found {
        Found::One(address) => Kind::One(Some(address)),
        Found::Many(addresses) => Kind::Many(addresses.into_iter()),
        Found::Name(host, port) => Kind::Many(look_up(host, port).await?.into_iter()),
    }))
}

/// Tries the addresses in turn; the error is the last one's.
pub(crate) async fn first_that_works<R, F>(
    found: Found,
    mut attempt: impl FnMut(SocketAddr) -> F,
) -> io::Result<R>
where
    F: Future<Output = io::Result<R>>,
{
    let mut last = None;
    for address in addresses(found).await? {
        match attempt(address).await {
            Ok(done) => return Ok(done),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(nothing_found))
}

pub(crate) fn nothing_found() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "the name stands for no address at all")
}

macro_rules! known {
    ($($kind:ty, |$address:ident| $found:expr;)*) => {$(
        impl ToSocketAddrs for $kind {}
        impl sealed::Lookup for $kind {
            fn lookup(&self) -> io::Result<Found> {
                let $address = self;
                Ok(Found::One($found))
            }
        }
    )*};
}

known! {
    SocketAddr, |address| *address;
    SocketAddrV4, |address| (*address).into();
    SocketAddrV6, |address| (*address).into();
    (IpAddr, u16), |address| (*address).into();
    (Ipv4Addr, u16), |address| (*address).into();
    (Ipv6Addr, u16), |address| (*address).into();
}

impl ToSocketAddrs for &[SocketAddr] {}
impl sealed::Lookup for &[SocketAddr] {
    fn lookup(&self) -> io::Result<Found> {
        Ok(Found::Many(self.to_vec()))
    }
}

impl ToSocketAddrs for (&str, u16) {}
impl sealed::Lookup for (&str, u16) {
    fn lookup(&self) -> io::Result<Found> {
        let (host, port) = *self;
        Ok(match host.parse::<IpAddr>() {
            Ok(ip) => Found::One((ip, port).into()),
            Err(_) => Found::Name(host.to_owned(), port),
        })
    }
}

impl ToSocketAddrs for (String, u16) {}
impl sealed::Lookup for (String, u16) {
    fn lookup(&self) -> io::Result<Found> {
        (self.0.as_str(), self.1).lookup()
    }
}

impl ToSocketAddrs for str {}
impl sealed::Lookup for str {
    fn lookup(&self) -> io::Result<Found> {
        if let Ok(address) = self.parse() {
            return Ok(Found::One(address));
        }
        let parts = self.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match parts {
            Some((host, port)) if !host.is_empty() => (host, port).lookup(),
            _ => Err(error::not_an_address(self)),
        }
    }
}

impl ToSocketAddrs for String {}
impl sealed::Lookup for String {
    fn lookup(&self) -> io::Result<Found> {
        self.as_str().lookup()
    }
}

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {}
impl<T: ToSocketAddrs + ?Sized> sealed::Lookup for &T {
    fn lookup(&self) -> io::Result<Found> {
        (**self).lookup()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Found, sealed::Lookup};

    #[test]
    fn numeric_addresses_need_no_resolver_and_names_are_split_from_their_port() {
        for text in ["127.0.0.1:80", "[::1]:443"] {
            assert!(matches!(text.lookup().unwrap(), Found::One(it) if it.to_string() == text));
        }
        assert!(matches!(("::1", 9).lookup().unwrap(), Found::One(it) if it.port() == 9));
        assert!(matches!("a.b:1".lookup().unwrap(), Found::Name(host, 1) if host == "a.b"));
        for text in ["", "nothing", ":80", "host:port", "host:65536"] {
            assert!(text.lookup().is_err(), "{text:?}");
        }
    }
}
