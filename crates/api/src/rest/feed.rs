//! `GET /webhook-events`: what a client's webhooks tell, for the client to fetch itself
//! (docs/api.md "Fetching events", docs/adr/0009-event-feed.md).

use std::time::Duration;

use axum::response::Response;
use gatepost_core::Gatepost;
use gatepost_core::event_feed::{After, EventPage, LONGEST_WAIT, MOST_EVENTS};
use gatepost_core::records;
use gatepost_http::{Admitted, Problem};
use gatepost_model::webhook::Event;
use gatepost_model::{Timestamp, ids};
use http::Method;
use url::form_urlencoded;

use super::answer::json;
use super::body::bad_request;

/// How many events a page has unless it is asked for more or fewer.
const EVENTS: u32 = 100;

/// Whether a request, version taken off its path, is for the feed.
pub(super) fn is_at(method: &Method, path: &str) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
        && path.strip_suffix('/').unwrap_or(path) == "/webhook-events"
}

/// The page that `query` asks for.
pub(super) async fn read(
    gatepost: &Gatepost,
    admitted: &Admitted,
    query: Option<&str>,
) -> Result<Response, Problem> {
    let Asked { after, limit, wait } = Asked::parse(query)?;
    let page = gatepost.event_feed(&admitted.client, admitted.workspace, after, limit, wait).await?;
    Ok(json(text(&page, &admitted.client.id)))
}

struct Asked {
    after: After,
    limit: u32,
    wait: Duration,
}

impl Asked {
    fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let mut asked = Self { after: After::Time(Timestamp(0)), limit: EVENTS, wait: Duration::ZERO };
        let mut places = 0;
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                "after" if ids::sortable_time(ids::EVENT, &value).is_some() => {
                    asked.after = After::Event(value.into_owned());
                    places += 1;
                }
                "after" if value == "latest" => {
                    asked.after = After::Latest;
                    places += 1;
                }
                "after" => return Err(invalid("after", "must be the id of an event, evt_…, or latest")),
                "since" => {
                    let since = Timestamp::parse_iso(&value);
                    let since =
                        since.ok_or_else(|| invalid("since", "must be a time, 2026-11-24T09:30:00Z"))?;
                    asked.after = After::Time(since);
                    places += 1;
                }
                "limit" => asked.limit = number("limit", &value, MOST_EVENTS)?,
                "wait" => {
                    let longest = u32::try_from(LONGEST_WAIT.as_secs()).unwrap_or(u32::MAX);
                    asked.wait = Duration::from_secs(number("wait", &value, longest)?.into());
                }
                _ => {}
            }
        }
        if places > 1 {
            return Err(invalid("after", "and since say where to begin: send one of them, once"));
        }
        Ok(asked)
    }
}

/// A whole number, at least 1 but for a wait.
fn number(name: &'static str, value: &str, most: u32) -> Result<u32, Problem> {
    let least = u32::from(name == "limit");
    let number = value.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| invalid(name, &format!("must be a whole number from {least} to {most}")))
}

fn invalid(name: &str, problem: &str) -> Problem {
    bad_request("invalid_query", format!("{name} {problem}"))
}

fn text(page: &EventPage, reader: &str) -> String {
    let events: Vec<String> = page.events.iter().map(|event| event_text(event, reader)).collect();
    let next = page.next.as_ref().map_or(String::from("null"), |id| format!("\"{id}\""));
    format!(
        r#"{{"events":{},"next":{next},"hasMore":{}}}"#,
        records::array(events.iter().map(String::as_str)),
        page.has_more
    )
}

/// Ids and methods need no escapes, and the record is JSON text already: it is spliced in, not read.
fn event_text(event: &Event, reader: &str) -> String {
    format!(
        r#"{{"id":"{}","type":"{}","timestamp":"{}","isOwn":{},"data":{}}}"#,
        event.id,
        event.method,
        event.at.iso(),
        event.caused_by == reader,
        event.record
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_and_nothing_else() {
        for (method, path, is_feed) in [
            ("GET", "/webhook-events", true),
            ("HEAD", "/webhook-events/", true),
            ("POST", "/webhook-events", false),
            ("GET", "/webhook-events/evt_0", false),
            ("GET", "/events", false),
        ] {
            assert_eq!(is_at(&method.parse().unwrap(), path), is_feed, "{method} {path}");
        }
    }

    #[test]
    fn a_query_says_where_to_begin_how_much_and_how_long_to_wait() {
        let id = ids::sortable_floor(ids::EVENT, Timestamp::from_seconds(1_795_521_600));
        let asked = Asked::parse(Some(&format!("after={id}&limit=1000&wait=25&fields=x"))).ok().unwrap();
        assert_eq!((asked.after, asked.limit), (After::Event(id.clone()), 1_000));
        assert_eq!(asked.wait, Duration::from_secs(25));
        let asked = Asked::parse(None).ok().unwrap();
        assert_eq!((asked.after, asked.limit), (After::Time(Timestamp(0)), 100));
        assert_eq!(asked.wait, Duration::ZERO);
        assert_eq!(Asked::parse(Some("after=latest")).ok().unwrap().after, After::Latest);
        let twice = format!("after={id}&since=2026-11-24T09:30:00Z");
        for query in [
            "after=1",
            "after=",
            "since=yesterday",
            "limit=0",
            "limit=1001",
            "limit=x",
            "wait=26",
            "wait=-1",
            &twice,
        ] {
            assert!(Asked::parse(Some(query)).is_err(), "{query}");
        }
    }
}
