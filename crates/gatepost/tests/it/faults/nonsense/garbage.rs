//! Bytes that are no HTTP, or HTTP that contradicts itself.

use super::Dice;

const STARTS: [&str; 14] = [
    "GET /v1.11/tasks HTTP/1.1\r\n",
    "POST /v1.11/tasks HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    "POST /v1.11/tasks HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "POST /v1.11/tasks HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    "POST /v1.11/tasks HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, chunked, gzip\r\n\r\n5\r\nhello\r\n",
    "POST /v1.11/tasks HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    "POST /v1.11/tasks HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n",
    "GET /v1.11/tasks\r\n\r\n",
    "GET /v1.11/tasks HTTP/9.9\r\n\r\n",
    "GET\t/v1.11/tasks\tHTTP/1.1\r\nhost : x\r\n folded: y\r\n\r\n",
    "\r\n\r\n\r\nGET / HTTP/1.1\n\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}",
    "SSH-2.0-OpenSSH_9.9\r\n",
];

/// What a caller throws at the server.
pub(in super::super) fn bytes(dice: &mut Dice) -> Vec<u8> {
    let start = dice.pick(&STARTS).as_bytes();
    match dice.below(6) {
        0 => dice.bytes(2_000),
        1 => dice.damage(start),
        2 => [start, &dice.bytes(500)].concat(),
        3 => flood(dice),
        4 => start.repeat(1 + dice.below(200)),
        _ => frames(dice),
    }
}

/// More headers, or longer ones, than anybody needs.
fn flood(dice: &mut Dice) -> Vec<u8> {
    let (count, length) = dice.pick(&[(20_000, 4), (3, 200_000), (101, 10), (1_000, 300)]);
    let line = format!("x-{}: {}\r\n", dice.below(10), "h".repeat(length));
    format!("GET /v1.11/tasks HTTP/1.1\r\n{}\r\n", line.repeat(count)).into_bytes()
}

/// HTTP/2 frames that mean nothing.
fn frames(dice: &mut Dice) -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    for _ in 0..dice.below(60) {
        let payload = dice.bytes(40);
        bytes.extend([0, 0, u8::try_from(payload.len()).unwrap_or(0)]);
        bytes.extend([u8::try_from(dice.below(12)).unwrap_or(0), u8::try_from(dice.below(64)).unwrap_or(0)]);
        bytes.extend([0, 0, 0, u8::try_from(dice.below(8)).unwrap_or(0)]);
        bytes.extend(payload);
    }
    bytes
}
