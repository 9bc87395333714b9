//! URLs, as far as loading a page over HTTP needs them: parsing, and following a relative one.

use crate::error::PageError;
use std::{fmt, net::Ipv6Addr};

/// An absolute `http` or `https` URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Whether the connection is encrypted.
    pub https: bool,
    /// A name or an address; an IPv6 address stands without its brackets.
    pub host: String,
    /// The port, written or implied.
    pub port: u16,
    /// Path and query, beginning with `/`; nothing in it needs escaping any more.
    pub path: String,
}

impl Url {
    /// Parses an absolute URL.
    ///
    /// A fragment is dropped, for it is not sent; characters that may not stand in a path are
    /// percent-encoded.
    ///
    /// # Errors
    ///
    /// [`PageError::MalformedUrl`] says what is wrong with it, [`PageError::UnsupportedScheme`]
    /// that it is neither `http` nor `https`.
    pub fn parse(text: &str) -> Result<Self, PageError> {
        let text = text.trim();
        let bad = |reason| PageError::MalformedUrl { url: text.to_owned(), reason };
        let (scheme, rest) = split_scheme(text).ok_or_else(|| bad("no scheme such as https://"))?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(PageError::UnsupportedScheme { scheme: scheme.to_owned() }),
        };
        let rest = rest.strip_prefix("//").ok_or_else(|| bad("no // after the scheme"))?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (host, port) = authority_parts(authority).map_err(bad)?;
        let port = port.unwrap_or(if https { 443 } else { 80 });
        let path = if path.starts_with('/') { escape(path) } else { format!("/{}", escape(path)) };
        Ok(Self { https, host, port, path: resolved(&path) })
    }

    /// What `reference`, found in a page or a redirect of this URL, points to.
    ///
    /// # Errors
    ///
    /// As for [`Url::parse`].
    pub fn join(&self, reference: &str) -> Result<Self, PageError> {
        let reference = reference.trim();
        if split_scheme(reference).is_some() {
            return Self::parse(reference);
        }
        if reference.starts_with("//") {
            let scheme = if self.https { "https" } else { "http" };
            return Self::parse(&format!("{scheme}:{reference}"));
        }
        let reference = escape(reference);
        let own = self.path.split('?').next().unwrap_or("/");
        let joined = match reference.as_bytes().first() {
            None => self.path.clone(),
            Some(b'?') => format!("{own}{reference}"),
            Some(b'/') => reference,
            Some(_) => format!("{}{reference}", &own[..=own.rfind('/').unwrap_or(0)]),
        };
        Ok(Self { path: resolved(&joined), ..self.clone() })
    }

    /// Host and port as the `Host` header wants them: the port only where it is not the usual one.
    pub fn authority(&self) -> String {
        let host = self.bracketed();
        match (self.https, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    fn bracketed(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let mut letters = scheme.bytes();
    let starts = letters.next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let goes_on = letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    (starts && goes_on).then_some((scheme, rest))
}

fn authority_parts(authority: &str) -> Result<(String, Option<u16>), &'static str> {
    if authority.contains('@') {
        return Err("a user name or password in a URL is not supported");
    }
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']').ok_or("'[' without ']'")?;
        address.parse::<Ipv6Addr>().map_err(|_| "what stands in [] is no IPv6 address")?;
        return Ok((address.to_owned(), port_number(port)?));
    }
    let at = authority.find(':').unwrap_or(authority.len());
    let (host, port) = authority.split_at(at);
    if host.is_empty() {
        return Err("no host");
    }
    if !host.is_ascii() {
        return Err("a host name with other than ASCII letters: write it in its xn-- form");
    }
    if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
        return Err("a character in the host that no host name has");
    }
    Ok((host.to_ascii_lowercase(), port_number(port)?))
}

/// Reads `:PORT`; nothing, and a colon alone, stand for the usual port.
fn port_number(text: &str) -> Result<Option<u16>, &'static str> {
    const BAD: &str = "the port is no number from 1 to 65535";
    match text.strip_prefix(':') {
        None if text.is_empty() => Ok(None),
        None => Err("no ':' before the port"),
        Some("") => Ok(None),
        // `parse` would take a plus sign.
        Some(digits) if !digits.bytes().all(|byte| byte.is_ascii_digit()) => Err(BAD),
        Some(digits) => match digits.parse() {
            Ok(0) | Err(_) => Err(BAD),
            Ok(port) => Ok(Some(port)),
        },
    }
}

/// Drops the fragment and percent-encodes what may not stand in a request line.
fn escape(path: &str) -> String {
    let path = path.split('#').next().unwrap_or_default();
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped += &format!("%{byte:02X}");
        }
    }
    escaped
}

/// Resolves `.` and `..` in a path that begins with `/`; a query after it stays as it is.
fn resolved(path: &str) -> String {
    let (path, query) = path.find('?').map_or((path, ""), |at| path.split_at(at));
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            ".." => drop(kept.pop()),
            "." => {}
            other => {
                kept.push(other);
                continue;
            }
        }
        if last {
            kept.push("");
        }
    }
    format!("/{}{query}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Url::parse(text).unwrap().to_string()
    }

    #[test]
    fn what_is_written_and_what_is_implied() {
        assert_eq!(shown("http://example.org"), "http://example.org/");
        assert_eq!(shown("HTTPS://Example.ORG:443/a?b=c#d"), "https://example.org/a?b=c");
        assert_eq!(shown("http://example.org:8080?q"), "http://example.org:8080/?q");
        assert_eq!(shown("http://[::1]:81/x"), "http://[::1]:81/x");
        assert_eq!(Url::parse("http://[::1]/").unwrap().host, "::1");
        assert_eq!(shown(" http://h/K\u{f6}ln und {x} "), "http://h/K%C3%B6ln%20und%20%7Bx%7D");
        assert_eq!(shown("http://h:/"), "http://h/");
        assert_eq!(shown("http://h/a/../b/./?../c"), "http://h/b/?../c");
    }

    #[test]
    fn what_is_no_url_says_why() {
        for (text, why) in [
            ("", "no scheme"),
            ("example.org", "no scheme"),
            ("/path", "no scheme"),
            ("http:/x", "no //"),
            ("http://", "no host"),
            ("http://:80/", "no host"),
            ("http://a b/", "no host name has"),
            ("http://b\u{fc}cher.example/", "xn--"),
            ("http://h:0/", "1 to 65535"),
            ("http://h:65536/", "1 to 65535"),
            ("http://h:+80/", "1 to 65535"),
            ("http://user@h/", "user name"),
            ("http://[::1/", "without ']'"),
            ("http://[::g]/", "IPv6"),
            ("http://[::1]x/", "':'"),
        ] {
            let error = Url::parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(matches!(
            Url::parse("ftp://h/"),
            Err(PageError::UnsupportedScheme { scheme }) if scheme == "ftp"
        ));
    }

    #[test]
    fn references_are_followed_as_a_browser_does() {
        let base = Url::parse("https://h:1/a/b/c?q").unwrap();
        for (reference, target) in [
            ("", "https://h:1/a/b/c?q"),
            ("d", "https://h:1/a/b/d"),
            ("./d", "https://h:1/a/b/d"),
            ("../d?x=../y", "https://h:1/a/d?x=../y"),
            ("../../../d", "https://h:1/d"),
            ("..", "https://h:1/a/"),
            (".", "https://h:1/a/b/"),
            ("/x/./y", "https://h:1/x/y"),
            ("?z", "https://h:1/a/b/c?z"),
            ("//other/p", "https://other/p"),
            ("http://other", "http://other/"),
            ("d#f", "https://h:1/a/b/d"),
        ] {
            assert_eq!(base.join(reference).unwrap().to_string(), target, "{reference}");
        }
    }
}
