//! The audit log: who did what.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::IntoResponse;
use gatepost_core::Gatepost;
use gatepost_core::audit::Entry;
use gatepost_core::audit_search::{Kind, Wanted};
use gatepost_core::differences::{Difference, differences};
use gatepost_core::memberships::Person;
use gatepost_model::{Timestamp, ids};
use http::header;
use url::form_urlencoded;

use super::standing::who;
use super::{Answer, framed};
use crate::BASE;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::session::Visit;
use crate::words::capital;

pub(super) const PER_PAGE: usize = 25;

/// More entries are not exported at once: what is exported stands in memory.
const MOST_EXPORTED: usize = 10_000;
const AT_A_TIME: usize = 1_000;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The times that can be looked back, all of it unless another is chosen.
const TIMES: [(&str, &str, Option<u32>); 4] = [
    ("", "Any time", None),
    ("day", "Last 24 hours", Some(1)),
    ("week", "Last 7 days", Some(7)),
    ("month", "Last 30 days", Some(30)),
];

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage<'a> {
    frame: &'a Frame,
    lines: Vec<Line>,
    subject: Option<Subject>,
    next: Option<String>,
    asked: &'a Asked,
    people: Vec<Person>,
    export: String,
}

/// An entry as the table shows it.
pub(super) struct Line {
    pub(super) at: Timestamp,
    pub(super) who: String,
    pub(super) what: &'static str,
    /// None where it is whoever did it.
    pub(super) subject: Option<Subject>,
    pub(super) from: String,
    pub(super) diff: Vec<Difference>,
}

/// What an entry is about.
#[derive(Clone)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) link: Option<String>,
}

/// What was done, as a sentence begins. What is not here is shown by its name.
const ACTIONS: &[(&str, &str)] = &[
    ("client.create", "Created client"),
    ("client.update", "Changed"),
    ("client.disable", "Disabled"),
    ("client.enable", "Enabled"),
    ("client.revoke", "Revoked"),
    ("client.delete", "Deleted client"),
    ("secret.rotate", "Rotated the secret of"),
    ("secret.kill", "Ended a secret of"),
    ("secret.reveal", "Showed a secret of"),
    ("signing-key.reveal", "Showed a signing key of"),
    ("signing-key.rotate", "Made a new signing key for"),
    ("signing-key.end", "Ended the old signing keys of"),
    ("webhook-url.move", "Changed the address of a webhook URL of"),
    ("webhook-url.test", "Sent a test to a webhook URL of"),
    ("webhook-url.headers", "Changed the headers of a webhook URL of"),
    ("webhook-url.pause", "Paused a webhook URL of"),
    ("webhook-url.resume", "Resumed a webhook URL of"),
    ("webhook-url.disable", "Disabled a webhook URL that took nothing of"),
    ("webhook-url.enable", "Enabled a webhook URL of"),
    ("delivery.cancel", "Cancelled a delivery for"),
    ("delivery.send-now", "Sent a delivery at once for"),
    ("delivery.replay", "Sent a delivery again for"),
    ("replay.start", "Started a replay for"),
    ("replay.pause", "Paused a replay for"),
    ("replay.resume", "Resumed a replay for"),
    ("replay.cancel", "Cancelled a replay for"),
    ("workspace.create", "Created workspace"),
    ("notice-url.set", "Set where notices go of"),
    ("notice-url.remove", "Removed where notices go of"),
    ("workspace.rename", "Renamed workspace"),
    ("member.change", "Changed the role of"),
    ("member.remove", "Removed from a workspace"),
    ("invitation.make", "Invited somebody"),
    ("invitation.withdraw", "Withdrew an invitation"),
    ("invitation.accept", "Accepted an invitation"),
    ("password-link.make", "Made a link for a new password of"),
    ("user.set-password", "Set a new password by a link"),
    ("session.end", "Ended a session"),
    ("access.refuse", "Was refused a change of"),
    ("user.set-up", "Set up Gatepost"),
    ("user.sign-in", "Signed in"),
    ("user.sign-out-everywhere", "Signed out everywhere"),
    ("user.sign-in-failures", "Failed to sign in too often as"),
    ("second-factor.add", "Added a second factor"),
    ("second-factor.remove", "Removed the second factor"),
];

/// What the address of the log asks for.
#[derive(Clone, Debug, Default)]
struct Asked {
    subject: String,
    person: String,
    kind: String,
    time: String,
    before: Option<String>,
}

impl Asked {
    fn read(query: &Form) -> Self {
        Self {
            subject: query.text("subject").to_owned(),
            person: query.text("person").to_owned(),
            kind: query.text("kind").to_owned(),
            time: query.text("time").to_owned(),
            before: query.given("before").map(str::to_owned),
        }
    }

    fn wanted(&self, now: Timestamp) -> Wanted {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        let days = TIMES.iter().find(|(name, ..)| *name == self.time).and_then(|(.., days)| *days);
        Wanted {
            subject: given(&self.subject),
            person: given(&self.person),
            kind: Kind::from_name(&self.kind),
            since: days.map(|days| now.minus(DAY * days)),
            until: None,
        }
    }

    /// The address of the log, or of what is below it, that asks for this.
    fn address(&self, below: &str) -> String {
        let pairs = [
            ("subject", self.subject.as_str()),
            ("person", &self.person),
            ("kind", &self.kind),
            ("time", &self.time),
            ("before", self.before.as_deref().unwrap_or_default()),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
        format!("{BASE}/audit{below}?{}", query.finish())
    }

    fn times(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> + '_ {
        TIMES.iter().map(|(name, label, _)| (*name, *label, *name == self.time))
    }

    fn kinds(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> + '_ {
        Kind::ALL.into_iter().map(|kind| (kind.as_str(), label(kind), kind.as_str() == self.kind))
    }
}

const fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::Created => "Created",
        Kind::Changed => "Changed",
        Kind::Shown => "Secret shown",
        Kind::Rotated => "Rotated",
        Kind::Stopped => "Stopped or removed",
        Kind::Deliveries => "Deliveries",
        Kind::SignIns => "Signing in",
        Kind::Refused => "Refused",
    }
}

/// `GET /audit`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Answer {
    let asked = Asked::read(&Form::query(query.as_deref()));
    let place = (asked.before.clone(), PER_PAGE);
    let seen = gatepost.audit_seen_by(Some(visit.user()), asked.wanted(gatepost.now()), place).await?;
    let names = gatepost.user_names().await?;
    let mut subjects = client_names(&gatepost, &seen.rows).await;
    subjects.extend(visit.user().administered().map(|one| (one.id.clone(), one.name.clone())));
    let subject_of = |id: &str| subject_named(id, &names, &subjects);
    let frame = Frame::new(&visit, Section::Audit);
    let lines = seen.rows.iter().map(|entry| line(entry, &names, subject_of(&entry.subject_id))).collect();
    let next = seen.next.map(|before| Asked { before: Some(before), ..asked.clone() }.address(""));
    // Whoever sees nothing of it is not told its name either.
    let subject = (!asked.subject.is_empty()).then(|| match seen.rows.is_empty() {
        true => Subject { name: asked.subject.clone(), link: None },
        false => subject_of(&asked.subject),
    });
    let export = Asked { before: None, ..asked.clone() }.address("/export");
    let people = gatepost.people_seen_by(visit.user()).await?;
    framed(
        &gatepost,
        &frame,
        &AuditPage { frame: &frame, lines, subject, next, asked: &asked, people, export },
    )
}

/// `GET /audit/export`: what the filter finds, as CSV.
pub(super) async fn export(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Answer {
    let asked = Asked::read(&Form::query(query.as_deref()));
    let names = gatepost.user_names().await?;
    let mut csv = String::from("time,who,action,subject,from,changes\r\n");
    let (mut before, mut left) = (asked.before.clone(), MOST_EXPORTED);
    loop {
        let place = (before, left.min(AT_A_TIME));
        let seen = gatepost.audit_seen_by(Some(visit.user()), asked.wanted(gatepost.now()), place).await?;
        left = left.saturating_sub(seen.rows.len());
        for entry in &seen.rows {
            csv.push_str(&csv_line(entry, &names));
        }
        before = seen.next;
        if before.is_none() {
            break;
        }
        if left == 0 {
            csv.push_str("There is more: choose a shorter time\r\n");
            break;
        }
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit-log.csv\""),
    ];
    Ok((headers, csv).into_response())
}

fn csv_line(entry: &Entry, names: &HashMap<String, String>) -> String {
    let side = |side: Option<String>| side.unwrap_or_else(|| String::from("nothing"));
    let changes = differences(entry).into_iter();
    let changes = changes.map(|one| format!("{}: {} → {}", one.field, side(one.old), side(one.new)));
    let cells = [
        entry.at.iso(),
        who(&entry.actor, names),
        entry.action.clone(),
        entry.subject_id.clone(),
        entry.address.clone().unwrap_or_default(),
        changes.collect::<Vec<_>>().join("; "),
    ];
    let line: Vec<_> = cells.iter().map(|text| cell(text)).collect();
    format!("{}\r\n", line.join(","))
}

/// A cell (RFC 4180). Spreadsheets take what begins like a formula for one, and run it: an apostrophe makes it text.
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

/// An entry as the table shows it.
pub(super) fn line(entry: &Entry, names: &HashMap<String, String>, subject: Subject) -> Line {
    let what = ACTIONS.iter().find(|(action, _)| *action == entry.action);
    let is_own = entry.actor.strip_prefix("user:") == Some(&entry.subject_id);
    Line {
        at: entry.at,
        who: capital(&who(&entry.actor, names)),
        what: what.map_or("Did something to", |(_, what)| what),
        subject: (!is_own).then_some(subject),
        from: entry.address.clone().unwrap_or_default(),
        diff: differences(entry),
    }
}

/// The names of the clients of a page; one that was deleted is called by its id.
async fn client_names(gatepost: &Gatepost, entries: &[Entry]) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.subject_id.starts_with(ids::CLIENT)) {
        if !names.contains_key(&entry.subject_id)
            && let Ok(client) = gatepost.get_client(&entry.subject_id).await
        {
            names.insert(entry.subject_id.clone(), client.name.clone());
        }
    }
    names
}

fn subject_named(id: &str, users: &HashMap<String, String>, known: &BTreeMap<String, String>) -> Subject {
    let name = known.get(id).or_else(|| users.get(id)).cloned();
    let is_client = name.is_some() && id.starts_with(ids::CLIENT);
    Subject {
        name: name.unwrap_or_else(|| id.to_owned()),
        link: is_client.then(|| format!("{BASE}/clients/{id}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_ends_before_its_end() {
        for (text, wanted) in [
            ("plain", "\"plain\""),
            ("a \"b\", c", "\"a \"\"b\"\", c\""),
            ("=HYPERLINK(1)", "\"'=HYPERLINK(1)\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@x", "\"'@x\""),
            ("\tx", "\"'\tx\""),
            ("\rx", "\"'\rx\""),
        ] {
            assert_eq!(cell(text), wanted);
        }
    }
}
