//! Reading a request's body.

use axum::body::Body;
use gatepost_catalog::InvalidRecord;
use gatepost_http::Problem;
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};

/// The largest body, in bytes: 1 MiB.
const LARGEST: usize = 1024 * 1024;

/// The fields of a JSON object. An empty body is an empty object (contract.md G). The content type is not asked for:
/// clients send all kinds, and what is no JSON shows itself.
pub(super) async fn read(body: Body) -> Result<Map<String, Value>, Problem> {
    let bytes = Limited::new(body, LARGEST)
        .collect()
        .await
        .map_err(|error| if error.is::<LengthLimitError>() { too_large() } else { unreadable() })?;
    parse(&bytes.to_bytes())
}

fn parse(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(bad_request("invalid_body", InvalidRecord::NotAnObject.to_string())),
        Err(error) => Err(bad_request("invalid_json", format!("The body is not JSON: {error}"))
            .help("Send one JSON object, in UTF-8.")),
    }
}

/// A 400.
pub(super) fn bad_request(name: &'static str, message: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, name, message)
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body is larger than 1 MiB")
        .help("Send less at once.")
}

fn unreadable() -> Problem {
    bad_request("invalid_body", "The body broke off before its end").help("Send the request again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_objects_or_nothing() {
        for (body, fields) in [("", 0), (" \r\n", 0), ("{}", 0), (r#" {"a":1,"b":{}} "#, 2)] {
            assert_eq!(parse(body.as_bytes()).unwrap().len(), fields, "{body}");
        }
        for body in ["[]", "1", "null", "\"text\"", "{", "{}{}", "a=b", "{\"a\":}", &"[".repeat(500)] {
            assert_eq!(parse(body.as_bytes()).unwrap_err().status(), StatusCode::BAD_REQUEST, "{body}");
        }
        assert!(parse(b"{\"a\":\"\xff\"}").is_err());
    }

    #[tokio::test]
    async fn a_body_has_a_largest_size() {
        let of_size = |size: usize| read(Body::from(format!("{{\"a\":\"{}\"}}", "x".repeat(size - 8))));
        assert!(of_size(LARGEST).await.is_ok());
        assert_eq!(of_size(LARGEST + 1).await.unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}
