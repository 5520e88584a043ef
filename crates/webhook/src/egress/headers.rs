//! Headers that are not for the owner of a webhook URL to set.

use http::HeaderMap;

/// Says where a message ends or what becomes of its connection: only the HTTP client knows that.
const FRAMING: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Set by Gatepost itself, or claims that only it or a proxy can make, or opens a cloud's metadata service.
const RESERVED: [&str; 14] = [
    "accept-encoding",
    "content-encoding",
    "content-type",
    "cookie",
    "date",
    "forwarded",
    "metadata",
    "metadata-flavor",
    "user-agent",
    "via",
    "x-aws-ec2-metadata-token",
    "x-aws-ec2-metadata-token-ttl-seconds",
    "x-google-metadata-request",
    "x-real-ip",
];

/// The same, for families of names.
const RESERVED_PREFIXES: [&str; 6] =
    ["gatepost-", "proxy-", "sec-", "webhook-", "x-forwarded-", "x-gatepost-"];

/// Whether a custom header of this name is refused, in whatever case it is written (security.md 6.2, row 32).
#[must_use]
pub fn is_reserved_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    FRAMING.contains(&name.as_str())
        || RESERVED.contains(&name.as_str())
        || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Takes out what would make the receiver see another message than the one sent, should it have got this far.
pub(super) fn remove_framing(headers: &mut HeaderMap) {
    for name in FRAMING {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn custom_headers_cannot_pose_as_the_clients_own() {
        for name in [
            "Host",
            "content-LENGTH",
            "Transfer-Encoding",
            "Connection",
            "Metadata-Flavor",
            "Webhook-Signature",
        ] {
            assert!(is_reserved_header(name), "{name}");
        }
        for name in ["X-Forwarded-For", "webhook-anything", "X-Gatepost-Method", "Proxy-Authorization", "TE"]
        {
            assert!(is_reserved_header(name), "{name}");
        }
        for name in ["Authorization", "X-Webhook-Secret", "X-Api-Key", "Accept"] {
            assert!(!is_reserved_header(name), "{name}");
        }
    }

    #[test]
    fn framing_headers_are_removed() {
        let mut headers = HeaderMap::new();
        headers.append("transfer-encoding", HeaderValue::from_static("chunked"));
        headers.append("host", HeaderValue::from_static("elsewhere"));
        headers.append("authorization", HeaderValue::from_static("x"));
        remove_framing(&mut headers);
        assert_eq!(headers.keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["authorization"]);
    }
}
