//! Certificates: an authority's, or the server's own.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;
use std::sync::Arc;

/// Trusts what the system trusts, these authorities, and a server that shows one of these very
/// certificates.
///
/// # Errors
/// When one of them is no certificate, or the TLS backend does not start.
pub fn trusting(certificates: &[CertificateDer<'static>]) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = OwnOrSigned {
        own: certificates.to_vec(),
        signed: Verifier::new_with_extra_roots(certificates.iter().cloned(), Arc::clone(&provider))?,
    };
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// Whoever holds the key of a certificate that is trusted by itself is the server, whatever it is called
/// and however long it is meant to last. That it holds the key is checked as ever.
#[derive(Debug)]
struct OwnOrSigned {
    own: Vec<CertificateDer<'static>>,
    signed: Verifier,
}

impl ServerCertVerifier for OwnOrSigned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.own.iter().any(|own| own == shown) {
            return Ok(ServerCertVerified::assertion());
        }
        self.signed
            .verify_server_cert(shown, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signed.supported_verify_schemes()
    }
}

/// What is wrong with the certificate of a server, and what to do about it. `has_given`: whether
/// `--ca-cert` gave one.
pub fn explain(error: &Error, has_given: bool) -> Option<(String, &'static str)> {
    let Error::InvalidCertificate(reason) = error else {
        return None;
    };
    Some(match reason {
        CertificateError::UnknownIssuer | CertificateError::BadSignature if has_given => (
            "the server's certificate is neither the one in `--ca-cert` nor signed by it".to_owned(),
            "give `--ca-cert` the certificate of the authority that signed the server's, or the server's own",
        ),
        CertificateError::UnknownIssuer => (
            "the server's certificate is signed by nobody who is trusted here".to_owned(),
            "give the certificate of the authority that signed it, or the server's own, with `--ca-cert FILE`",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            format!("the server's certificate is for another name: {reason}"),
            "use the name that is in the certificate, or give the server's own certificate with `--ca-cert FILE`",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "the server's certificate has expired".to_owned(),
            "renew it on the server; `--ca-cert` does not help, unless it is given the server's own certificate",
        ),
        _ => (
            format!("the server's certificate cannot be used: {reason}"),
            "replace it on the server, or give the server's own certificate with `--ca-cert FILE`",
        ),
    })
}

/// The certificates of a PEM file.
///
/// # Errors
/// When one of them is none.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    use rustls::pki_types::pem::PemObject;
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    found.map_err(|error| error.to_string())
}
