//! What to say of a request that got no answer: one coarse class each, and nothing of the network's inside.

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use gatepost_model::webhook::Outcome;
use hyper_util::client::legacy;
use rustls::CertificateError;

use super::connector::DialError;
use crate::target::TargetError;

/// A request without an answer.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) outcome: Outcome,
    pub(super) error: String,
    pub(super) address: Option<SocketAddr>,
}

impl Failure {
    fn new(outcome: Outcome, error: &str, address: Option<SocketAddr>) -> Self {
        Self { outcome, error: error.to_owned(), address }
    }

    /// The URL itself is refused; its owner may know why.
    pub(super) fn refused(error: &TargetError) -> Self {
        Self::new(Outcome::Blocked, &error.to_string(), None)
    }

    pub(super) fn timeout(address: Option<SocketAddr>) -> Self {
        Self::new(Outcome::Timeout, "The receiver did not answer in time.", address)
    }

    /// `address` is that of the connection, if there was one.
    pub(super) fn of(error: &legacy::Error, address: Option<SocketAddr>) -> Self {
        if let Some(dial) = find::<DialError>(error) {
            return Self::dial(dial);
        }
        if !error.is_connect() {
            let sentence = "The connection broke before an answer came, or the answer was not HTTP.";
            return Self::new(Outcome::Protocol, sentence, address);
        }
        match find::<io::Error>(error) {
            // The dialler has an error type of its own, so an I/O error while connecting comes from TLS above it.
            Some(error) => Self::new(Outcome::Tls, tls_sentence(error), address),
            None => Self::new(Outcome::Connect, NO_CONNECTION, address),
        }
    }

    fn dial(error: &DialError) -> Self {
        match error {
            DialError::Blocked => {
                let sentence = "The URL leads to an address where webhooks are never sent; \
                                use a host on the public internet.";
                Self::new(Outcome::Blocked, sentence, None)
            }
            DialError::Dns => {
                let sentence = "The host name could not be resolved; check its spelling and its DNS records.";
                Self::new(Outcome::Dns, sentence, None)
            }
            DialError::Connect(address) => Self::new(Outcome::Connect, NO_CONNECTION, Some(*address)),
            DialError::Timeout(address) => Self::timeout(*address),
        }
    }
}

const NO_CONNECTION: &str =
    "No connection could be made; check that the receiver runs and listens on this port.";

/// Whether the connection ended under the request, rather than the receiver answering something strange.
pub(super) fn connection_died(error: &legacy::Error) -> bool {
    let ended =
        |error: &hyper::Error| error.is_canceled() || error.is_closed() || error.is_incomplete_message();
    find::<hyper::Error>(error).is_some_and(ended) || find::<io::Error>(error).is_some()
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// Certificates are public, so what is wrong with one may be told.
fn tls_sentence(error: &io::Error) -> &'static str {
    use CertificateError as Certificate;
    match rustls_error(error) {
        Some(rustls::Error::InvalidCertificate(
            Certificate::Expired | Certificate::ExpiredContext { .. },
        )) => "The receiver's certificate has expired.",
        Some(rustls::Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        )) => "The receiver's certificate is for another host name.",
        Some(rustls::Error::InvalidCertificate(Certificate::UnknownIssuer)) => {
            "The receiver's certificate is not signed by a known authority; check that the whole chain is served."
        }
        Some(rustls::Error::InvalidCertificate(_)) => "The receiver's certificate is not valid.",
        _ => "TLS could not be agreed on; the receiver must speak TLS 1.2 or 1.3 on this port.",
    }
}

/// I/O errors hide what they wrap from [`Error::source`], in layers.
fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    match inner.downcast_ref::<rustls::Error>() {
        Some(found) => Some(found),
        None => rustls_error(inner.downcast_ref::<io::Error>()?),
    }
}
