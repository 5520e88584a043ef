//! Headers that the owner of a webhook URL has sent along, as receivers ask for them: what they may be called and hold.
//!
//! What would make another message of a webhook, or speak in the name of somebody else, is refused (security.md 6, row 32).

use crate::secret::Sealed;

/// The most that one URL may have.
pub const MOST_HEADERS: usize = 20;
/// The most bytes of a name,
pub const LONGEST_NAME: usize = 64;
/// and of a value.
pub const LONGEST_VALUE: usize = 2048;

/// A header that is sent with every webhook to a URL. Its value is as secret as a password, for mostly it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomHeader {
    /// The name, in lower case.
    pub name: String,
    /// The value, sealed.
    pub sealed: Sealed,
}

/// Say where a message ends or what becomes of its connection: only the HTTP client knows that.
pub const FRAMING: [&str; 12] = [
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
const RESERVED: [&str; 12] = [
    "accept-encoding",
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
const RESERVED_PREFIXES: [&str; 7] =
    ["content-", "gatepost-", "proxy-", "sec-", "webhook-", "x-forwarded-", "x-gatepost-"];

/// Why a header is refused, as a sentence for the URL's owner without its end. Never with the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderProblem {
    /// No token of RFC 9110, 5.6.2, or too long a one.
    #[error("the name must have 1 to {LONGEST_NAME} letters, digits and hyphens, like x-api-key")]
    Name,
    /// One that is not for the URL's owner to set.
    #[error("\"{0}\" is reserved: Gatepost or the connection sets it; use another name, like x-api-key")]
    Reserved(String),
    /// Nothing, too much, or something that is not visible: a line break would begin another header.
    #[error(
        "the value must have 1 to {LONGEST_VALUE} visible ASCII characters, with spaces only between them and no line breaks"
    )]
    Value,
}

/// The name as it is kept: in lower case.
///
/// # Errors
/// If it is no name, or a reserved one.
pub fn checked_name(name: &str) -> Result<String, HeaderProblem> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(is_token) {
        return Err(HeaderProblem::Name);
    }
    let name = name.to_ascii_lowercase();
    if is_reserved(&name) { Err(HeaderProblem::Reserved(name)) } else { Ok(name) }
}

/// Whether a value can be sent.
///
/// # Errors
/// If it cannot.
pub fn check_value(value: &str) -> Result<(), HeaderProblem> {
    let is_visible = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let is_framed = value.starts_with(' ') || value.ends_with(' ');
    let fits = (1..=LONGEST_VALUE).contains(&value.len());
    if fits && is_visible && !is_framed { Ok(()) } else { Err(HeaderProblem::Value) }
}

/// Whether a header of this name, in lower case, is refused.
fn is_reserved(name: &str) -> bool {
    FRAMING.contains(&name)
        || RESERVED.contains(&name)
        || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_headers_cannot_pose_as_the_clients_own() {
        for name in [
            "Host",
            "content-LENGTH",
            "Content-Type",
            "content-digest",
            "Transfer-Encoding",
            "Connection",
            "Metadata-Flavor",
            "Webhook-Signature",
            "X-Forwarded-For",
            "webhook-anything",
            "X-Gatepost-Method",
            "Proxy-Authorization",
            "TE",
        ] {
            let refused = HeaderProblem::Reserved(name.to_ascii_lowercase());
            assert_eq!(checked_name(name), Err(refused), "{name}");
        }
        for name in ["Authorization", "X-Webhook-Secret", "X-Api-Key", "Accept", "x_token"] {
            assert_eq!(checked_name(name), Ok(name.to_ascii_lowercase()));
        }
    }

    #[test]
    fn names_and_values_cannot_begin_another_header() {
        for name in ["", "x y", "x:y", "x\r\nhost", "x\0", "ä", " x", "x ", &"x".repeat(65)] {
            assert_eq!(checked_name(name), Err(HeaderProblem::Name), "{name:?}");
        }
        for value in [
            "",
            " ",
            "a\r\nHost: b",
            "a\nb",
            "a\rb",
            "a\tb",
            "a\0",
            "ä",
            " a",
            "a ",
            "a\u{7f}",
            &"a".repeat(2049),
        ] {
            assert_eq!(check_value(value), Err(HeaderProblem::Value), "{value:?}");
        }
        for value in ["Bearer abc.def", "a", "~!@#$%^&*()\"'\\,;:", &"a".repeat(2048)] {
            assert_eq!(check_value(value), Ok(()));
        }
    }
}
