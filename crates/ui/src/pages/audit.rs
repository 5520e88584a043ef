//! The audit log: who did what.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use gatepost_core::Gatepost;
use gatepost_core::audit::Entry;
use gatepost_core::differences::{Difference, differences};
use gatepost_model::{Timestamp, ids};
use url::form_urlencoded;

use super::standing::who;
use super::{Answer, framed};
use crate::BASE;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::session::Visit;
use crate::words::capital;

pub(super) const PER_PAGE: usize = 25;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage<'a> {
    frame: &'a Frame,
    lines: Vec<Line>,
    subject: Option<Subject>,
    next: Option<String>,
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

/// `GET /audit`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = Form::query(query.as_deref());
    let subject = query.given("subject").map(str::to_owned);
    let before = query.given("before").map(str::to_owned);
    let seen = gatepost.audit_seen_by(visit.user(), subject.clone(), before, PER_PAGE).await?;
    let names = gatepost.user_names().await?;
    let mut subjects = client_names(&gatepost, &seen.rows).await;
    subjects.extend(visit.user().administered().map(|one| (one.id.clone(), one.name.clone())));
    let subject_of = |id: &str| subject_named(id, &names, &subjects);
    let frame = Frame::new(&visit, Section::Audit);
    let lines = seen.rows.iter().map(|entry| line(entry, &names, subject_of(&entry.subject_id))).collect();
    let next = seen.next.map(|before| address(subject.as_deref(), &before));
    // Whoever sees nothing of it is not told its name either.
    let subject = subject.as_deref().map(|id| match seen.rows.is_empty() {
        true => Subject { name: id.to_owned(), link: None },
        false => subject_of(id),
    });
    framed(&gatepost, &frame, &AuditPage { frame: &frame, lines, subject, next })
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

fn address(subject: Option<&str>, before: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(subject) = subject {
        query.append_pair("subject", subject);
    }
    format!("{BASE}/audit?{}", query.append_pair("before", before).finish())
}
