//! Certificates for loopback, made at the start and forgotten at the end.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use std::{error::Error, sync::Arc};

/// An authority of one's own and a server that it vouches for.
#[derive(Debug)]
pub(crate) struct Certificates {
    /// The authority's certificate, for clients to trust.
    pub(crate) authority_pem: String,
    /// The settings of a server at `127.0.0.1`, `::1` and `localhost`.
    pub(crate) server: Arc<ServerConfig>,
}

/// Makes a new authority and a server's certificate.
pub(crate) fn make() -> Result<Certificates, Box<dyn Error + Send + Sync>> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.distinguished_name.push(DnType::CommonName, "the authority of wharf's demo");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

    let names = ["127.0.0.1", "::1", "localhost"].map(String::from);
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Certificates { authority_pem: authority.pem(), server: Arc::new(server) })
}
