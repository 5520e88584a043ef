//! Headers of every shape before the gate.

use super::{Dice, Known, Request};

pub(super) fn request(dice: &mut Dice, known: &Known) -> Request {
    let target = dice.pick(&["/v1.11/tasks", "/tasks", "/v1/people?limit=1", "/v1.11/tasks?access_token=x"]);
    let mut request = Request::anonymous("GET", target);
    for _ in 0..[1, 1, 1, 1, 2, 0][dice.below(6)] {
        request = request.header("authorization", authorization(dice, known));
    }
    for _ in 0..[1, 1, 1, 1, 2, 0][dice.below(6)] {
        request = request.header(dice.pick(&["business", "Business", "BUSINESS"]), business(dice, known));
    }
    match dice.below(8) {
        0 => request.header("x-forwarded-for", dice.damage(b"203.0.113.9, ::1, [::1]:80, unknown")),
        1 => request.header("x-request-id", dice.bytes(40)),
        2 => request.header(dice.text(4), dice.text(4)),
        3 => request.header("x-huge", vec![b'h'; dice.below(80_000)]),
        4 => (0..dice.below(140)).fold(request, |request, number| request.header(format!("x-{number}"), "v")),
        5 => request.header("expect", dice.pick(&["100-continue", "200-ok", "\u{ff}"])),
        6 => request.header(
            dice.pick(&["range", "if-match", "accept", "accept-encoding", "upgrade", "cookie", "te"]),
            dice.text(6),
        ),
        _ => request,
    }
}

fn authorization(dice: &mut Dice, known: &Known) -> Vec<u8> {
    let right = format!("Bearer {}", known.token);
    match dice.below(10) {
        0 => right.into(),
        1 => dice.damage(right.as_bytes()),
        2 => dice.bytes(80),
        3 => format!("Bearer {}", dice.text(30)).into(),
        4 => format!("Bearer gpt_{}", "A".repeat(dice.below(21_000))).into(),
        5 => format!("Bearer {0} {0}", known.token).into(),
        6 => format!("Bearer {0},Bearer {0}", known.token).into(),
        7 => format!("Token {}", known.token).into(),
        8 => format!("Bearer {}", known.secret).into(),
        _ => dice
            .pick(&[
                "",
                " ",
                "Bearer",
                "Bearer ",
                "bearer\t",
                ":  Bearer x",
                "Basic x",
                "Bearer \u{ff}",
                "Bearer gpt_",
            ])
            .into(),
    }
}

fn business(dice: &mut Dice, known: &Known) -> Vec<u8> {
    match dice.below(8) {
        0 => known.workspace.clone().into(),
        1 => dice.damage(known.workspace.as_bytes()),
        2 => dice.bytes(70),
        3 => dice.text(20).into(),
        4 => vec![b'w'; dice.below(9_000)],
        5 => known.workspace.to_uppercase().into(),
        6 => format!("{0},{0}", known.workspace).into(),
        _ => dice
            .pick(&[
                "",
                " ",
                "undefined",
                "null",
                "*",
                "../shop",
                "shop\u{0}",
                "<script>",
                "' or 1=1 --",
                "-",
                "xn--",
            ])
            .into(),
    }
}
