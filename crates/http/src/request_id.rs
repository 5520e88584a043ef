//! The id of a request: `X-Request-Id` on every answer (security.md A16).

use gatepost_model::{Random, Timestamp, ids};
use http::{HeaderName, HeaderValue};

/// `X-Request-Id`.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// `req_…`, time-ordered. Made here, never taken from the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// A new id.
    #[must_use]
    pub fn new(now: Timestamp, random: &dyn Random) -> Self {
        Self(ids::sortable(ids::REQUEST, now, random))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as a header.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static("req_"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatepost_model::SeededRandom;

    #[test]
    fn a16_ids_are_unique_and_fit_a_header() {
        let random = SeededRandom::new(1);
        let first = RequestId::new(Timestamp(1), &random);
        assert_ne!(first, RequestId::new(Timestamp(1), &random));
        assert_eq!(first.header().to_str().unwrap(), first.as_str());
        assert!(first.as_str().starts_with("req_"));
    }
}
