//! What all pages have in common on their way in and out: forms come from our own pages, answers carry the security
//! headers, and failures become pages.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use gatepost_core::Gatepost;
use gatepost_http::RequestId;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::cookies;
use crate::failure::Failure;
use crate::frame::Theme;

/// No inline script or style, nothing from elsewhere, nobody's frame.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
     img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// A year, which browsers ask for before they take it seriously.
const TRANSPORT_SECURITY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Around every page.
pub(crate) async fn guard(State(gatepost): State<Arc<Gatepost>>, request: Request, next: Next) -> Response {
    let theme = Theme::read(request.headers());
    let id = request.extensions().get::<RequestId>().cloned();
    let foreign = !request.method().is_safe() && !is_ours(request.headers(), &gatepost.settings().public_url);
    let is_head = request.method() == Method::HEAD;
    let mut response = if foreign {
        axum::response::IntoResponse::into_response(Failure::Foreign)
    } else {
        next.run(request).await
    };
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response = failure.page(theme, id.as_ref());
    }
    if is_head {
        *response.body_mut() = axum::body::Body::empty();
    }
    protect(&gatepost, response.headers_mut());
    response
}

fn protect(gatepost: &Gatepost, headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if cookies::is_secure(gatepost) {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, TRANSPORT_SECURITY);
    }
}

/// Whether a form was sent from one of our pages. Browsers say so in `Sec-Fetch-Site`, or, over plain http, at least in
/// `Origin`; neither can be set by a page. Whoever sends none of the two is not a browser with a form of ours.
fn is_ours(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = text("origin") else {
        return false;
    };
    let host = origin.split_once("://").map(|(_, host)| host);
    origin == public_url || (host.is_some() && host == text("host"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        is_ours(&headers, "https://gate.example")
    }

    #[test]
    fn forms_come_from_our_own_pages() {
        let host = ("host", "127.0.0.1:8080");
        assert!(ours(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(ours(&[host, ("origin", "http://127.0.0.1:8080")]));
        assert!(ours(&[host, ("origin", "https://gate.example")]), "a proxy may change the host");
        for foreign in ["cross-site", "same-site", "none", ""] {
            assert!(
                !ours(&[host, ("sec-fetch-site", foreign), ("origin", "https://gate.example")]),
                "{foreign}"
            );
        }
        for foreign in
            ["null", "https://evil.example", "http://127.0.0.1:8081", "https://gate.example.evil.example", ""]
        {
            assert!(!ours(&[host, ("origin", foreign)]), "{foreign}");
        }
        assert!(!ours(&[host]));
        assert!(!ours(&[]));
    }
}
