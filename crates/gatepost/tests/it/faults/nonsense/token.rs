//! Token requests: forms, content types, `Basic` headers.

use super::{Dice, Known, Request, basic, percent};

const PLACES: [&str; 8] = [
    "/oauth/token",
    "/oauth/token",
    "/oauth/token/",
    "/v1.11/oauth/token",
    "/oauth/revoke",
    "/oauth/introspect",
    "/oauth/tokens",
    "/oauth/token/more",
];

const TYPES: [&str; 12] = [
    "application/json",
    "text/plain",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded, application/json",
    "application/x-www-form-urlencodedx",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application / x-www-form-urlencoded",
    "",
    ";",
    "\u{e4}/\u{f6}",
    "*/*",
    "application/x-www-form-urlencoded;;;;=",
];

const NAMES: [&str; 8] = [
    "grant_type",
    "client_id",
    "client_secret",
    "scope",
    "token",
    "token_type_hint",
    "client_assertion",
    "%67rant_type",
];

pub(super) fn request(dice: &mut Dice, known: &Known) -> Request {
    let mut target = dice.pick(&PLACES).to_owned();
    if dice.once_in(8) {
        target.push_str(dice.pick(&[
            "?client_id=x",
            "?client_secret=x",
            "?token=",
            "?%00",
            "?access_token=x",
            "??",
            "?a=b",
        ]));
    }
    let kind = if dice.once_in(4) { dice.pick(&TYPES) } else { "application/x-www-form-urlencoded" };
    // From somewhere else each time, or the limit on failed attempts would answer for everything.
    let mut request = Request::anonymous("POST", target).header("x-forwarded-for", dice.address());
    if !dice.once_in(16) {
        request = request.header("content-type", kind);
    }
    if dice.once_in(3) {
        request = request.header("authorization", authorization(dice, known));
        if dice.once_in(8) {
            request = request.header("authorization", authorization(dice, known));
        }
    }
    let body = form(dice, known);
    request.body(body)
}

fn authorization(dice: &mut Dice, known: &Known) -> Vec<u8> {
    let right = format!("{}:{}", known.client_id, known.secret);
    match dice.below(7) {
        0 => basic(&dice.damage(right.as_bytes())).into(),
        1 => basic(&dice.bytes(60)).into(),
        2 => dice.damage(basic(right.as_bytes()).as_bytes()),
        3 => format!("Bearer {}", known.token).into(),
        4 => basic(format!("{}:", known.client_id).as_bytes()).into(),
        5 => basic(&vec![b'a'; 1 + dice.below(8_000)]).into(),
        _ => dice.pick(&["Basic", "Basic ", "basic :", "Basic =", "Basic ====", "Digest x", "\u{ff}"]).into(),
    }
}

fn form(dice: &mut Dice, known: &Known) -> Vec<u8> {
    match dice.below(8) {
        0 => dice.bytes(400),
        1 => dice.text(60).into(),
        2 => vec![b'a'; 15_000 + dice.below(3_000)],
        3 => json(dice, known),
        4 => dice.damage(right(known).as_bytes()),
        5 => format!("{0}&{0}", right(known)).into(),
        _ => pairs(dice, known).into(),
    }
}

fn right(known: &Known) -> String {
    format!("grant_type=client_credentials&client_id={}&client_secret={}", known.client_id, known.secret)
}

fn json(dice: &mut Dice, known: &Known) -> Vec<u8> {
    let text = format!(
        "{{\"grant_type\":\"client_credentials\",\"client_id\":\"{}\",\"client_secret\":\"{}\"}}",
        known.client_id, known.secret
    );
    dice.damage(text.as_bytes())
}

fn pairs(dice: &mut Dice, known: &Known) -> String {
    let pairs = (0..1 + dice.below(8)).map(|_| {
        let name = dice.pick(&NAMES);
        let value = match dice.below(8) {
            0 => String::new(),
            1 => known.client_id.clone(),
            2 => known.secret.clone(),
            3 => String::from("client_credentials"),
            4 => dice
                .pick(&["password", "authorization_code", "refresh_token", "CLIENT_CREDENTIALS", "%FF%FE"])
                .into(),
            5 => "s".repeat(dice.below(5_000)),
            6 => percent(&dice.bytes(30)),
            _ => dice.text(10),
        };
        format!("{name}={value}")
    });
    pairs.collect::<Vec<_>>().join("&")
}
