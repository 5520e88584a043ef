//! Small parts of pages that stand in many of them.

use std::fmt;

use askama::Template;

/// A word with a shape and a tone, never a colour alone. Words and tones are our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chip {
    pub(crate) tone: Tone,
    pub(crate) word: &'static str,
    /// Without a filled ground: for good news, and in rows that have a filled one already.
    pub(crate) plain: bool,
}

/// What a word is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Ok,
    Warn,
    Bad,
    Off,
    Revoked,
}

impl Tone {
    /// As it stands in `data-tone`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Off | Self::Revoked => "off",
        }
    }

    const fn shape(self) -> &'static str {
        match self {
            Self::Ok => "<circle cx=\"5\" cy=\"5\" r=\"4\"/>",
            Self::Warn => "<path d=\"M5 .8 9.6 9H.4z\"/>",
            Self::Bad => "<rect x=\"1\" y=\"1\" width=\"8\" height=\"8\" rx=\"1\"/>",
            Self::Off => {
                "<path fill-rule=\"evenodd\" d=\"M5 1a4 4 0 1 0 0 8 4 4 0 0 0 0-8m0 1.7a2.3 2.3 0 1 1 0 4.6 2.3 2.3 0 0 1 0-4.6\"/>"
            }
            Self::Revoked => {
                "<path d=\"M1.8.6 5 3.8 8.2.6l1.2 1.2L6.2 5l3.2 3.2-1.2 1.2L5 6.2 1.8 9.4.6 8.2 3.8 5 .6 1.8z\"/>"
            }
        }
    }
}

/// A chip with a filled ground.
pub(crate) const fn chip(tone: Tone, word: &'static str) -> Chip {
    Chip { tone, word, plain: false }
}

/// A chip without one.
pub(crate) const fn plain_chip(tone: Tone, word: &'static str) -> Chip {
    Chip { tone, word, plain: true }
}

impl fmt::Display for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tone, shape, word) = (self.tone.name(), self.tone.shape(), self.word);
        let plain = if self.plain { " data-plain" } else { "" };
        write!(
            f,
            "<span class=\"chip\" data-tone=\"{tone}\"{plain}><svg viewBox=\"0 0 10 10\" aria-hidden=\"true\">{shape}</svg>{word}</span>"
        )
    }
}

impl askama::filters::HtmlSafe for Chip {}

/// A value that can be copied.
#[derive(Template)]
#[template(path = "parts/copy.html")]
pub(crate) struct Copy<'a> {
    value: &'a str,
    label: &'a str,
    boxed: bool,
}

/// A value in a line of text.
pub(crate) const fn copy<'a>(value: &'a str, label: &'a str) -> Copy<'a> {
    Copy { value, label, boxed: false }
}

/// A value in a box of its own.
pub(crate) const fn copy_box<'a>(value: &'a str, label: &'a str) -> Copy<'a> {
    Copy { value, label, boxed: true }
}

/// Token and first call, filled in for a client.
#[derive(Template)]
#[template(path = "parts/first_call.html")]
pub(crate) struct FirstCall<'a> {
    pub(crate) public_url: &'a str,
    pub(crate) client_id: &'a str,
    /// The secret, where it is shown anyway.
    pub(crate) secret: Option<&'a str>,
    pub(crate) workspace: &'a str,
    pub(crate) version: &'a str,
    pub(crate) lifetime: String,
}
