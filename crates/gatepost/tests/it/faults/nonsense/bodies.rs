//! JSON bodies.

use super::{Dice, Known, Request};

const PLACES: [(&str, &str); 12] = [
    ("POST", "/v1.11/tasks"),
    ("POST", "/v1.11/people"),
    ("POST", "/v1.11/invoices"),
    ("PUT", "/v1.11/tasks"),
    ("PUT", "/v1.11/tasks/bulk"),
    ("DELETE", "/v1.11/tasks"),
    ("DELETE", "/v1.11/tasks/bulk"),
    ("POST", "/v1.11/tasks/archive"),
    ("POST", "/v1.11/tasks/bulk/archive"),
    ("POST", "/v1.11/comments"),
    ("POST", "/v1.11/tasks/move"),
    ("GET", "/v1.11/tasks"),
];

const VALUES: [&str; 30] = [
    "null",
    "true",
    "1",
    "-1",
    "1e308",
    "1e309",
    "-1e999",
    "0.1e-400",
    "123456789012345678901234567890",
    "\"\"",
    "\"x\"",
    "[]",
    "{}",
    "[[[]]]",
    "[null]",
    "[1,\"a\",{}]",
    "{\"_id\":null}",
    "[{\"_id\":1}]",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"\\udc00\\ud800\"",
    "\"2026-02-30\"",
    "\"9999999-01-01T00:00:00Z\"",
    "{\"$gt\":\"\"}",
    "{\"__proto__\":{}}",
    "\"<script>\"",
    "NaN",
    "Infinity",
    "'x'",
    "01",
];

const NAMES: [&str; 22] = [
    "_id",
    "_ids",
    "title",
    "title",
    "status",
    "isArchived",
    "isTemplate",
    "createdAt",
    "updatedAt",
    "createdBy",
    "customFields",
    "assignedTo",
    "contactEmails",
    "dueDate",
    "index",
    "",
    "$set",
    "a.b",
    "__proto__",
    "\\u0000",
    "businessId",
    "entityType",
];

pub(super) fn request(dice: &mut Dice, known: &Known) -> Request {
    let (verb, target) = dice.pick(&PLACES);
    let kind = dice.pick(&[
        "application/json",
        "application/json",
        "text/plain",
        "",
        "application/json; charset=latin1",
    ]);
    let body = body(dice, known);
    Request::of(known, verb, target).header("content-type", kind).body(body)
}

fn body(dice: &mut Dice, known: &Known) -> Vec<u8> {
    match dice.below(12) {
        0 => dice.bytes(300),
        1 => dice.pick(&VALUES).into(),
        2 => deep(dice).into(),
        3 => {
            let object = object(dice, known);
            dice.damage(object.as_bytes())
        }
        4 => [b"{\"title\":\"", &dice.bytes(20)[..], b"\"}"].concat(),
        5 => format!("{{\"_ids\":[{}]}}", vec![format!("\"{}\"", known.record); dice.below(400)].join(","))
            .into(),
        6 => format!("{{\"_ids\":{},\"title\":1}}", dice.pick(&VALUES)).into(),
        7 => format!("{{\"title\":{0},\"title\":{0}}}", dice.pick(&VALUES)).into(),
        8 if dice.once_in(20) => {
            format!("{{\"title\":\"{}\"}}", "x".repeat(900_000 + dice.below(300_000))).into()
        }
        9 => format!(
            "{{{}}}",
            (0..dice.below(1_500)).map(|n| format!("\"k{n}\":{n}")).collect::<Vec<_>>().join(",")
        )
        .into(),
        10 => [&b"\xef\xbb\xbf"[..], object(dice, known).as_bytes()].concat(),
        _ => object(dice, known).into(),
    }
}

fn object(dice: &mut Dice, known: &Known) -> String {
    let members = (0..dice.below(6)).map(|_| {
        let value = match dice.below(6) {
            0 => format!("\"{}\"", known.record),
            1 => format!("\"{}\"", "v".repeat(dice.below(2_000))),
            _ => dice.pick(&VALUES).to_owned(),
        };
        format!("\"{}\":{value}", dice.pick(&NAMES))
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn deep(dice: &mut Dice) -> String {
    let depth = 1 + dice.below(30_000);
    let (open, close) = dice.pick(&[("[", "]"), ("{\"a\":", "}"), ("{\"title\":[", "]}")]);
    match dice.below(3) {
        0 => open.repeat(depth),
        1 => format!("{{\"customFields\":{}1{}}}", open.repeat(depth), close.repeat(depth)),
        _ => format!("{}1{}", open.repeat(depth), close.repeat(depth)),
    }
}
