//! Why one request was refused, and what to change.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use gatepost_core::Gatepost;
use gatepost_core::gate::{Business, Check, Finding, Reason};
use gatepost_core::requests::Explained;
use gatepost_http::gate::BUSINESS;
use gatepost_model::{Timestamp, User, Workspace};
use http::StatusCode;
use serde_json::json;

use super::{Answer, framed};
use crate::frame::{Frame, Section};
use crate::session::Visit;

#[derive(Template)]
#[template(path = "explain.html")]
struct ExplainPage<'a> {
    frame: &'a Frame,
    explained: &'a Explained,
    steps: Vec<Step>,
    advice: Advice<'a>,
    answer: String,
}

/// One check of the gate.
struct Step {
    place: usize,
    name: String,
    finding: Finding,
    text: &'static str,
}

/// What to change.
pub(super) struct Advice<'a> {
    /// In words.
    pub(super) text: String,
    /// A workspace for which the client could be enabled.
    pub(super) enable: Option<&'a Workspace>,
    /// A header that could be sent.
    pub(super) header: Option<String>,
}

/// `GET /requests/{id}`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    let explained = gatepost.explain_refusal(visit.user(), &id).await?;
    let frame = Frame::new(&visit, Section::Requests);
    let page = ExplainPage {
        frame: &frame,
        explained: &explained,
        steps: steps(&explained),
        advice: advice(&explained, visit.user()),
        answer: answer(&explained),
    };
    framed(&gatepost, &frame, &page)
}

impl ExplainPage<'_> {
    /// Where the request was stopped: "check 5 of 8: workspace".
    fn stop(&self) -> String {
        let stopped = self.steps.iter().find(|step| step.is_failed());
        let (place, name) = stopped.map_or((0, ""), |step| (step.place, step.name.as_str()));
        format!("check {place} of {}: {}", self.steps.len(), name.to_lowercase())
    }

    /// The requests that were stopped by the same check.
    fn same_link(&self) -> String {
        super::requests::address_of(&self.explained.client.id, &self.explained.refusal.refused_by)
    }

    fn at(&self) -> Timestamp {
        self.explained.refusal.at
    }

    fn hides_workspaces(&self) -> bool {
        self.explained.reason == Reason::ForeignWorkspace
    }

    /// All workspaces of the client, and the one to be enabled.
    fn enabled_with<'w>(&'w self, added: &'w Workspace) -> impl Iterator<Item = &'w Workspace> {
        self.explained.client.workspaces.iter().chain(Some(added))
    }
}

impl Step {
    fn is_failed(&self) -> bool {
        matches!(self.finding, Finding::Failed(_))
    }

    fn is_passed(&self) -> bool {
        self.finding == Finding::Passed
    }
}

fn steps(explained: &Explained) -> Vec<Step> {
    let text = |check, finding| match finding {
        Finding::Passed => passed_text(check),
        Finding::Failed(reason) => failed_text(reason),
        Finding::NotReached => "Not reached",
    };
    (1..)
        .zip(explained.trace.iter())
        .map(|(place, (check, finding))| Step {
            place,
            name: super::requests::name_of(check),
            finding,
            text: text(check, finding),
        })
        .collect()
}

const fn passed_text(check: Check) -> &'static str {
    match check {
        Check::Shape => "Well formed.",
        Check::Token => "Genuine, and within its lifetime.",
        Check::Client => "Active, and so was the secret behind the token.",
        Check::Address => "Allowed.",
        Check::Workspace => "Enabled for this client.",
        Check::RateLimit => "There were calls left in this hour.",
        Check::Version => "Exists.",
        Check::Route => "Exists.",
    }
}

const fn failed_text(reason: Reason) -> &'static str {
    match reason {
        Reason::NoWorkspace => "No business header was sent.",
        Reason::SeveralBusinessHeaders => "The business header came twice.",
        Reason::SeveralAuthorizations => "The Authorization header came twice.",
        Reason::MalformedAuthorization => "The Authorization header does not hold Bearer and a token.",
        Reason::TokenInQuery => "The token was sent in the query.",
        Reason::NoToken => "No token was sent.",
        Reason::ForeignAddress => "The address is not on the client's allow list.",
        Reason::UnknownVersion => "The path names a version that does not exist.",
        Reason::UnknownRoute => "There is no such path, or not with this HTTP method.",
        other => other.explanation(),
    }
}

/// What to change so that the request passes (ui.md 6, Explain).
pub(super) fn advice<'a>(explained: &'a Explained, user: &User) -> Advice<'a> {
    let client = &explained.client;
    let header = |workspace: &str| Some(format!("{BUSINESS}: {workspace}"));
    let first = client.workspaces.first().map(|workspace| workspace.subdomain.as_str());
    let plain = |text: &str| Advice { text: text.to_owned(), enable: None, header: None };
    match explained.reason {
        Reason::NoWorkspace => Advice {
            text: String::from("Send this header with every request. The token is right."),
            enable: None,
            header: first.and_then(header),
        },
        Reason::ForeignWorkspace => foreign(explained, user),
        Reason::SeveralBusinessHeaders => plain("Send it once."),
        Reason::KilledSecret | Reason::EndedSecret => {
            plain("Give the tool the client's newest secret, and let it ask for a new token.")
        }
        Reason::DisabledClient => plain("Enable the client on its page, if it may act again."),
        Reason::RevokedClient => plain("A revoked client cannot come back. Create a new one for the tool."),
        Reason::ForeignAddress => plain(
            "Add the address to the client's allow list in its settings, if the tool may call from there.",
        ),
        Reason::OverLimit => plain(
            "Have the tool wait as long as Retry-After says, or raise the client's rate limit in its settings.",
        ),
        other => plain(other.help()),
    }
}

fn foreign<'a>(explained: &'a Explained, user: &User) -> Advice<'a> {
    let client = &explained.client;
    let enabled: Vec<_> = client.workspaces.iter().map(|workspace| workspace.subdomain.as_str()).collect();
    let others = if enabled.is_empty() { String::from("none") } else { enabled.join(", ") };
    let named = explained.refusal.workspace.as_deref().unwrap_or_default();
    match &explained.workspace {
        Some(asked) if enabled.contains(&named) => Advice {
            text: format!("{} is enabled for {} meanwhile. Send the request again.", client.name, asked.name),
            enable: None,
            header: None,
        },
        Some(asked) => Advice {
            text: format!(
                "Either let {} act in {}, or send another workspace. It is enabled for: {others}. The ID, secret and token are right; there is no need to make new ones.",
                client.name, asked.name
            ),
            enable: Some(asked),
            header: None,
        },
        None => {
            let close = close_to(named, user);
            let hint = close.map(|close| format!(" Close to it: {close}.")).unwrap_or_default();
            Advice {
                text: format!(
                    "No workspace of yours is called {named}.{hint} Correct the header. The client is enabled for: {others}."
                ),
                enable: None,
                header: close.map(|close| format!("{BUSINESS}: {close}")),
            }
        }
    }
}

/// The workspace of the reader whose name is most like this one, if one is.
fn close_to<'u>(named: &str, user: &'u User) -> Option<&'u str> {
    let named = named.to_lowercase();
    user.administered()
        .map(|workspace| workspace.subdomain.as_str())
        .filter(|known| {
            !named.is_empty()
                && (known.contains(&named) || named.contains(known) || steps_between(known, &named) <= 3)
        })
        .min_by_key(|known| steps_between(known, &named))
}

/// How many letters have to be added, dropped or exchanged to make one text of the other.
fn steps_between(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (place, letter) in one.chars().enumerate() {
        let mut diagonal = place;
        let mut left = place + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, wanted) in row.iter_mut().skip(1).zip(other.chars()) {
            let exchanged = diagonal + usize::from(letter != wanted);
            diagonal = *cell;
            *cell = exchanged.min(left + 1).min(diagonal + 1);
            left = *cell;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// The head of the answer, and its body.
fn answer(explained: &Explained) -> String {
    let refusal = &explained.refusal;
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    let business = refusal.workspace.as_deref().map_or(Business::Missing, Business::Named);
    let (message, name) = (explained.reason.message(business), explained.reason.name());
    let body = json!({ "code": refusal.status, "message": message, "name": name });
    format!("HTTP/1.1 {status}\nx-request-id: {}\ncontent-type: application/json\n\n{body}", refusal.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_as_far_apart_as_there_are_letters_to_change() {
        for (one, other, steps) in
            [("", "", 0), ("a", "", 1), ("kiln", "kiln", 0), ("kiln", "klin", 2), ("studio", "studios", 1)]
        {
            assert_eq!(steps_between(one, other), steps, "{one} {other}");
            assert_eq!(steps_between(other, one), steps, "{other} {one}");
        }
    }
}
