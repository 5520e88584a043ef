//! A certificate authority of a test, and receivers that show its certificates.

use std::sync::Arc;

use gatepost_webhook::egress::CertificateDer;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// An authority.
pub struct Authority {
    root: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

#[expect(clippy::expect_used, reason = "a test without its certificates cannot go on")]
impl Authority {
    /// A new one of this name.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([]).expect("an authority");
        params.distinguished_name.push(DnType::OrganizationName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).expect("the authority's certificate").der().clone();
        Self { root, issuer: Issuer::new(params, key) }
    }

    /// What whoever trusts it is given.
    #[must_use]
    pub fn root(&self) -> CertificateDer<'static> {
        self.root.clone()
    }

    /// TLS with a good certificate for `name`.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn vouches_for(&self, name: &str) -> TlsAcceptor {
        self.signed(&params(name))
    }

    /// TLS with a certificate for `name` that was good long ago.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn vouched_for(&self, name: &str) -> TlsAcceptor {
        let mut params = params(name);
        params.not_after = date_time_ymd(2001, 1, 1);
        self.signed(&params)
    }

    fn signed(&self, params: &CertificateParams) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        acceptor(certificate.der().clone(), &key)
    }
}

/// TLS with a certificate for `name` for which nobody vouches but itself.
///
/// # Panics
/// If it cannot be made.
#[must_use]
#[expect(clippy::expect_used, reason = "a test without its certificates cannot go on")]
pub fn self_signed(name: &str) -> TlsAcceptor {
    let key = KeyPair::generate().expect("a key");
    let certificate = params(name).self_signed(&key).expect("a certificate");
    acceptor(certificate.der().clone(), &key)
}

#[expect(clippy::expect_used, reason = "a test without its certificates cannot go on")]
fn params(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).expect("a host name")
}

#[expect(clippy::expect_used, reason = "a test without its certificates cannot go on")]
fn acceptor(certificate: CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .expect("a certificate with its key");
    TlsAcceptor::from(Arc::new(config))
}
