//! Where to go after signing in: to a page of ours and nowhere else.

use url::form_urlencoded;

use crate::BASE;

/// The path, if it is one of our pages. What begins with [`BASE`] cannot name another host.
pub(crate) fn safe(path: &str) -> &str {
    let rest = path.strip_prefix(BASE);
    let ours = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let loops = rest.is_some_and(|rest| rest.starts_with("/sign-"));
    if ours && !loops { path } else { BASE }
}

/// The sign-in page that leads back to `path`.
pub(crate) fn sign_in(path: &str) -> String {
    by_way_of("sign-in", path)
}

/// The page for the second factor that leads back to `path`.
pub(crate) fn second_step(path: &str) -> String {
    by_way_of("second-step", path)
}

fn by_way_of(page: &str, path: &str) -> String {
    match safe(path) {
        BASE => format!("{BASE}/{page}"),
        path => {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("return", path).finish();
            format!("{BASE}/{page}?{query}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_pages_are_returned_to() {
        for good in
            ["/settings/api-manager", "/settings/api-manager/clients/cli_x?a=b", "/settings/api-manager?q=x"]
        {
            assert_eq!(safe(good), good);
        }
        for bad in [
            "",
            "/",
            "//evil.example",
            "https://evil.example/settings/api-manager",
            "/settings/api-manager.evil.example",
            "/settings/api-managers",
            "/settings/api-manager/\\evil",
            "/settings/api-manager/\r\nSet-Cookie: x",
            "/settings/api-manager/sign-in",
            "/settings/api-manager/sign-out",
        ] {
            assert_eq!(safe(bad), BASE, "{bad}");
        }
        assert_eq!(
            sign_in("/settings/api-manager/audit?a=b"),
            "/settings/api-manager/sign-in?return=%2Fsettings%2Fapi-manager%2Faudit%3Fa%3Db"
        );
    }
}
