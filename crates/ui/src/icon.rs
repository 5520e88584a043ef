//! Icons: 16 px, one path each, for eyes only. They stand beside text, or inside something that has a label.

use std::fmt;

/// A path on a field of 16 by 16.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Icon(&'static str);

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(path) = self;
        write!(f, "<svg class=\"icon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"{path}\"/></svg>")
    }
}

/// Paths are written here and nowhere else.
impl askama::filters::HtmlSafe for Icon {}

pub(crate) const CLIENTS: Icon = Icon(
    "M5 10.5V4m6 8V5.5M5 4a1.5 1.5 0 1 0 0-.01M11 12a1.5 1.5 0 1 1 0 .01M5 10.5a1.5 1.5 0 1 0 0 .01M11 5.5a1.5 1.5 0 1 0 0-.01",
);
pub(crate) const WORKSPACES: Icon =
    Icon("M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z");
pub(crate) const SEND: Icon = Icon("M14 2 7 9M14 2 9.5 14 7 9 2 6.5z");
pub(crate) const REQUESTS: Icon = Icon("M2.5 5.5h9.5m-3-3 3 3-3 3M13.5 11.5H4m2.5 2.5-2.5-2.5L6.5 9");
pub(crate) const HELP: Icon =
    Icon("M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M6.3 6.3a1.8 1.8 0 1 1 2.5 1.7c-.6.3-.8.6-.8 1.2M8 11.2h.01");
pub(crate) const AUDIT: Icon = Icon("M4 2.5h8v11H4zM6.5 5.5h3M6.5 8h3M6.5 10.5h1.5");
pub(crate) const PEOPLE: Icon = Icon(
    "M6 7.5a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6M1.8 13.2c.3-2.3 2-3.6 4.2-3.6s3.9 1.3 4.2 3.6M10.6 7.3a2 2 0 1 0-.4-3.9M11.8 9.7c1.4.4 2.2 1.6 2.4 3.3",
);
pub(crate) const KEY: Icon = Icon("M9.5 9.5a3.5 3.5 0 1 0-3-3L2 11v3h3v-2h2v-2zM11 5h.01");
pub(crate) const BOOK: Icon = Icon(
    "M8 4c-1.3-1-3.2-1.3-5.5-1.3v9.6C4.8 12.3 6.7 12.6 8 13.6c1.3-1 3.2-1.3 5.5-1.3V2.7C11.2 2.7 9.3 3 8 4zM8 4v9.6",
);
pub(crate) const OUT: Icon = Icon("M9 2.5h4.5V7M13.5 2.5 7.5 8.5M11.5 9.5v4h-9v-9h4");
pub(crate) const MOON: Icon = Icon("M13.5 9.5A5.8 5.8 0 0 1 6.5 2.5a5.8 5.8 0 1 0 7 7");
pub(crate) const PLUS: Icon = Icon("M8 3v10M3 8h10");
pub(crate) const SEARCH: Icon = Icon("M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9m3.3-1.2L14 14");
pub(crate) const DOWN: Icon = Icon("m3.5 6 4.5 4.5L12.5 6");
pub(crate) const UP: Icon = Icon("m3.5 10.5L8 6l4.5 4.5");
pub(crate) const LEFT: Icon = Icon("m10 3.5L5.5 8l4.5 4.5");
pub(crate) const RIGHT: Icon = Icon("m6 3.5 4.5 4.5L6 12.5");
pub(crate) const COPY: Icon = Icon(
    "M5.5 5.5V3A.5.5 0 0 1 6 2.5h7a.5.5 0 0 1 .5.5v7a.5.5 0 0 1-.5.5h-2.5M3 5.5h7a.5.5 0 0 1 .5.5v7a.5.5 0 0 1-.5.5H3a.5.5 0 0 1-.5-.5V6a.5.5 0 0 1 .5-.5",
);
pub(crate) const ALERT: Icon = Icon("M8 2.5 14.2 13.2H1.8zM8 6.5v3.2M8 11.5h.01");
pub(crate) const LOCK: Icon = Icon("M4 7.5h8v6H4zM5.5 7.5V5.2a2.5 2.5 0 0 1 5 0v2.3");
pub(crate) const ROTATE: Icon = Icon("M13.5 8a5.5 5.5 0 1 1-1.7-4M13.5 2v3h-3");
pub(crate) const EYE: Icon =
    Icon("M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4");
pub(crate) const CROSS: Icon = Icon("m4 4 8 8m0-8-8 8");
pub(crate) const TICK: Icon = Icon("m3.5 8.5 3 3 6-7");
pub(crate) const CLOCK: Icon = Icon("M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M8 4.8V8l2.2 1.5");
pub(crate) const INFO: Icon = Icon("M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M8 7.3v3.7M8 5h.01");
