//! Paths, ids and query strings.

use super::{Dice, Known, Request, percent};

pub(super) fn request(dice: &mut Dice, known: &Known) -> Request {
    let verb = dice.pick(&["GET", "GET", "GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"]);
    let mut target = path(dice, known);
    if dice.once_in(3) {
        target.push(b'?');
        target.extend(query(dice, known));
    }
    Request::of(known, verb, target)
}

fn path(dice: &mut Dice, known: &Known) -> Vec<u8> {
    let version = dice.pick(&[
        "/v1.11",
        "/v1.11",
        "",
        "/v1",
        "/v2",
        "/v1.12",
        "/v999999999999999999999",
        "/v1.11.1",
        "/v",
        "/V1.11",
    ]);
    let collection =
        dice.pick(&["tasks", "people", "tasks", "wikis", "Tasks", "task%73", "", "trash-bin", "businesses"]);
    let below = match dice.below(9) {
        0 => dice.encoded(30),
        1 => known.record.clone(),
        2 => String::from_utf8_lossy(&dice.damage(known.record.as_bytes())).into_owned(),
        3 => dice
            .pick(&[
                "..",
                ".",
                "../..",
                "%2e%2e%2f%2e%2e",
                "%2F",
                "%00",
                "%",
                "%4",
                "%ff%fe",
                "bulk",
                "archive",
                "bulk/archive",
                "\u{0}",
                "\u{e4}",
                "a/b/c",
                "//",
                "*",
                "~",
                "@",
                "[",
                "|",
                "\\",
                "^",
                "#x",
                "<x>",
            ])
            .to_owned(),
        4 => "x".repeat(dice.below(20_000)),
        5 => dice.text(8),
        6 => "../".repeat(dice.below(40)) + "etc/passwd",
        7 => percent("\u{202e}\u{1f600}".as_bytes()),
        _ => return [version.as_bytes(), b"/", collection.as_bytes()].concat(),
    };
    let path = format!("{version}/{collection}/{below}").into_bytes();
    if dice.once_in(8) { dice.damage(&path) } else { path }
}

fn query(dice: &mut Dice, known: &Known) -> Vec<u8> {
    let pairs = (0..1 + dice.below(6)).map(|_| {
        let name = dice.pick(&[
            "limit",
            "skip",
            "sort",
            "order",
            "_id",
            "_ids",
            "title",
            "q",
            "isArchived",
            "a.b.c.d",
            "..",
            "",
            "customFields",
            "$where",
            "%00",
            "status[]",
        ]);
        let value = match dice.below(8) {
            0 => dice.encoded(20),
            1 => dice
                .pick(&[
                    "-1",
                    "1e9",
                    "99999999999999999999",
                    "0x10",
                    "NaN",
                    "null",
                    "true",
                    "",
                    "1.5",
                    "%2B1",
                    "٣",
                ])
                .into(),
            2 => known.record.clone(),
            3 => [known.record.as_str(); 120].join(","),
            4 => dice
                .pick(&["-createdAt", "createdAt_desc", "{\"a\":1}", "--", "_asc", "[", "a.b,-c", "$natural"])
                .into(),
            5 => "9".repeat(dice.below(2_000)),
            6 => dice.text(8),
            _ => percent(&vec![b'['; dice.below(400)]),
        };
        format!("{name}={value}")
    });
    pairs.collect::<Vec<_>>().join("&").into_bytes()
}
