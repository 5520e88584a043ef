//! The list of refused requests.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{RawQuery, State};
use gatepost_core::calls::Tally;
use gatepost_core::client_list::Summary;
use gatepost_core::gate::Check;
use gatepost_core::requests::{Refusal, UNKNOWN_CLIENT, Wanted};
use gatepost_core::{Gatepost, Page};
use url::form_urlencoded;

use super::deliveries::CLIENTS_OFFERED;
use super::{Answer, framed};
use crate::BASE;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::session::Visit;

const PER_PAGE: u32 = 25;
const HOUR: Duration = Duration::from_secs(3600);

/// The times that can be looked back, the last one unless another is chosen.
const TIMES: [(&str, &str, u32); 3] =
    [("hour", "Last hour", 1), ("day", "Last 24 hours", 24), ("", "Last 7 days", 7 * 24)];

#[derive(Template)]
#[template(path = "requests.html")]
struct RequestsPage<'a> {
    frame: &'a Frame,
    lines: Vec<Line>,
    clients: Vec<Summary>,
    asked: &'a Asked,
    /// Whether requests without a known client are the reader's to see.
    with_strangers: bool,
    tally: Option<Tally>,
    next: Option<String>,
}

/// A refusal as the table shows it.
struct Line {
    refusal: Refusal,
    client: Option<String>,
}

/// What the address of the list asks for.
#[derive(Clone, Debug, Default)]
struct Asked {
    client: String,
    check: String,
    workspace: String,
    time: String,
    before: Option<String>,
}

impl Asked {
    fn read(query: &Form) -> Self {
        Self {
            client: query.text("client").to_owned(),
            check: query.text("check").to_owned(),
            workspace: query.text("workspace").trim().to_owned(),
            time: query.text("time").to_owned(),
            before: query.given("before").map(str::to_owned),
        }
    }

    fn span(&self) -> Duration {
        let hours = TIMES.iter().find(|(name, ..)| *name == self.time).map_or(7 * 24, |(.., hours)| *hours);
        HOUR * hours
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            client: self.client.clone(),
            refused_by: self.check.clone(),
            workspace: self.workspace.clone(),
            ..Wanted::default()
        }
    }

    /// The address that asks for this.
    fn address(&self) -> String {
        let pairs = [
            ("client", self.client.as_str()),
            ("check", &self.check),
            ("workspace", &self.workspace),
            ("time", &self.time),
            ("before", self.before.as_deref().unwrap_or_default()),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
        format!("{BASE}/requests?{}", query.finish())
    }

    fn with_check(&self, check: &str) -> String {
        Self { check: check.to_owned(), before: None, ..self.clone() }.address()
    }

    fn is_check(&self, check: &str) -> bool {
        self.check == check
    }

    fn times(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> + '_ {
        TIMES.iter().map(|(name, label, _)| (*name, *label, *name == self.time))
    }
}

/// The address of a client's requests that were stopped by one check.
pub(super) fn address_of(client: &str, check: &str) -> String {
    let (client, check) = (client.to_owned(), check.to_owned());
    Asked { client, check, ..Asked::default() }.address()
}

/// The checks of the gate as the pages call them.
pub(super) fn checks() -> impl Iterator<Item = (&'static str, String)> {
    Check::ALL.into_iter().map(|check| (check.as_str(), name_of(check)))
}

/// What the pages call a check.
pub(super) fn name_of(check: Check) -> String {
    crate::words::capital(check.as_str())
}

/// `GET /requests`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Answer {
    let asked = Asked::read(&Form::query(query.as_deref()));
    let since = visit.now.minus(asked.span());
    let page = Page { before: asked.before.clone(), limit: PER_PAGE + 1 };
    let listed = gatepost.list_refusals(visit.user(), asked.wanted(), since, page).await?;
    let mut refusals = listed.rows;
    let has_more = refusals.len() > PER_PAGE as usize;
    refusals.truncate(PER_PAGE as usize);
    let last = refusals.last().filter(|_| has_more).map(|refusal| refusal.id.clone());
    let next = last.or(listed.looked_to).map(|id| Asked { before: Some(id), ..asked.clone() }.address());
    let mut clients = gatepost.managed_clients_by_name(visit.user()).await?;
    let name = |refusal: &Refusal| {
        let client = clients.iter().find(|client| Some(client.number) == refusal.client);
        client.map(|client| client.name.clone())
    };
    let lines = refusals.into_iter().map(|refusal| Line { client: name(&refusal), refusal }).collect();
    clients.truncate(CLIENTS_OFFERED);
    let tally = match asked.client.as_str() {
        "" | UNKNOWN_CLIENT => None,
        id => Some(gatepost.tally_of(visit.user(), id, since).await?),
    };
    let frame = Frame::new(&visit, Section::Requests);
    let with_strangers = gatepost.sees_unknown_clients(visit.user()).await?;
    let page = RequestsPage { frame: &frame, lines, clients, asked: &asked, with_strangers, tally, next };
    framed(&gatepost, &frame, &page)
}
