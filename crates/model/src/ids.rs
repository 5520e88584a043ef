//! Identifiers: what they look like and how they are made.
//!
//! Ids show what they name by their prefix. All but client ids and secrets begin with the time, so that new rows go
//! to the end of every index that leads with them (docs/adr/0001-store.md). No id is a secret.

use crate::random::Random;
use crate::time::Timestamp;

/// Prefix of an API client's own id.
pub const CLIENT: &str = "cli_";
/// Prefix of the client id that a tool sends to the token endpoint.
pub const CLIENT_ID: &str = "gpc_";
/// Prefix of a workspace's id.
pub const WORKSPACE: &str = "wsp_";
/// Prefix of a webhook URL's id.
pub const WEBHOOK_URL: &str = "whu_";
/// Prefix of an event's id, which is also the `webhook-id`.
pub const EVENT: &str = "evt_";
/// Prefix of a delivery's id.
pub const DELIVERY: &str = "dlv_";
/// Prefix of an audit entry's id.
pub const AUDIT: &str = "aud_";
/// Prefix of a replay's id.
pub const REPLAY: &str = "rpl_";
/// Admin tokens.
pub const ADMIN_TOKEN: &str = "adt_";
/// Prefix of a user's id.
pub const USER: &str = "usr_";
/// Prefix of an invitation's id.
pub const INVITATION: &str = "inv_";
/// Prefix of a request's id (`X-Request-Id`).
pub const REQUEST: &str = "req_";
/// Prefix of a node's id.
pub const NODE: &str = "nod_";

const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RECORD: &[u8; 55] = b"23456789ABCDEFGHJKLMNPQRSTWXYZabcdefghijkmnopqrstuvwxyz";

/// A time-ordered id: `prefix`, ten characters of milliseconds, two of the microseconds within, fourteen random ones
/// (base 32, lower case). What one process does one after the other gets ids in that order.
#[must_use]
pub fn sortable(prefix: &str, now: Timestamp, random: &dyn Random) -> String {
    let mut bytes = [0u8; 9];
    random.fill(&mut bytes);
    let number = |value: i64| u64::try_from(value).unwrap_or(0);
    let millis = number(now.millis()) & 0xffff_ffff_ffff;
    let micros = number(now.0.rem_euclid(1_000));
    let (head, tail) = bytes.split_at(4);
    let random = |part: &[u8]| part.iter().fold(0u64, |value, byte| (value << 8) | u64::from(*byte));
    let mut text = String::with_capacity(prefix.len() + 26);
    text.push_str(prefix);
    for (value, characters) in [(millis, 10), (micros, 2), (random(head), 6), (random(tail), 8)] {
        for shift in (0..characters).rev() {
            push(&mut text, BASE32, (value >> (shift * 5)) & 31);
        }
    }
    text
}

/// The smallest id with `prefix` that could have been made at `now`: a cursor for everything since.
#[must_use]
pub fn sortable_floor(prefix: &str, now: Timestamp) -> String {
    struct Zero;
    impl Random for Zero {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0);
        }
    }
    sortable(prefix, now, &Zero)
}

/// When a time-ordered id was made, to the millisecond; none if `id` is not one with this prefix.
#[must_use]
pub fn sortable_time(prefix: &str, id: &str) -> Option<Timestamp> {
    let digits = id.strip_prefix(prefix)?.as_bytes().get(..10)?;
    let millis = digits.iter().try_fold(0i64, |millis, digit| {
        let value = BASE32.iter().position(|known| known == digit)?;
        Some((millis << 5) | i64::try_from(value).ok()?)
    })?;
    Some(Timestamp(millis.checked_mul(1_000)?))
}

/// `length` characters of base 62, each uniform.
#[must_use]
pub fn base62(length: usize, random: &dyn Random) -> String {
    uniform(BASE62, length, random)
}

/// A record's `_id`: seventeen characters of an alphabet without look-alikes (contract.md I), of which the first
/// eight are the time in milliseconds and nine are random.
#[must_use]
pub fn record(now: Timestamp, random: &dyn Random) -> String {
    let mut millis = u64::try_from(now.millis()).unwrap_or(0) % 55u64.pow(8);
    let mut head = [0u8; 8];
    for place in head.iter_mut().rev() {
        *place = character(RECORD, millis % 55);
        millis /= 55;
    }
    let mut text = String::with_capacity(17);
    text.extend(head.iter().map(|byte| char::from(*byte)));
    text.push_str(&uniform(RECORD, 9, random));
    text
}

/// Whether `text` has the form that existing integrations accept as a record id.
#[must_use]
pub fn is_record_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// A new client id: `gpc_` and twenty characters of base 62, within `[A-Za-z0-9_-]{5,50}` (contract.md B).
#[must_use]
pub fn client_id(random: &dyn Random) -> String {
    format!("{CLIENT_ID}{}", base62(20, random))
}

fn uniform(alphabet: &[u8], length: usize, random: &dyn Random) -> String {
    let size = u64::try_from(alphabet.len()).unwrap_or(1);
    // Bytes at or above the largest multiple of the alphabet's size would favour its first characters.
    let fair = 256 / size * size;
    let mut text = String::with_capacity(length);
    let mut pool = [0u8; 64];
    while text.len() < length {
        random.fill(&mut pool);
        for byte in pool.iter().map(|byte| u64::from(*byte)).filter(|byte| *byte < fair) {
            if text.len() == length {
                break;
            }
            push(&mut text, alphabet, byte % size);
        }
    }
    text
}

fn push(text: &mut String, alphabet: &[u8], index: u64) {
    text.push(char::from(character(alphabet, index)));
}

fn character(alphabet: &[u8], index: u64) -> u8 {
    usize::try_from(index).ok().and_then(|index| alphabet.get(index)).copied().unwrap_or(b'0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn sortable_ids_sort_by_time() {
        let random = SeededRandom::new(1);
        let ids: Vec<_> = (0..2_000).map(|n| sortable(EVENT, Timestamp(n), &random)).collect();
        let mut sorted = ids.clone();
        sorted.sort();
        assert_eq!(ids, sorted);
        assert!(ids.iter().all(|id| id.len() == 30));
        assert!(
            sortable_floor(EVENT, Timestamp(7_000_000)) <= sortable(EVENT, Timestamp(7_000_000), &random)
        );
    }

    #[test]
    fn a_sortable_id_tells_its_time() {
        let made = Timestamp(1_790_000_000_123_456);
        let id = sortable(EVENT, made, &SeededRandom::new(1));
        assert_eq!(sortable_time(EVENT, &id), Some(Timestamp(1_790_000_000_123_000)));
        assert!(sortable_floor(EVENT, sortable_time(EVENT, &id).unwrap()) < sortable_floor(EVENT, made));
        assert!(sortable_floor(EVENT, made) <= id);
        for other in ["", "evt_", "evt_01", "dlv_01jd3x5k2v0123456789abcdef", "evt_ilou000000"] {
            assert_eq!(sortable_time(EVENT, other), None, "{other}");
        }
    }

    #[test]
    fn record_ids_keep_the_clients_shape_and_sort_by_time() {
        let random = SeededRandom::new(2);
        let mut last = String::new();
        for n in 0..500 {
            let id = record(Timestamp::from_seconds(1_700_000_000 + n), &random);
            assert_eq!(id.len(), 17);
            assert!(id.bytes().all(|byte| RECORD.contains(&byte)), "{id}");
            assert!(is_record_id(&id));
            assert!(last < id);
            last = id;
        }
    }

    #[test]
    fn client_ids_fit_the_class_that_existing_tools_check() {
        let id = client_id(&SeededRandom::new(3));
        assert!(id.starts_with("gpc_") && id.len() == 24);
        assert!(is_record_id(&id));
    }
}
