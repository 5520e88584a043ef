//! Headers that belong to the connection.

use gatepost_model::custom_header::FRAMING;
use http::HeaderMap;

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
    fn framing_headers_are_removed() {
        let mut headers = HeaderMap::new();
        headers.append("transfer-encoding", HeaderValue::from_static("chunked"));
        headers.append("host", HeaderValue::from_static("elsewhere"));
        headers.append("authorization", HeaderValue::from_static("x"));
        remove_framing(&mut headers);
        assert_eq!(headers.keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["authorization"]);
    }
}
