//! The request that carries an event: headers, body, signature.

use bytes::Bytes;
use gatepost_model::Timestamp;
use gatepost_store::tables::deliveries::Claimed;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::{Map, Value};

use super::Recipient;
use crate::transport::Request;

const USER_AGENT: &str = concat!("Gatepost/", env!("CARGO_PKG_VERSION"));

/// The request for one try, signed for this moment. `webhook-id` is the event's id: the same on every try and replay, so
/// that a receiver can tell what it has seen.
#[must_use]
pub fn request(delivery: &Claimed, recipient: &Recipient, number: u32, now: Timestamp) -> Request {
    let body = Bytes::from(recipient.payload.body(&delivery.method, delivery.event_at, &delivery.record));
    let seconds = now.seconds();
    let signatures = recipient
        .keys
        .iter()
        .filter(|(_, end)| end.is_none_or(|end| now < end))
        .map(|(key, _)| key.sign(&delivery.event_id, seconds, &body))
        .collect::<Vec<_>>()
        .join(" ");
    // Its own come last, so that they cannot be replaced.
    let mut headers = recipient.headers.clone();
    headers.reserve(10);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    put(&mut headers, HeaderName::from_static("webhook-id"), &delivery.event_id);
    headers.insert(HeaderName::from_static("webhook-timestamp"), seconds.into());
    put(&mut headers, HeaderName::from_static("webhook-signature"), &signatures);
    put(&mut headers, HeaderName::from_static("gatepost-method"), delivery.method.as_str());
    put(&mut headers, HeaderName::from_static("gatepost-workspace"), &recipient.workspace);
    put(&mut headers, HeaderName::from_static("gatepost-delivery"), &delivery.id);
    headers.insert(HeaderName::from_static("gatepost-attempt"), number.into());
    put(&mut headers, HeaderName::from_static("gatepost-api-version"), recipient.api_version.as_str());
    Request { url: recipient.url.clone(), headers, body }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Every value here is of our own making and printable; one that were not is better left out than sent broken.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// What stands in the log instead of a value that is a secret.
const HIDDEN: &str = "(hidden)";

/// Headers as a JSON object, for the log. What is marked as sensitive stays out of it.
#[must_use]
pub fn headers_json(headers: &HeaderMap) -> String {
    object(headers.iter().map(|(name, value)| {
        let shown =
            if value.is_sensitive() { HIDDEN.into() } else { String::from_utf8_lossy(value.as_bytes()) };
        (name.as_str().to_owned(), shown.into_owned())
    }))
}

/// Header pairs as a JSON object, for the log.
#[must_use]
pub fn pairs_json(pairs: &[(String, String)]) -> String {
    object(pairs.iter().cloned())
}

/// A header that stands several times becomes one, joined by commas, as HTTP reads it.
fn object(pairs: impl Iterator<Item = (String, String)>) -> String {
    let mut object = Map::new();
    for (name, value) in pairs {
        match object.get_mut(&name) {
            Some(Value::String(seen)) => {
                seen.push_str(", ");
                seen.push_str(&value);
            }
            _ => drop(object.insert(name, Value::String(value))),
        }
    }
    Value::Object(object).to_string()
}
