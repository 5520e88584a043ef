//! What the address of the list of deliveries asks for.

use std::time::Duration;

use gatepost_core::delivery_log::Wanted;
use gatepost_model::{DeliveryState, Timestamp, ids};
use url::form_urlencoded;

use crate::BASE;
use crate::form::Form;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The times that can be looked back, the last one unless another is chosen.
const TIMES: [(&str, &str, u32); 3] =
    [("", "Last 7 days", 7), ("day", "Last 24 hours", 1), ("month", "Last 30 days", 30)];

/// The name of a time that is written out.
const CHOSEN: &str = "chosen";

/// What is asked for, as it was written. Each link of the page changes one thing of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) search: String,
    pub(super) client: String,
    pub(super) state: Option<DeliveryState>,
    pub(super) method: String,
    pub(super) url: String,
    /// The replay that made them.
    pub(super) replay: String,
    pub(super) time: String,
    pub(super) since: String,
    pub(super) until: String,
    pub(super) before: Option<String>,
}

impl Asked {
    pub(super) fn read(query: &Form) -> Self {
        let text = |name| query.text(name).trim().to_owned();
        Self {
            search: text("q"),
            client: text("client"),
            state: DeliveryState::from_name(query.text("state")),
            method: text("method"),
            url: text("url"),
            replay: text("replay"),
            time: text("time"),
            since: text("since"),
            until: text("until"),
            before: query.given("before").map(str::to_owned),
        }
    }

    /// The deliveries that are asked for; none if no delivery can be meant.
    pub(super) fn wanted(&self, now: Timestamp) -> Option<Wanted> {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        let (since, until) = self.span(now)?;
        let wanted = Wanted {
            client: given(&self.client),
            state: self.state,
            method: given(&self.method).map(|method| method.parse()).transpose().ok()?,
            url_id: given(&self.url),
            event_id: given(&self.search),
            replay_id: given(&self.replay),
            since,
            until,
        };
        if self.search.is_empty() {
            return Some(wanted);
        }
        // The deliveries of an event are made in its own moment. What sends them again stands on their pages.
        let at = ids::sortable_time(ids::EVENT, &self.search)?;
        Some(Wanted { since: Some(at), until: Some(at.plus(Duration::from_millis(1))), ..wanted })
    }

    /// From when to when; none if one of both is no time.
    fn span(&self, now: Timestamp) -> Option<(Option<Timestamp>, Option<Timestamp>)> {
        if self.is_chosen() {
            return Some((moment(&self.since)?, moment(&self.until)?));
        }
        let days = TIMES.iter().find(|(name, ..)| *name == self.time).map_or(7, |(.., days)| *days);
        Some((Some(now.minus(DAY * days)), None))
    }

    /// The address that asks for this.
    pub(super) fn address(&self) -> String {
        let pairs = [
            ("q", self.search.as_str()),
            ("client", &self.client),
            ("state", self.state_name()),
            ("method", &self.method),
            ("url", &self.url),
            ("replay", &self.replay),
            ("time", &self.time),
            ("since", &self.since),
            ("until", &self.until),
            ("before", self.before.as_deref().unwrap_or_default()),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
        let query = query.finish();
        if query.is_empty() { format!("{BASE}/deliveries") } else { format!("{BASE}/deliveries?{query}") }
    }

    pub(super) fn with_state(&self, state: &Option<DeliveryState>) -> String {
        Self { state: *state, before: None, ..self.clone() }.address()
    }

    /// The first page of the same.
    pub(super) fn newest(&self) -> String {
        Self { before: None, ..self.clone() }.address()
    }

    pub(super) fn is_state(&self, state: &Option<DeliveryState>) -> bool {
        self.state == *state
    }

    pub(super) fn state_name(&self) -> &'static str {
        self.state.map_or("", DeliveryState::as_str)
    }

    /// Whether the times are written out.
    pub(super) fn is_chosen(&self) -> bool {
        self.time == CHOSEN
    }

    /// The times to choose from: name, label, whether it is the one.
    pub(super) fn times(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        let times = TIMES.into_iter().map(|(name, label, _)| (name, label));
        times.chain([(CHOSEN, "Choose…")]).map(|(name, label)| (name, label, name == self.time))
    }
}

/// The moment that a text names, in UTC and with or without seconds. The outer none is for a text that names no moment.
#[expect(clippy::option_option, reason = "no text and no time in a text are two things")]
pub(crate) fn moment(text: &str) -> Option<Option<Timestamp>> {
    if text.is_empty() {
        return Some(None);
    }
    let spelt = [text.to_owned(), format!("{text}Z"), format!("{text}:00Z")];
    spelt.iter().find_map(|text| Timestamp::parse_iso(text)).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

    fn asked(query: &str) -> Asked {
        Asked::read(&Form::query(Some(query)))
    }

    #[test]
    fn an_address_says_what_is_asked_for() {
        let query = "client=cli_1&state=failed&method=task.edit&url=whu_1&time=chosen&since=2026-11-24T10%3A00&until=2026-11-24";
        let asked = asked(query);
        assert_eq!(asked.address(), format!("{BASE}/deliveries?{query}"));
        let wanted = asked.wanted(NOW).unwrap();
        assert_eq!(wanted.since, Timestamp::parse_iso("2026-11-24T10:00:00Z"));
        assert_eq!(wanted.until, Timestamp::parse_iso("2026-11-24T00:00:00Z"));
        assert_eq!(wanted.method.unwrap().as_str(), "task.edit");
        assert!(
            asked.with_state(&None).ends_with(
                "method=task.edit&url=whu_1&time=chosen&since=2026-11-24T10%3A00&until=2026-11-24"
            )
        );
    }

    #[test]
    fn a_week_is_shown_unless_asked_otherwise() {
        assert_eq!(asked("").wanted(NOW).unwrap().since, Some(NOW.minus(DAY * 7)));
        assert_eq!(asked("time=day").wanted(NOW).unwrap().since, Some(NOW.minus(DAY)));
        assert_eq!(asked("time=nonsense").wanted(NOW).unwrap().since, Some(NOW.minus(DAY * 7)));
        assert_eq!(asked("time=chosen").wanted(NOW).unwrap().since, None);
    }

    #[test]
    fn an_event_leads_to_the_moment_in_which_it_happened() {
        let event = ids::sortable_floor(ids::EVENT, NOW);
        let wanted = asked(&format!("q={event}")).wanted(NOW).unwrap();
        assert_eq!(wanted.since, Some(NOW));
        assert_eq!(wanted.until, Some(NOW.plus(Duration::from_millis(1))));
        assert_eq!(wanted.event_id, Some(event));
    }

    #[test]
    fn what_no_delivery_can_be_is_wanted_by_nobody() {
        for query in ["method=task", "q=jBrHMWiisaeTY5ms4", "time=chosen&since=yesterday"] {
            assert!(asked(query).wanted(NOW).is_none(), "{query}");
        }
    }
}
