//! Reading the form of a token, revocation or introspection request, and the credentials in it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatepost_core::Gatepost;
use gatepost_core::tokens::Credentials;
use gatepost_http::Caller;
use gatepost_keys::Plain;
use gatepost_model::ApiClient;
use http::request::Parts;
use http::{HeaderMap, Request, header};
use url::form_urlencoded;

use super::error::OauthError;

/// The largest body that is read.
const MOST_BYTES: usize = 16 * 1024;
/// The parameters that are looked at; what is unknown is ignored (RFC 6749 section 3.2).
const KNOWN: [&str; 6] = ["grant_type", "client_id", "client_secret", "scope", "token", "token_type_hint"];

/// The parameters of a request, and where it came from.
pub(super) struct Form {
    parameters: BTreeMap<&'static str, String>,
    parts: Parts,
}

impl Form {
    /// Reads the body.
    pub(super) async fn read(request: Request<Body>) -> Result<Self, OauthError> {
        let (parts, body) = request.into_parts();
        if parts.uri.query().is_some_and(names_credentials) {
            return Err(OauthError::InQuery);
        }
        if !is_form(&parts.headers) {
            return Err(OauthError::ContentType);
        }
        let body = to_bytes(body, MOST_BYTES).await.map_err(|_| OauthError::Body)?;
        Ok(Self { parameters: parameters(&body)?, parts })
    }

    /// A parameter. One that is there but empty counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Where the request came from.
    pub(super) fn address(&self) -> IpAddr {
        self.parts.extensions.get::<Caller>().map_or(IpAddr::from([0, 0, 0, 0]), |caller| caller.0)
    }

    /// The client that sent the form.
    pub(super) async fn authenticate(&self, gatepost: &Gatepost) -> Result<Arc<ApiClient>, OauthError> {
        let issuer = &gatepost.settings().public_url;
        let credentials = self.required_credentials(issuer)?;
        let authenticated = gatepost.authenticate(&credentials, self.address()).await;
        let (client, _) = authenticated.map_err(|refused| OauthError::from_refused(refused, issuer))?;
        Ok(client)
    }

    /// The credentials, which must be there.
    pub(super) fn required_credentials(&self, issuer: &str) -> Result<Credentials, OauthError> {
        self.credentials()?.ok_or_else(|| OauthError::InvalidClient { issuer: issuer.to_owned() })
    }

    /// The credentials, from the body or from a `Basic` header, never from both (RFC 6749 section 2.3). None if there
    /// are none at all.
    fn credentials(&self) -> Result<Option<Credentials>, OauthError> {
        let mut headers = self.parts.headers.get_all(header::AUTHORIZATION).iter();
        let header = headers.next();
        if headers.next().is_some() {
            return Err(OauthError::BadBasic);
        }
        let (id, secret) = (self.get("client_id"), self.get("client_secret"));
        if let Some(value) = header {
            let basic = value.to_str().ok().and_then(basic).ok_or(OauthError::BadBasic)?;
            if secret.is_some() || id.is_some_and(|id| id != basic.client_id) {
                return Err(OauthError::TwoWays);
            }
            return Ok(Some(basic));
        }
        Ok(id.zip(secret).map(|(id, secret)| Credentials {
            client_id: id.to_owned(),
            client_secret: Plain::new(secret.to_owned()),
        }))
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn names_credentials(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes())
        .any(|(name, _)| matches!(&*name, "client_id" | "client_secret" | "token" | "access_token"))
}

fn parameters(body: &Bytes) -> Result<BTreeMap<&'static str, String>, OauthError> {
    let text = std::str::from_utf8(body).map_err(|_| OauthError::Body)?;
    let mut seen = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        let Some(name) = KNOWN.into_iter().find(|known| *known == name) else {
            continue;
        };
        if seen.insert(name, value.into_owned()).is_some() {
            return Err(OauthError::Repeated(name.to_owned()));
        }
    }
    seen.retain(|_, value| !value.is_empty());
    Ok(seen)
}

/// `Basic` credentials: base64 of id and secret, each form-encoded first (RFC 6749 section 2.3.1). Ours hold no character
/// that the encoding changes, so clients that leave it out are understood too.
fn basic(value: &str) -> Option<Credentials> {
    let (scheme, encoded) = value.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some(Credentials { client_id: decode(id), client_secret: Plain::new(decode(secret)) })
}

fn decode(text: &str) -> String {
    // One name without a value: the name is the decoded text. `&` and `=` cannot stand unencoded in it.
    form_urlencoded::parse(text.replace('=', "%3D").replace('&', "%26").as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<(String, String)> {
        basic(value).map(|found| (found.client_id, found.client_secret.expose().to_owned()))
    }

    #[test]
    fn t12_basic_is_decoded_as_the_standard_says() {
        let pair = |id: &str, secret: &str| Some((id.to_owned(), secret.to_owned()));
        let encode = |text: &str| format!("Basic {}", STANDARD.encode(text));
        assert_eq!(read(&encode("gpc_a:gps_b")), pair("gpc_a", "gps_b"));
        assert_eq!(read(&encode("a%2Bb:c%3Ad+e")), pair("a+b", "c:d e"));
        assert_eq!(read(&encode("a:b:c=d&e")), pair("a", "b:c=d&e"));
        assert_eq!(read("basic Z3BjX2E6Z3BzX2I="), pair("gpc_a", "gps_b"));
    }

    #[test]
    fn t13_bad_basic_is_none() {
        for bad in ["", "Basic", "Basic !!!", "Basic YQ==", "Bearer Z3BjX2E6Z3BzX2I=", "Basic gMA6gMA="] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn t3_t4_t5_parameters() {
        let parse = |text: &str| parameters(&Bytes::copy_from_slice(text.as_bytes()));
        assert!(matches!(parse("scope=a&scope=b"), Err(OauthError::Repeated(name)) if name == "scope"));
        let seen = parse("grant_type=client_credentials&client_id=&color=red&color=blue").unwrap();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [("grant_type", "client_credentials".to_owned())]);
    }
}
