//! How the time of one request was spent.

use std::time::Duration;

/// What each phase of a request took, as far as there was such a phase: a connection that was kept from earlier has only the
/// last one, and an unencrypted one has no TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// Resolving the name.
    pub dns: Option<Duration>,
    /// Connecting.
    pub connect: Option<Duration>,
    /// Agreeing on keys, and checking the certificate.
    pub tls: Option<Duration>,
    /// From then on until the first byte of the answer.
    pub first_byte: Option<Duration>,
}

impl Phases {
    /// Those that there were, in order, each with its name on pages and in JSON.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        let all =
            [("dns", self.dns), ("connect", self.connect), ("tls", self.tls), ("firstByte", self.first_byte)];
        all.into_iter().filter_map(|(name, took)| Some((name, took?)))
    }
}
