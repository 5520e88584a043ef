//! The `q` parameter: JSON that is none, and filters that are none.

use super::{Dice, Known, Request, percent};

const FIELDS: [&str; 14] = [
    "_id",
    "title",
    "status",
    "createdAt",
    "a.b.c",
    "customFields",
    "assignedTo",
    "",
    "$or",
    "a..b",
    ".",
    "\\u0000",
    "isTemplate",
    "index",
];

const OPERATORS: [&str; 22] = [
    "$or",
    "$and",
    "$nor",
    "$not",
    "$regex",
    "$options",
    "$gte",
    "$gt",
    "$lte",
    "$lt",
    "$ne",
    "$in",
    "$nin",
    "$elemMatch",
    "$size",
    "$exists",
    "$where",
    "$expr",
    "$",
    "$$",
    "$function",
    "$text",
];

const VALUES: [&str; 26] = [
    "null",
    "true",
    "0",
    "-1",
    "1e400",
    "-0.0",
    "99999999999999999999999999",
    "\"\"",
    "\"text\"",
    "\"2026-01-01\"",
    "\"9999-99-99T99:99:99.999Z\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"(\"",
    "\"(a+)+$\"",
    "\"[\"",
    "\"*\"",
    "\"a{1000000}\"",
    "\"(((((((((((x{9}){9}){9}){9}){9}){9}){9}){9}){9}){9})\"",
    "\"\\\\pL+\"",
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "[{}]",
    "{\"a\":1}",
];

pub(super) fn request(dice: &mut Dice, known: &Known) -> Request {
    let filter = match dice.below(10) {
        0 => dice.text(40),
        1 => nested(dice),
        2 => format!(
            "{{\"{}\":{{\"$in\":[{}]}}}}",
            dice.pick(&FIELDS),
            vec!["\"x\""; dice.below(3_000)].join(",")
        ),
        3 => String::from_utf8_lossy(&dice.bytes(60)).into_owned(),
        4 => format!("{{\"title\":{{\"$regex\":\"{}\"}}}}", "(a|b)*".repeat(dice.below(300))),
        5 => {
            let filter = filter(dice, 0);
            String::from_utf8_lossy(&dice.damage(filter.as_bytes())).into_owned()
        }
        _ => filter(dice, 0),
    };
    let mut target = format!(
        "/v1.11/{}?q={}",
        dice.pick(&["tasks", "people", "comments", "invoices"]),
        percent(filter.as_bytes())
    );
    if dice.once_in(10) {
        target.push_str("&q=%7B%7D");
    }
    if dice.once_in(10) {
        target.push_str("&title=%FF&limit=-5&skip=x");
    }
    Request::of(known, "GET", target)
}

/// A filter that is JSON, but seldom one that means anything.
fn filter(dice: &mut Dice, depth: usize) -> String {
    let members = (0..dice.below(4)).map(|_| {
        let name = if dice.once_in(2) { dice.pick(&FIELDS) } else { dice.pick(&OPERATORS) };
        format!("\"{name}\":{}", value(dice, depth))
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn value(dice: &mut Dice, depth: usize) -> String {
    match dice.below(4) {
        0 if depth < 6 => filter(dice, depth + 1),
        1 if depth < 6 => {
            let items: Vec<String> = (0..dice.below(4)).map(|_| value(dice, depth + 1)).collect();
            format!("[{}]", items.join(","))
        }
        _ => dice.pick(&VALUES).to_owned(),
    }
}

fn nested(dice: &mut Dice) -> String {
    let depth = 1 + dice.below(1_200);
    let (open, close) = dice.pick(&[
        ("{\"$or\":[", "]}"),
        ("{\"$and\":[", "]}"),
        ("{\"a\":", "}"),
        ("[", "]"),
        ("{\"a\":{\"$elemMatch\":", "}}"),
        ("{\"$not\":", "}"),
    ]);
    let inner = dice.pick(&["{}", "1", "{\"a\":1}"]);
    let closed = if dice.once_in(4) { depth / 2 } else { depth };
    format!("{}{inner}{}", open.repeat(depth), close.repeat(closed))
}
