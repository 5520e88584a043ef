//! HTTP methods that exist, that do not, and that cannot.

use super::{Dice, Known, Request};

pub(super) fn request(dice: &mut Dice, known: &Known) -> Request {
    let target = dice.pick(&[
        "/v1.11/tasks",
        "/tasks",
        "/oauth/token",
        "/oauth/revoke",
        "/oauth/introspect",
        "/healthz",
        "/readyz",
        "/",
        "*",
        "/.well-known/oauth-authorization-server",
        "/admin/v1/clients",
        "/metrics",
        "http://other.test/v1.11/tasks",
        "/v1.11/oauth/x",
    ]);
    let mut request = Request::of(known, "", target).header("content-type", "application/json");
    request.verb = match dice.below(4) {
        0 => dice
            .pick(&["TRACE", "CONNECT", "OPTIONS", "PATCH", "HEAD", "DELETE", "PUT", "PROPFIND", "LOCK"])
            .into(),
        1 => dice.pick(&["get", "Post", "GETT", "G-E-T", "!", "M-SEARCH", "QUERY", "_"]).into(),
        2 => dice.text(5).into_bytes(),
        _ => "V".repeat(1 + dice.below(300)).into_bytes(),
    };
    if dice.once_in(4) {
        let body = dice.bytes(200);
        request = request.body(body);
    }
    if dice.once_in(4) {
        request =
            request.header("access-control-request-method", dice.text(4)).header("origin", dice.text(4));
    }
    request
}
