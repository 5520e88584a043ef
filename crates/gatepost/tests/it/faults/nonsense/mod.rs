//! Requests that no sane caller sends, repeatable from a seed.

mod bodies;
mod filters;
pub(super) mod garbage;
mod headers;
mod paths;
mod token;
mod verbs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatepost_model::{Random, SeededRandom};

/// What the nonsense is built around: a client that exists and may call.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) client_id: String,
    pub(super) secret: String,
    pub(super) token: String,
    pub(super) workspace: String,
    pub(super) record: String,
}

/// A request, not necessarily one that HTTP allows.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) verb: Vec<u8>,
    pub(super) target: Vec<u8>,
    pub(super) headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

/// Makes one request of a kind.
pub(super) type Kind = fn(&mut Dice, &Known) -> Request;

/// Every kind of nonsense, by name.
pub(super) const KINDS: [(&str, Kind); 6] = [
    ("token form", token::request),
    ("headers", headers::request),
    ("paths", paths::request),
    ("filters", filters::request),
    ("bodies", bodies::request),
    ("verbs", verbs::request),
];

impl Request {
    /// A request of the client, as it should be.
    fn of(known: &Known, verb: &str, target: impl Into<Vec<u8>>) -> Self {
        Self { verb: verb.into(), target: target.into(), headers: Vec::new(), body: Vec::new() }
            .header("authorization", format!("Bearer {}", known.token))
            .header("business", known.workspace.as_str())
    }

    /// A request of nobody.
    fn anonymous(verb: &str, target: impl Into<Vec<u8>>) -> Self {
        Self { verb: verb.into(), target: target.into(), headers: Vec::new(), body: Vec::new() }
    }

    fn header(mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The bytes that are sent.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes =
            [&self.verb[..], b" ", &self.target, b" HTTP/1.1\r\nhost: gatepost.test\r\n"].concat();
        for (name, value) in &self.headers {
            bytes.extend([&name[..], b": ", value, b"\r\n"].concat());
        }
        bytes.extend(format!("content-length: {}\r\n\r\n", self.body.len()).bytes());
        bytes.extend(&self.body);
        bytes
    }

    /// Whether it is a request by RFC 9110 and 9112 and of a sane size. One that is not may be refused before anything
    /// of the product sees it: without a body, or by hanging up.
    pub(super) fn is_http(&self) -> bool {
        let token = |name: &[u8]| {
            !name.is_empty()
                && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
        };
        let target = self.target.starts_with(b"/")
            && self
                .target
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(byte));
        let field = |(name, value): &(Vec<u8>, Vec<u8>)| {
            token(name) && value.iter().all(|byte| matches!(byte, b'\t' | 0x20..=0x7e | 0x80..))
        };
        let size = self.target.len()
            + self.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>();
        token(&self.verb)
            && target
            && self.headers.iter().all(field)
            && self.headers.len() < 90
            && size < 60_000
    }

    /// Whether it goes to an OAuth endpoint, which has errors of its own form.
    pub(super) fn is_oauth(&self) -> bool {
        self.target.starts_with(b"/oauth/") || self.target.starts_with(b"/v1.11/oauth/")
    }
}

/// Chance, repeatable.
pub(super) struct Dice(SeededRandom);

impl Dice {
    /// Dice that fall the same way for the same seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(SeededRandom::new(seed))
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.0.next_u64() % u64::try_from(end).unwrap()).unwrap()
    }

    /// True once in `times`.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Bytes of every value.
    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let mut bytes = vec![0; self.below(most + 1)];
        self.0.fill(&mut bytes);
        bytes
    }

    /// Characters that parsers stumble over.
    fn text(&mut self, most: usize) -> String {
        const ODD: [&str; 24] = [
            "a",
            "Z",
            "0",
            " ",
            "\t",
            "%",
            "%00",
            "%zz",
            "%C3%28",
            "&",
            "=",
            "+",
            ";",
            "\"",
            "'",
            "\\",
            "{",
            "}",
            "$",
            "ä",
            "\u{202e}",
            "\u{1f600}",
            "\u{0}",
            "..",
        ];
        (0..self.below(most + 1)).map(|_| self.pick(&ODD)).collect()
    }

    /// Text in the characters of an address.
    fn encoded(&mut self, most: usize) -> String {
        percent(&self.bytes(most))
    }

    /// An IPv4 address.
    fn address(&mut self) -> String {
        format!("{}.{}.{}.{}", 1 + self.below(223), self.below(256), self.below(256), self.below(256))
    }

    /// The text with a piece of it changed, doubled, cut out or cut off.
    fn damage(&mut self, text: &[u8]) -> Vec<u8> {
        let mut damaged = text.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(damaged.len() + 1);
            match self.below(5) {
                0 => damaged.truncate(at),
                1 => damaged.splice(at..at, self.bytes(4)).for_each(drop),
                2 => damaged.splice(at..at, self.text(3).into_bytes()).for_each(drop),
                3 if at < damaged.len() => damaged[at] ^= 1 << self.below(8),
                _ => damaged.extend_from_within(..at.min(64)),
            }
        }
        damaged
    }
}

/// Everything but letters and digits percent-encoded.
fn percent(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        if byte.is_ascii_alphanumeric() {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// The value of a `Basic` header.
fn basic(credentials: &[u8]) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}
