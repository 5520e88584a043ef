//! `Retry-After`: how long a receiver asks to be left alone (RFC 9110, 10.2.3).

use std::time::Duration;

use gatepost_model::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The three forms of a date in HTTP (RFC 9110, 5.6.7), of which the last two are obsolete but to be understood.
const DATE_FORMS: [&str; 3] =
    ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// Reads the header's value: seconds, or a date that is compared with `now`. A date that has passed means zero; what
/// is neither means nothing.
#[must_use]
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit mean a very long time.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = DATE_FORMS.iter().find_map(|form| DateTime::strptime(form, value).ok())?;
    let at = TimeZone::UTC.to_timestamp(date).ok()?;
    Some(Timestamp(at.as_microsecond()).since(now))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(784_111_747);

    #[test]
    fn seconds_and_all_three_forms_of_a_date_are_read() {
        for (value, seconds) in [
            ("0", 0),
            ("120", 120),
            (" 7 ", 7),
            ("99999999999999999999999", u64::MAX),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 30),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 30),
            ("Sun Nov  6 08:49:37 1994", 30),
            ("Sun, 06 Nov 1994 08:49:07 GMT", 0),
            ("Tue, 06 Nov 1984 08:49:37 GMT", 0),
        ] {
            assert_eq!(retry_after(value, NOW), Some(Duration::from_secs(seconds)), "{value}");
        }
    }

    #[test]
    fn anything_else_is_passed_over() {
        for value in
            ["", " ", "-1", "1.5", "+3", "soon", "1994-11-06T08:49:37Z", "Sun, 31 Feb 1994 08:49:37 GMT"]
        {
            assert_eq!(retry_after(value, NOW), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_value_is_too_strange(value in any::<String>(), now in any::<i64>()) {
            let _ = retry_after(&value, Timestamp(now));
        }
    }
}
