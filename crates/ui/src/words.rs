//! Times and numbers as people read them. Templates pass fields by reference and results by value; both are taken.

use std::borrow::Borrow;
use std::fmt;
use std::time::Duration;

use gatepost_model::Timestamp;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 86_400;

/// A moment, said as seen from `now`, with the full time in UTC for whoever points at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    at: Timestamp,
    now: Timestamp,
    style: Style,
}

#[derive(Clone, Copy, Debug)]
enum Style {
    /// "2 min ago", "Yesterday", "3 Nov".
    Ago,
}

/// How long ago it is.
pub(crate) fn ago(at: impl Borrow<Timestamp>, now: impl Borrow<Timestamp>) -> Moment {
    Moment { at: *at.borrow(), now: *now.borrow(), style: Style::Ago }
}

impl Moment {
    fn words(&self) -> String {
        match self.style {
            Style::Ago => ago_words(self.at, self.now),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let iso = self.at.iso();
        let full = iso.replace('T', " ");
        let full = full.split('.').next().unwrap_or_default();
        write!(f, "<time datetime=\"{iso}\" title=\"{full} UTC\">{}</time>", self.words())
    }
}

/// Digits and words of our own.
impl askama::filters::HtmlSafe for Moment {}

fn ago_words(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.since(at).as_secs();
    let (day, today) = (at.seconds().div_euclid(86_400), now.seconds().div_euclid(86_400));
    match seconds {
        0..MINUTE => String::from("Just now"),
        MINUTE..HOUR => format!("{} min ago", seconds / MINUTE),
        HOUR..DAY if day == today => format!("{} h ago", seconds / HOUR),
        _ if day + 1 == today => String::from("Yesterday"),
        _ => date(at, now),
    }
}

/// "21 Oct", with the year if it is another one.
pub(crate) fn date(at: impl Borrow<Timestamp>, now: impl Borrow<Timestamp>) -> String {
    let (at, now) = (*at.borrow(), *now.borrow());
    let (iso, present) = (at.iso(), now.iso());
    let part = |range| iso.get(range).unwrap_or_default();
    let month = part(5..7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.wrapping_sub(1)));
    let day = part(8..10).trim_start_matches('0');
    let month = month.copied().unwrap_or_default();
    if iso.get(..4) == present.get(..4) {
        format!("{day} {month}")
    } else {
        format!("{day} {month} {}", part(0..4))
    }
}

/// A span in its largest whole unit, at least a minute.
pub(crate) fn span(duration: impl Borrow<Duration>) -> String {
    let seconds = duration.borrow().as_secs();
    match seconds {
        0..MINUTE => String::from("less than a minute"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..DAY => format!("{} h", seconds / HOUR),
        _ => count(usize::try_from(seconds / DAY).unwrap_or(usize::MAX), "day"),
    }
}

/// "1 URL", "2 URLs".
pub(crate) fn count(many: impl Borrow<usize>, of: &str) -> String {
    let many = *many.borrow();
    if many == 1 { format!("1 {of}") } else { format!("{} {of}s", number(many)) }
}

/// A word at the beginning of a line.
pub(crate) fn capital(word: &str) -> String {
    let mut characters = word.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    first + characters.as_str()
}

/// With a comma between thousands.
pub(crate) fn number(number: impl Borrow<usize>) -> String {
    let digits = number.borrow().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let now = Timestamp::parse_iso("2026-11-24T14:32:10Z").unwrap();
        let at = |text| Timestamp::parse_iso(text).unwrap();
        for (then, ago_said) in [
            ("2026-11-24T14:32:00Z", "Just now"),
            ("2026-11-24T14:30:00Z", "2 min ago"),
            ("2026-11-24T11:00:00Z", "3 h ago"),
            ("2026-11-23T23:00:00Z", "Yesterday"),
            ("2026-11-03T08:00:00Z", "3 Nov"),
            ("2025-03-12T08:00:00Z", "12 Mar 2025"),
        ] {
            assert_eq!(ago_words(at(then), now), ago_said);
        }
        let said = ago(at("2026-11-24T14:10:10Z"), now).to_string();
        assert_eq!(
            said,
            "<time datetime=\"2026-11-24T14:10:10.000Z\" title=\"2026-11-24 14:10:10 UTC\">22 min ago</time>"
        );
    }

    #[test]
    fn numbers_can_be_read() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_284_000), "1,284,000");
        assert_eq!((count(1, "URL").as_str(), count(2, "URL").as_str()), ("1 URL", "2 URLs"));
    }
}
