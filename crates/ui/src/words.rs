//! Times and numbers as people read them. Templates pass fields by reference and results by value: see [`Given`].

use std::fmt;
use std::time::Duration;

use gatepost_model::Timestamp;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 86_400;

/// A value, or a reference to one, or a reference to that.
pub(crate) trait Given<T> {
    /// The value.
    fn value(&self) -> T;
}

impl Given<Timestamp> for Timestamp {
    fn value(&self) -> Timestamp {
        *self
    }
}

impl Given<Duration> for Duration {
    fn value(&self) -> Duration {
        *self
    }
}

impl Given<usize> for usize {
    fn value(&self) -> usize {
        *self
    }
}

impl Given<usize> for u32 {
    fn value(&self) -> usize {
        usize::try_from(*self).unwrap_or(usize::MAX)
    }
}

impl Given<usize> for u64 {
    fn value(&self) -> usize {
        usize::try_from(*self).unwrap_or(usize::MAX)
    }
}

impl<T, G: Given<T> + ?Sized> Given<T> for &G {
    fn value(&self) -> T {
        (**self).value()
    }
}

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
    /// The same within a sentence: "yesterday".
    Since,
    /// "14:30:41" today, "22 Nov, 19:04" before.
    Clock,
    /// "in 22 min", "in 3 days".
    Ahead,
}

/// How long ago it is.
pub(crate) fn ago(at: impl Given<Timestamp>, now: impl Given<Timestamp>) -> Moment {
    Moment { at: at.value(), now: now.value(), style: Style::Ago }
}

/// How long ago it is, within a sentence.
pub(crate) fn since(at: impl Given<Timestamp>, now: impl Given<Timestamp>) -> Moment {
    Moment { at: at.value(), now: now.value(), style: Style::Since }
}

/// When it was, for rows that stand in the order of time.
pub(crate) fn clock(at: impl Given<Timestamp>, now: impl Given<Timestamp>) -> Moment {
    Moment { at: at.value(), now: now.value(), style: Style::Clock }
}

/// How long it takes until then.
pub(crate) fn ahead(at: impl Given<Timestamp>, now: impl Given<Timestamp>) -> Moment {
    Moment { at: at.value(), now: now.value(), style: Style::Ahead }
}

impl Moment {
    fn words(&self) -> String {
        match self.style {
            Style::Ago => ago_words(self.at, self.now),
            Style::Since => ago_words(self.at, self.now).replace("Just", "just").replace("Yester", "yester"),
            Style::Clock => clock_words(self.at, self.now),
            Style::Ahead => format!("in {}", span(self.at.since(self.now))),
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

fn clock_words(at: Timestamp, now: Timestamp) -> String {
    let iso = at.iso();
    if at.seconds().div_euclid(86_400) == now.seconds().div_euclid(86_400) {
        return iso.get(11..19).unwrap_or_default().to_owned();
    }
    day_and_time(at, now)
}

/// "21 Oct", with the year if it is another one.
pub(crate) fn date(at: impl Given<Timestamp>, now: impl Given<Timestamp>) -> String {
    let (at, now) = (at.value(), now.value());
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

/// "24 Nov, 15:32".
pub(crate) fn day_and_time(at: impl Given<Timestamp>, now: impl Given<Timestamp>) -> String {
    let at = at.value();
    format!("{}, {}", date(at, now), at.iso().get(11..16).unwrap_or_default())
}

/// A span in its largest whole unit, at least a minute.
pub(crate) fn span(duration: impl Given<Duration>) -> String {
    let seconds = duration.value().as_secs();
    match seconds {
        0..MINUTE => String::from("less than a minute"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..DAY => format!("{} h", seconds / HOUR),
        _ => count(usize::try_from(seconds / DAY).unwrap_or(usize::MAX), "day"),
    }
}

/// How long something took.
pub(crate) fn took(duration: impl Given<Duration>) -> String {
    let duration = duration.value();
    let millis = duration.as_millis();
    if millis < 1000 { format!("{millis} ms") } else { format!("{:.1} s", duration.as_secs_f64()) }
}

/// "1 URL", "2 URLs".
pub(crate) fn count(many: impl Given<usize>, of: &str) -> String {
    let many = many.value();
    if many == 1 { format!("1 {of}") } else { format!("{} {of}s", number(many)) }
}

/// "1 delivery", "2 deliveries".
pub(crate) fn deliveries(many: impl Given<usize>) -> String {
    let many = many.value();
    if many == 1 { String::from("1 delivery") } else { format!("{} deliveries", number(many)) }
}

/// "1 new delivery", "80 new deliveries".
pub(crate) fn new_deliveries(many: impl Given<usize>) -> String {
    deliveries(many).replace(" deliver", " new deliver")
}

/// A word at the beginning of a line.
pub(crate) fn capital(word: &str) -> String {
    let mut characters = word.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    first + characters.as_str()
}

/// With a comma between thousands.
pub(crate) fn number(number: impl Given<usize>) -> String {
    let digits = number.value().to_string();
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
        for (then, ago_said, clock_said) in [
            ("2026-11-24T14:32:00Z", "Just now", "14:32:00"),
            ("2026-11-24T14:30:00Z", "2 min ago", "14:30:00"),
            ("2026-11-24T11:00:00Z", "3 h ago", "11:00:00"),
            ("2026-11-23T23:00:00Z", "Yesterday", "23 Nov, 23:00"),
            ("2026-11-03T08:00:00Z", "3 Nov", "3 Nov, 08:00"),
            ("2025-03-12T08:00:00Z", "12 Mar 2025", "12 Mar 2025, 08:00"),
        ] {
            assert_eq!(ago_words(at(then), now), ago_said);
            assert_eq!(clock_words(at(then), now), clock_said);
        }
        let said = ahead(at("2026-11-24T14:55:00Z"), now).to_string();
        assert_eq!(
            said,
            "<time datetime=\"2026-11-24T14:55:00.000Z\" title=\"2026-11-24 14:55:00 UTC\">in 22 min</time>"
        );
    }

    #[test]
    fn numbers_can_be_read() {
        assert_eq!(number(0u32), "0");
        assert_eq!(number(999u32), "999");
        assert_eq!(number(1_284_000u32), "1,284,000");
        assert_eq!((count(1u32, "URL").as_str(), count(2u32, "URL").as_str()), ("1 URL", "2 URLs"));
        assert_eq!(took(Duration::from_millis(142)), "142 ms");
        assert_eq!(took(Duration::from_millis(10_040)), "10.0 s");
    }
}
