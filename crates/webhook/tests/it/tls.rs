//! TLS and HTTP/2.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use gatepost_model::webhook::Outcome;
use gatepost_webhook::egress::Egress;
use gatepost_webhook::transport::Exchange;
use http::{Response, Version};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use crate::support::{Receiver, Script, config, post};

struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::OrganizationName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    fn acceptor(&self, params: &CertificateParams, protocols: &[&str]) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        acceptor(&certificate, &key, protocols)
    }
}

fn params(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).unwrap()
}

fn acceptor(certificate: &Certificate, key: &KeyPair, protocols: &[&str]) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

/// Speaks HTTP/1 or 2 over TLS and notes which.
async fn receiver(acceptor: TlsAcceptor, versions: Arc<Mutex<Vec<Version>>>) -> Receiver {
    Receiver::start("127.0.0.1:0", move |stream, _| {
        let (acceptor, versions) = (acceptor.clone(), Arc::clone(&versions));
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(move |request: http::Request<_>| {
                versions.lock().unwrap().push(request.version());
                let _: hyper::body::Incoming = request.into_body();
                async { Ok::<_, Infallible>(Response::new(Full::new(bytes::Bytes::from_static(b"ok")))) }
            });
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        }
    })
    .await
}

fn trusting(authority: &Authority) -> Egress {
    let mut config = config(&["127.0.0.1"], Script::new(&[&["127.0.0.1"]]));
    config.extra_roots = vec![authority.certificate.der().clone()];
    Egress::new(config).unwrap()
}

async fn post_to(receiver: &Receiver, egress: &Egress) -> Exchange {
    post(egress, &format!("https://hooks.example.com:{}/", receiver.address.port())).await
}

#[tokio::test]
async fn a_good_certificate_is_taken_and_the_connection_kept() {
    let authority = Authority::new("known");
    let versions = Arc::default();
    let acceptor = authority.acceptor(&params("hooks.example.com"), &["http/1.1"]);
    let receiver = receiver(acceptor, Arc::clone(&versions)).await;
    let egress = trusting(&authority);
    for _ in 0..3 {
        let exchange = post_to(&receiver, &egress).await;
        assert_eq!((exchange.outcome, exchange.address), (Outcome::Delivered, Some(receiver.address)));
    }
    assert_eq!(receiver.accepted(), 1);
    assert_eq!(*versions.lock().unwrap(), [Version::HTTP_11; 3]);
}

#[tokio::test]
async fn http2_is_spoken_where_it_is_offered() {
    let authority = Authority::new("known");
    let versions = Arc::default();
    let acceptor = authority.acceptor(&params("hooks.example.com"), &["h2", "http/1.1"]);
    let receiver = receiver(acceptor, Arc::clone(&versions)).await;
    let egress = trusting(&authority);
    for _ in 0..3 {
        let exchange = post_to(&receiver, &egress).await;
        assert_eq!((exchange.outcome, exchange.reply.as_str()), (Outcome::Delivered, "ok"));
    }
    assert_eq!(receiver.accepted(), 1);
    assert_eq!(*versions.lock().unwrap(), [Version::HTTP_2; 3]);
}

#[tokio::test]
async fn bad_certificates_are_refused_and_named() {
    let authority = Authority::new("known");
    let egress = trusting(&authority);

    let mut expired = params("hooks.example.com");
    expired.not_after = date_time_ymd(2001, 1, 1);
    let key = KeyPair::generate().unwrap();
    let self_signed = params("hooks.example.com").self_signed(&key).unwrap();
    let unknown = Authority::new("unknown");

    for (acceptor, sentence) in [
        (
            authority.acceptor(&params("other.example.com"), &[]),
            "The receiver's certificate is for another host name.",
        ),
        (authority.acceptor(&expired, &[]), "The receiver's certificate has expired."),
        (acceptor(&self_signed, &key, &[]), "The receiver's certificate is not signed by a known authority"),
        (
            unknown.acceptor(&params("hooks.example.com"), &[]),
            "The receiver's certificate is not signed by a known authority",
        ),
    ] {
        let versions = Arc::default();
        let receiver = receiver(acceptor, Arc::clone(&versions)).await;
        let exchange = post_to(&receiver, &egress).await;
        assert_eq!(exchange.outcome, Outcome::Tls);
        let error = exchange.error.unwrap();
        assert!(error.starts_with(sentence), "{error}");
        assert!(versions.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn public_authorities_do_not_vouch_for_a_private_one() {
    let authority = Authority::new("known");
    let receiver = receiver(authority.acceptor(&params("hooks.example.com"), &[]), Arc::default()).await;
    let plain = Egress::new(config(&["127.0.0.1"], Script::new(&[&["127.0.0.1"]]))).unwrap();
    assert_eq!(post_to(&receiver, &plain).await.outcome, Outcome::Tls);
}
