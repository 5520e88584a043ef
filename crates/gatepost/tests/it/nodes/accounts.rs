//! The accounts: every event by its id, from the write that was answered to the webhook that arrived.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use gatepost_testkit::Received;
use gatepost_testkit::books::Booked;
use serde_json::json;

use super::calamities::{Calamity, Kind};
use super::traffic::Diary;

/// A result is recorded this soon, unless something happens.
const RECORDED_WITHIN: Duration = Duration::from_secs(1);

/// Checks the accounts, and gives how many webhooks arrived more than once, by what was happening then.
pub(super) fn check(
    (events, tasks): (&[Booked], &[String]),
    diaries: &[Diary],
    arrivals: &[Received],
    calamities: &[Calamity],
) -> BTreeMap<Vec<Kind>, usize> {
    events.iter().for_each(ended_well);
    let by_title: HashMap<&str, &Booked> = events.iter().map(|event| (event.title.as_str(), event)).collect();
    assert_eq!(
        by_title.len(),
        events.len(),
        "a write has more than one event, or an event more than one delivery"
    );
    assert_eq!(tasks.len(), events.len());
    assert!(tasks.iter().all(|title| by_title.contains_key(title.as_str())), "a record has no event");

    let mut known = HashSet::new();
    for diary in diaries {
        for (title, id) in &diary.answered {
            let event = by_title.get(title.as_str()).unwrap_or_else(|| panic!("\"{title}\" is lost"));
            assert_eq!(&event.record, id, "{title}");
            known.insert(title.as_str());
        }
        for title in &diary.refused {
            assert!(
                !by_title.contains_key(title.as_str()),
                "\"{title}\" was answered as not done, but it was"
            );
        }
        known.extend(diary.unknown.iter().map(String::as_str));
    }
    for title in by_title.keys() {
        assert!(known.contains(title), "\"{title}\" was never written");
    }
    check_arrivals(events, arrivals, calamities)
}

/// What was recorded under good claims only is a row of tries without gaps, of which the last one, and no other, ended well.
fn ended_well(event: &Booked) {
    let fits = |(place, text): (usize, &String)| {
        let (number, outcome) = text.split_once(' ').unwrap();
        number == place.to_string() && (outcome == "delivered") == (place == event.attempts)
    };
    let is_so = event.delivered && event.tries.len() == event.attempts && (1..).zip(&event.tries).all(fits);
    assert!(is_so, "{event:?}");
}

fn check_arrivals(
    events: &[Booked],
    arrivals: &[Received],
    calamities: &[Calamity],
) -> BTreeMap<Vec<Kind>, usize> {
    let events: HashMap<&str, &Booked> = events.iter().map(|event| (event.event.as_str(), event)).collect();
    let mut by_event: HashMap<&str, Vec<&Received>> = HashMap::new();
    for arrival in arrivals {
        let id = arrival.header("webhook-id");
        let event = events.get(id).unwrap_or_else(|| panic!("{id} arrived and is not there"));
        let body = arrival.json();
        assert_eq!((&body["title"], &body["_id"]), (&json!(event.title), &json!(event.record)));
        assert_eq!(arrival.header("gatepost-delivery"), event.delivery);
        let workspace = arrival.path.trim_start_matches('/');
        assert!(event.title.starts_with(&format!("{workspace} ")), "{workspace} got \"{}\"", event.title);
        by_event.entry(id).or_default().push(arrival);
    }
    for (id, event) in &events {
        assert!(by_event.contains_key(id), "the webhook of \"{}\" is lost", event.title);
    }
    let mut again = BTreeMap::new();
    for arrived in by_event.values_mut() {
        arrived.sort_by_key(|arrival| arrival.at);
        for pair in arrived.windows(2) {
            let excuses = excuses(pair[0], calamities);
            assert!(!excuses.is_empty(), "sent twice for no reason: {:?}", pair[0].headers);
            *again.entry(excuses).or_default() += 1;
        }
    }
    again
}

/// What can have kept the reply to this webhook from being heard, or its record from being written.
fn excuses(arrival: &Received, calamities: &[Calamity]) -> Vec<Kind> {
    let cut = |calamity: &&Calamity| {
        calamity.began <= arrival.at + RECORDED_WITHIN && arrival.at <= calamity.ended + RECORDED_WITHIN
    };
    // A node that is told to stop in good order, or that can connect again at once, has no excuse.
    let excused = |calamity: &&Calamity| !matches!(calamity.kind, Kind::Terminate | Kind::Cut);
    calamities.iter().filter(excused).filter(cut).map(|calamity| calamity.kind).collect()
}
