//! A body as it arrives: unpacked where it is packed, and never larger than the limit.

use crate::error::PageError;
use flate2::write::MultiGzDecoder;
use std::io::{self, Write};

/// A body that is being received.
#[derive(Debug)]
pub(crate) struct Body {
    unpacked: Unpacked,
    received_bytes: usize,
    limit_bytes: usize,
}

#[derive(Debug)]
enum Unpacked {
    Plain(Limited),
    Gzip(Box<MultiGzDecoder<Limited>>),
}

impl Body {
    /// A body with this `Content-Encoding`.
    pub(crate) fn new(encoding: Option<&str>, limit_bytes: usize) -> Result<Self, PageError> {
        let sink = Limited { bytes: Vec::new(), limit_bytes, over: false };
        let unpacked = match encoding.map(|name| name.trim().to_ascii_lowercase()).as_deref() {
            None | Some("" | "identity") => Unpacked::Plain(sink),
            Some("gzip" | "x-gzip") => Unpacked::Gzip(Box::new(MultiGzDecoder::new(sink))),
            Some(other) => {
                let cause = format!("it is packed as '{other}', which was not asked for");
                return Err(PageError::BadEncoding { cause });
            }
        };
        Ok(Self { unpacked, received_bytes: 0, limit_bytes })
    }

    /// How much has come over the wire.
    pub(crate) fn received_bytes(&self) -> usize {
        self.received_bytes
    }

    /// Takes what has arrived.
    pub(crate) fn push(&mut self, data: &[u8]) -> Result<(), PageError> {
        self.received_bytes += data.len();
        let result = match &mut self.unpacked {
            Unpacked::Plain(sink) => sink.write_all(data),
            Unpacked::Gzip(decoder) => decoder.write_all(data),
        };
        self.check(result)
    }

    /// The whole body.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, PageError> {
        if self.received_bytes == 0 {
            // An answer without a body says gzip all the same.
            return Ok(Vec::new());
        }
        if let Unpacked::Gzip(decoder) = &mut self.unpacked {
            let result = decoder.try_finish();
            self.check(result)?;
        }
        Ok(std::mem::take(&mut self.sink().bytes))
    }

    fn sink(&mut self) -> &mut Limited {
        match &mut self.unpacked {
            Unpacked::Plain(sink) => sink,
            Unpacked::Gzip(decoder) => decoder.get_mut(),
        }
    }

    fn check(&mut self, result: io::Result<()>) -> Result<(), PageError> {
        match result {
            Ok(()) => Ok(()),
            Err(_) if self.sink().over => {
                Err(PageError::TooLarge { limit_bytes: self.limit_bytes })
            }
            Err(error) => Err(PageError::BadEncoding { cause: error.to_string() }),
        }
    }
}

/// Takes bytes up to a limit, so that a small packed body cannot become a huge one.
#[derive(Debug)]
struct Limited {
    bytes: Vec<u8>,
    limit_bytes: usize,
    over: bool,
}

impl Write for Limited {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if data.len() > self.limit_bytes - self.bytes.len() {
            self.over = true;
            return Err(io::Error::other("the body is larger than its limit"));
        }
        self.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn receive(
        encoding: Option<&str>,
        limit: usize,
        chunks: &[&[u8]],
    ) -> Result<Vec<u8>, PageError> {
        let mut body = Body::new(encoding, limit)?;
        for chunk in chunks {
            body.push(chunk)?;
        }
        body.finish()
    }

    #[test]
    fn a_body_of_just_the_limit_passes_and_one_byte_more_does_not() {
        let over = PageError::TooLarge { limit_bytes: 5 };
        assert_eq!(receive(None, 5, &[b"123", b"45"]).unwrap(), b"12345");
        assert_eq!(receive(None, 5, &[b"123", b"456"]), Err(over.clone()));
        assert_eq!(receive(Some("gzip"), 5, &[&gzip(b"12345")]).unwrap(), b"12345");
        assert_eq!(receive(Some("gzip"), 5, &[&gzip(b"123456")]), Err(over.clone()));
        assert_eq!(receive(Some("gzip"), 5, &[&gzip(&[0; 1 << 20])]), Err(over));
    }

    #[test]
    fn gzip_comes_in_any_pieces_and_several_members() {
        let packed = [gzip(b"one"), gzip(b"two")].concat();
        let bytes: Vec<&[u8]> = packed.chunks(1).collect();
        assert_eq!(receive(Some("GZip"), 100, &bytes).unwrap(), b"onetwo");
        assert_eq!(receive(Some("gzip"), 100, &[]).unwrap(), b"");
    }

    #[test]
    fn what_is_packed_wrongly_is_an_error() {
        let packed = gzip(b"some text that is long enough to be cut");
        let cut = &packed[..packed.len() - 9];
        let mut spoilt = packed.clone();
        let last = spoilt.len() - 5;
        spoilt[last] ^= 1;
        for bad in [cut, &spoilt, b"no gzip at all"] {
            let error = receive(Some("gzip"), 100, &[bad]).unwrap_err();
            assert!(matches!(error, PageError::BadEncoding { .. }), "{error}");
        }
        let error = receive(Some("br"), 100, &[]).unwrap_err().to_string();
        assert!(error.contains("'br'"), "{error}");
    }
}
