//! Cookies: the session, the theme, the flash.

use gatepost_core::Gatepost;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::BASE;

/// A header that sets a cookie.
pub(crate) type SetCookie = (HeaderName, HeaderValue);

/// The value of a cookie.
pub(crate) fn read<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    pairs
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// Whether the pages are served over https. Browsers keep `__Host-` cookies only then; without it Gatepost runs on the
/// machine itself, for a first try.
pub(crate) fn is_secure(gatepost: &Gatepost) -> bool {
    gatepost.settings().public_url.starts_with("https://")
}

/// What the browser holds of its session.
pub(crate) fn session<'h>(gatepost: &Gatepost, headers: &'h HeaderMap) -> Option<&'h str> {
    read(headers, session_name(gatepost)).filter(|value| !value.is_empty())
}

/// Gives the browser a session to hold until it is closed. Script cannot read it, and other sites cannot send it along
/// with a form (security.md S6).
pub(crate) fn set_session(gatepost: &Gatepost, token: &str) -> SetCookie {
    set(&format!("{}={token}; Path=/; HttpOnly; SameSite=Lax{}", session_name(gatepost), secure(gatepost)))
}

/// Takes the session away.
pub(crate) fn clear_session(gatepost: &Gatepost) -> SetCookie {
    let name = session_name(gatepost);
    set(&format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{}", secure(gatepost)))
}

/// Keeps a word for the pages: the theme for a year, the flash for a minute.
pub(crate) fn set_word(gatepost: &Gatepost, name: &str, word: &str, seconds: u32) -> SetCookie {
    let secure = secure(gatepost);
    set(&format!("{name}={word}; Path={BASE}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"))
}

const fn name_of(secure: bool) -> &'static str {
    if secure { "__Host-gatepost" } else { "gatepost" }
}

fn session_name(gatepost: &Gatepost) -> &'static str {
    name_of(is_secure(gatepost))
}

fn secure(gatepost: &Gatepost) -> &'static str {
    if is_secure(gatepost) { "; Secure" } else { "" }
}

fn set(text: &str) -> SetCookie {
    let value = HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    (header::SET_COOKIE, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; gatepost=x=y"));
        headers.append(header::COOKIE, HeaderValue::from_static("theme=dark"));
        assert_eq!(read(&headers, "gatepost"), Some("x=y"));
        assert_eq!(read(&headers, "theme"), Some("dark"));
        assert_eq!(read(&headers, "gate"), None);
    }
}
