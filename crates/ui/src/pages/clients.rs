//! The list of clients: find one, and see how each is doing.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use gatepost_core::Gatepost;
use gatepost_core::calls::Tally;
use gatepost_core::client_list::{Cursor, Group, Listed, Order, Row, Wanted};
use gatepost_model::{ApiVersion, Workspace};
use url::form_urlencoded;

use super::standing::{chip_of, reason_of};
use super::{Answer, framed};
use crate::BASE;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::parts::Chip;
use crate::session::Visit;

const PER_PAGE: usize = 25;

/// How many workspaces stand in a row before "+2".
const WORKSPACES_SHOWN: usize = 2;

/// The picture of calls by day: how high it is, and how far its bars stand apart.
const BAR_HEIGHT: f64 = 18.0;
const BAR_DISTANCE: f64 = 10.5;

#[derive(Template)]
#[template(path = "clients.html")]
struct ClientsPage<'a> {
    frame: &'a Frame,
    asked: &'a Asked,
    rows: Vec<Line>,
    listed: &'a Listed,
    workspaces: Vec<&'a Workspace>,
}

#[derive(Template)]
#[template(path = "clients_empty.html")]
struct EmptyPage<'a> {
    frame: &'a Frame,
}

/// A client as the table shows it.
struct Line {
    row: Row,
    chip: Chip,
    reason: Option<String>,
    copied: String,
    bars: Vec<Bar>,
}

/// A day of a client's calls as a bar, in the units of the picture.
struct Bar {
    left: f64,
    height: f64,
    refused: f64,
}

/// `GET /`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Answer {
    let frame = Frame::new(&visit, Section::Clients);
    if visit.clients == 0 {
        return framed(&gatepost, &frame, &EmptyPage { frame: &frame });
    }
    let asked = Asked::read(&Form::query(query.as_deref()));
    let listed = gatepost.list_managed_clients(visit.user(), asked.wanted()).await?;
    let names = gatepost.user_names().await?;
    let rows = listed.rows.iter().map(|row| line(row, &names, &visit)).collect();
    let workspaces = visit.user().administered().collect();
    framed(
        &gatepost,
        &frame,
        &ClientsPage { frame: &frame, asked: &asked, rows, listed: &listed, workspaces },
    )
}

fn line(row: &Row, names: &HashMap<String, String>, visit: &Visit) -> Line {
    Line {
        chip: chip_of(row.standing),
        reason: reason_of(row.standing, row.client.created_at, row.stopped.as_ref(), names, visit),
        bars: bars(&row.calls),
        copied: format!("client id of {}", row.client.name),
        row: row.clone(),
    }
}

impl Line {
    fn shown_workspaces(&self) -> &[Workspace] {
        let all = &self.row.workspaces;
        all.get(..WORKSPACES_SHOWN).unwrap_or(all)
    }

    fn further_workspaces(&self) -> usize {
        self.row.workspaces.len().saturating_sub(WORKSPACES_SHOWN)
    }

    fn refused(&self) -> u64 {
        self.row.calls.iter().map(|tally| tally.refused).sum()
    }

    fn calls(&self) -> u64 {
        self.refused() + self.row.calls.iter().map(|tally| tally.passed).sum::<u64>()
    }
}

/// The bars of days with calls. The highest fills the picture, and whatever is there can be seen.
fn bars(days: &[Tally]) -> Vec<Bar> {
    let calls = |day: &Tally| (day.passed + day.refused) as f64;
    let most = days.iter().map(calls).fold(1.0, f64::max);
    let height = |many: f64| if many > 0.0 { (many / most * BAR_HEIGHT).max(1.0) } else { 0.0 };
    let bar = |(place, day): (f64, &Tally)| Bar {
        left: place * BAR_DISTANCE,
        height: height(calls(day)),
        refused: height(day.refused as f64),
    };
    let places = std::iter::successors(Some(0.0), |place| Some(place + 1.0));
    places.zip(days).map(bar).filter(|bar| bar.height > 0.0).collect()
}

impl Bar {
    fn top(&self) -> f64 {
        BAR_HEIGHT - self.height
    }

    fn refused_top(&self) -> f64 {
        BAR_HEIGHT - self.refused
    }
}

impl ClientsPage<'_> {
    fn range(&self) -> String {
        let (first, last) = (self.listed.skipped + 1, self.listed.skipped + self.rows.len());
        let total = crate::words::count(self.listed.total, "client");
        if self.rows.is_empty() { total } else { format!("{first} to {last} of {total}") }
    }
}

/// What the address of the list asks for. Each link of the page changes one thing of it.
#[derive(Clone, Debug)]
struct Asked {
    search: String,
    workspace: String,
    version: String,
    group: Group,
    order: Order,
    reversed: bool,
    cursor: Cursor,
}

const GROUPS: [(Group, &str, &str); 6] = [
    (Group::All, "", "All"),
    (Group::Attention, "attention", "Needs attention"),
    (Group::Active, "active", "Active"),
    (Group::NeverUsed, "never-used", "Never used"),
    (Group::Disabled, "disabled", "Disabled"),
    (Group::Revoked, "revoked", "Revoked"),
];

const ORDERS: [(Order, &str); 4] =
    [(Order::Standing, ""), (Order::Name, "name"), (Order::Version, "version"), (Order::LastUsed, "used")];

impl Asked {
    fn read(query: &Form) -> Self {
        let group = GROUPS.iter().find(|(_, name, _)| *name == query.text("status"));
        let order = ORDERS.iter().find(|(_, name)| *name == query.text("sort"));
        let cursor = match (query.given("after"), query.given("before")) {
            (Some(id), _) => Cursor::After(id.to_owned()),
            (None, Some(id)) => Cursor::Before(id.to_owned()),
            (None, None) => Cursor::Start,
        };
        Self {
            search: query.text("q").trim().to_owned(),
            workspace: query.text("workspace").to_owned(),
            version: query.text("version").to_owned(),
            group: group.map_or(Group::All, |(group, ..)| *group),
            order: order.map_or(Order::Standing, |(order, _)| *order),
            reversed: query.text("direction") == "reversed",
            cursor,
        }
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            search: self.search.clone(),
            workspace: (!self.workspace.is_empty()).then(|| self.workspace.clone()),
            version: self.version.parse::<ApiVersion>().ok(),
            group: self.group,
            order: self.order,
            reversed: self.reversed,
            cursor: self.cursor.clone(),
            limit: PER_PAGE,
        }
    }

    /// The address that asks for this.
    fn address(&self) -> String {
        let group = GROUPS.iter().find(|(group, ..)| *group == self.group).map_or("", |(_, name, _)| name);
        let order = ORDERS.iter().find(|(order, _)| *order == self.order).map_or("", |(_, name)| name);
        let direction = if self.reversed { "reversed" } else { "" };
        let (after, before) = match &self.cursor {
            Cursor::Start => ("", ""),
            Cursor::After(id) => (id.as_str(), ""),
            Cursor::Before(id) => ("", id.as_str()),
        };
        let pairs = [
            ("q", self.search.as_str()),
            ("workspace", &self.workspace),
            ("version", &self.version),
            ("status", group),
            ("sort", order),
            ("direction", direction),
            ("after", after),
            ("before", before),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
        let query = query.finish();
        if query.is_empty() { BASE.to_owned() } else { format!("{BASE}?{query}") }
    }

    /// What a group is called.
    fn label(&self, group: &Group) -> &'static str {
        GROUPS.iter().find(|(known, ..)| known == group).map_or("", |(_, _, label)| label)
    }

    fn with_group(&self, group: &Group) -> String {
        Self { group: *group, cursor: Cursor::Start, ..self.clone() }.address()
    }

    fn with_cursor(&self, cursor: &Cursor) -> String {
        Self { cursor: cursor.clone(), ..self.clone() }.address()
    }

    /// Sorted by this; once more turns it round.
    fn sorted(&self, order: Order) -> String {
        let reversed = order == self.order && !self.reversed;
        Self { order, reversed, cursor: Cursor::Start, ..self.clone() }.address()
    }

    fn is_sorted(&self, order: Order) -> bool {
        self.order == order
    }

    /// As assistive technology names it: names go up, the others down, unless turned round.
    fn direction(&self) -> &'static str {
        if self.reversed == (self.order == Order::Name) { "descending" } else { "ascending" }
    }

    fn group_name(&self) -> &'static str {
        GROUPS.iter().find(|(group, ..)| *group == self.group).map_or("", |(_, name, _)| name)
    }
}
