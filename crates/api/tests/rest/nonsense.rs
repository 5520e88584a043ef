//! Requests that make no sense: whatever is sent, the answer is a refusal that can be read, never a failure.

use gatepost_model::{Random, SeededRandom};
use http::Uri;

use crate::support::Server;

const METHODS: [&str; 7] = ["GET", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"];
const SEGMENTS: [&str; 16] = [
    "v1",
    "v1.11",
    "v9",
    "v",
    "tasks",
    "comments",
    "files",
    "archive",
    "trash-bin",
    "bulk",
    "businesses",
    "",
    "..",
    "%00",
    "%E4%B8",
    "RJHY2yXiYTLebwFGS",
];
const PIECES: [&str; 40] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "\u{0}",
    "é",
    "\u{1f980}",
    "null",
    "true",
    "1e999",
    "-0",
    "\"a\"",
    "\"_id\"",
    "\"_ids\"",
    "\"$or\"",
    "\"$in\"",
    "\"$regex\"",
    "\"((((\"",
    "\"$elemMatch\"",
    "\"$not\"",
    "{\"a\":",
    "[[[[[[[[",
    "\\ud800",
    "q=",
    "_id=",
    "_ids=",
    "limit=",
    "skip=",
    "sort=",
    "&",
    "=",
    "-1",
    "99999999999999999999",
    "isArchived=",
    "%7B",
    "%ff",
];

struct Dice(SeededRandom);

impl Dice {
    fn below(&self, bound: usize) -> usize {
        usize::try_from(self.0.next_u64() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn some_of(&self, pieces: &[&str], most: usize, between: &str) -> String {
        let pieces: Vec<&str> = (0..self.below(most + 1)).map(|_| pieces[self.below(pieces.len())]).collect();
        pieces.join(between)
    }
}

/// What may not stand in an address as it is.
fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'<' | b'>' | b'?');
    let encode = |byte: u8| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}

#[tokio::test]
async fn nonsense_is_refused_and_never_a_failure() {
    let server = Server::with_rate_limit(Some(1_000_000)).await;
    let dice = Dice(SeededRandom::new(11));
    let mut sent = 0;
    for _ in 0..4_000 {
        let path = dice.some_of(&SEGMENTS, 4, "/");
        let query = encoded(&dice.some_of(&PIECES, 8, ""));
        let target = format!("/{path}?{query}");
        if target.parse::<Uri>().is_err() {
            continue;
        }
        sent += 1;
        let method = METHODS[dice.below(METHODS.len())];
        let body = dice.some_of(&PIECES, 12, "");
        let answer = server.call(method, &target, body.clone()).await;
        let status = answer.status.as_u16();
        assert!(
            matches!(status, 200 | 400 | 403 | 404),
            "{method} {target} {body}: {status} {}",
            answer.text
        );
        if status != 200 && method != "HEAD" {
            answer.refused(status);
        }
    }
    assert!(sent > 3_000, "most requests have to get as far as the handler: {sent}");
}
