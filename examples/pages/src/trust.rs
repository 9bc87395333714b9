//! Whom to believe: Mozilla's certificate authorities, and those that the program adds.

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::sync::{Arc, Mutex, PoisonError};

/// The authorities that [`trust`] has added, and what is made of them at the first use after.
struct Trusted {
    added: Vec<CertificateDer<'static>>,
    config: Option<Arc<ClientConfig>>,
}

static TRUSTED: Mutex<Trusted> = Mutex::new(Trusted { added: Vec::new(), config: None });

/// Trusts the certificates in `pem` as authorities, beside Mozilla's, from the next connection on.
///
/// Returns how many there were. Thread safe. It holds for the whole process.
///
/// # Errors
///
/// A text that says what is wrong with `pem`; then nothing is added.
pub fn trust(pem: &[u8]) -> Result<usize, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|error| format!("these are no certificates in PEM form: {error}"))?;
    if read.is_empty() {
        return Err("there is no certificate in PEM form in it".into());
    }
    let mut probe = RootCertStore::empty();
    for certificate in &read {
        let added = probe.add(certificate.clone());
        added.map_err(|error| format!("one of these certificates cannot be used: {error}"))?;
    }
    let count = read.len();
    let mut trusted = TRUSTED.lock().unwrap_or_else(PoisonError::into_inner);
    trusted.added.extend(read);
    trusted.config = None;
    Ok(count)
}

/// The settings for a connection made now.
pub(crate) fn config() -> Arc<ClientConfig> {
    let mut trusted = TRUSTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(config) = &trusted.config {
        return Arc::clone(config);
    }
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    roots.add_parsable_certificates(trusted.added.iter().cloned());
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring serves the default versions of TLS");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::clone(trusted.config.insert(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_no_certificate_is_refused_with_a_reason() {
        for (pem, why) in [
            (&b""[..], "no certificate"),
            (b"nonsense", "no certificate"),
            (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be used"),
            (b"-----BEGIN CERTIFICATE-----\nAAAA\n", "PEM"),
        ] {
            let error = super::trust(pem).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
