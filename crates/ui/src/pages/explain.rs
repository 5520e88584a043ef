//! Why one request was refused, and what to change.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use gatepost_core::Gatepost;
use gatepost_core::gate::{Business, Check, Finding, Reason};
use gatepost_core::requests::{Explained, UNKNOWN_CLIENT};
use gatepost_model::Timestamp;
use http::StatusCode;
use serde_json::json;

use super::advice::{Advice, failure_of};
use super::{Answer, framed};
use crate::frame::{Frame, Section};
use crate::session::Visit;
use crate::words;

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
    text: String,
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
        steps: steps(&explained, &visit),
        advice: Advice::of(&explained, visit.user()),
        answer: answer(&explained),
    };
    framed(&gatepost, &frame, &page)
}

/// Where a request was stopped: "check 5 of 8: workspace".
pub(super) fn stop_of(explained: &Explained) -> String {
    let checks = (1..).zip(explained.trace.iter());
    let stopped = checks.into_iter().find(|(_, (_, finding))| matches!(finding, Finding::Failed(_)));
    let (place, name) = stopped.map_or((0, ""), |(place, (check, _))| (place, check.as_str()));
    format!("check {place} of {}: {name}", Check::ALL.len())
}

impl ExplainPage<'_> {
    fn stop(&self) -> String {
        stop_of(self.explained)
    }

    /// The requests that were stopped by the same check.
    fn same_link(&self) -> String {
        let client = self.explained.client.as_ref().map_or(UNKNOWN_CLIENT, |client| client.id.as_str());
        super::requests::address_of(client, &self.explained.refusal.refused_by)
    }

    fn at(&self) -> Timestamp {
        self.explained.refusal.at
    }

    fn hides_workspaces(&self) -> bool {
        self.explained.reason == Reason::ForeignWorkspace
    }

    /// "All 14 requests", as far as they are counted.
    fn alike(&self) -> String {
        match self.explained.alike {
            0 | 1 => String::from("This request"),
            many => format!("All {}", words::count(many, "request")),
        }
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

fn steps(explained: &Explained, visit: &Visit) -> Vec<Step> {
    let text = |check, finding| match finding {
        Finding::Passed => passed_text(explained, check),
        Finding::Failed(_) => failure_of(explained, visit.user()),
        Finding::NotReached => String::from("Not reached"),
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

fn passed_text(explained: &Explained, check: Check) -> String {
    let client = explained.client.as_ref().map_or("The client", |client| client.name.as_str());
    match check {
        Check::Shape => String::from("Well formed."),
        Check::Token => String::from("Genuine, and within its lifetime."),
        Check::Client => format!("{client} was active, and so was the secret behind the token."),
        Check::Address => format!("{} was allowed.", explained.refusal.address),
        Check::Workspace => match &explained.refusal.workspace {
            Some(workspace) => format!("{client} was enabled for {workspace}."),
            None => String::from("Enabled for this client."),
        },
        Check::RateLimit => String::from("There were calls left in this hour."),
        Check::Version | Check::Route => String::from("Exists."),
    }
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
