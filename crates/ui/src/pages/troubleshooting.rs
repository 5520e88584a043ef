//! What an error means, from whatever somebody has of it. Nothing that is pasted here is kept, shown again or sent on.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use gatepost_core::gate::{Check, Reason};
use gatepost_core::{Error, Gatepost};

use super::{Answer, framed};
use crate::BASE;
use crate::curl::Call;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::session::Visit;

/// An error as callers see it (contract.md E).
struct CommonError {
    status: u16,
    message: &'static str,
    meaning: &'static str,
    remedy: &'static str,
}

const ERRORS: [CommonError; 6] = [
    CommonError {
        status: 400,
        message: "Business undefined is not enabled for this client.",
        meaning: "The business header is missing or empty. The token is fine.",
        remedy: "Send the business header with every request; its value is the workspace’s subdomain.",
    },
    CommonError {
        status: 400,
        message: "Business X is not enabled for this client.",
        meaning: "The header names a workspace that this client may not act in, or that does not exist. The token is fine.",
        remedy: "Check Workspaces on the client’s page before you make new credentials.",
    },
    CommonError {
        status: 401,
        message: "Unauthorized",
        meaning: "The token is missing, wrong or too old, or its client or secret was stopped.",
        remedy: "Ask /oauth/token for a new one with the same ID and secret.",
    },
    CommonError {
        status: 400,
        message: "Invalid client: client is invalid",
        meaning: "ID or secret is wrong, or the client is disabled. With HTTP Basic the status is 401.",
        remedy: "Compare the last four characters with Credentials. A lost secret can be rotated.",
    },
    CommonError {
        status: 403,
        message: "Method not allowed",
        meaning: "There is no such route or verb. Choosing methods never causes this.",
        remedy: "Look the path up in the API reference.",
    },
    CommonError {
        status: 429,
        message: "Too many requests",
        meaning: "The client used up its calls for this hour.",
        remedy: "Wait as long as Retry-After says.",
    },
];

#[derive(Template)]
#[template(path = "troubleshooting.html")]
struct TroubleshootingPage<'a> {
    frame: &'a Frame,
    finding: Option<Finding>,
}

/// What was found out.
#[derive(Default)]
struct Finding {
    title: String,
    text: String,
    /// What to send instead.
    line: Option<String>,
}

impl TroubleshootingPage<'_> {
    fn errors(&self) -> &'static [CommonError] {
        &ERRORS
    }

    /// The checks of the gate with the status that each answers.
    fn checks(&self) -> impl Iterator<Item = (usize, String, u16)> {
        (1..).zip(Check::ALL).map(|(place, check)| (place, super::requests::name_of(check), status_of(check)))
    }
}

const fn status_of(check: Check) -> u16 {
    let typical = match check {
        Check::Shape => Reason::SeveralAuthorizations,
        Check::Token => Reason::ExpiredToken,
        Check::Client => Reason::DisabledClient,
        Check::Address => Reason::ForeignAddress,
        Check::Workspace => Reason::NoWorkspace,
        Check::RateLimit => Reason::OverLimit,
        Check::Version => Reason::UnknownVersion,
        Check::Route => Reason::UnknownRoute,
    };
    typical.status()
}

/// `GET /troubleshooting`
pub(super) async fn show(State(gatepost): State<Arc<Gatepost>>, visit: Visit) -> Answer {
    let frame = Frame::new(&visit, Section::Troubleshooting);
    framed(&gatepost, &frame, &TroubleshootingPage { frame: &frame, finding: None })
}

/// `POST /troubleshooting`
pub(super) async fn send(State(gatepost): State<Arc<Gatepost>>, visit: Visit, form: Form) -> Answer {
    let pasted = form.text("paste").trim();
    let finding = match request_id(pasted) {
        Some(id) => match gatepost.explain_refusal(visit.user(), id).await {
            Ok(_) => return Ok(Redirect::to(&format!("{BASE}/requests/{id}")).into_response()),
            Err(Error::NotFound { .. }) => absent(),
            Err(error) => return Err(error.into()),
        },
        None if pasted.starts_with("curl ") => of_call(&Call::parse(pasted), &visit),
        None => of_message(pasted),
    };
    let frame = Frame::new(&visit, Section::Troubleshooting);
    framed(&gatepost, &frame, &TroubleshootingPage { frame: &frame, finding: Some(finding) })
}

/// The request id in a text, if there is one.
fn request_id(text: &str) -> Option<&str> {
    let rest = text.get(text.find("req_")?..)?;
    let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    rest.get(..end.unwrap_or(rest.len()))
}

fn absent() -> Finding {
    Finding {
        title: String::from("This id is not here"),
        text: String::from(
            "Refused requests of clients that you manage are kept for some days, and written down within seconds. Calls that passed are counted, not kept.",
        ),
        line: None,
    }
}

fn of_call(call: &Call, visit: &Visit) -> Finding {
    let workspace = visit.user().administered().next();
    let workspace = workspace.map_or("a-workspace", |workspace| workspace.subdomain.as_str());
    let (title, text) = match (call.authorizations, call.businesses) {
        _ if call.has_token_in_url => ("The token is in the address", Reason::TokenInQuery.help()),
        (2.., _) => ("The Authorization header is there twice", Reason::SeveralAuthorizations.help()),
        (_, 2..) => ("The business header is there twice", Reason::SeveralBusinessHeaders.help()),
        (0, _) => ("The token is missing", Reason::NoToken.help()),
        (_, 0) => (
            "The business header is missing",
            "Every API request needs it, even with a valid token. This line would be answered with “Business undefined is not enabled for this client.”",
        ),
        _ => (
            "This line is well formed",
            "Token and business header are there. If it is refused all the same, paste the X-Request-Id of the answer.",
        ),
    };
    Finding { title: title.to_owned(), text: text.to_owned(), line: Some(call.corrected(workspace)) }
}

fn of_message(pasted: &str) -> Finding {
    let has = |wanted: &str| pasted.to_lowercase().contains(&wanted.to_lowercase());
    let is_foreign = has("is not enabled for this client") && !has("Business undefined");
    let known = ERRORS.iter().find(|error| has(error.message));
    let known = known.or_else(|| ERRORS.get(1).filter(|_| is_foreign));
    match known.or_else(|| ERRORS.iter().find(|error| has(&error.status.to_string()))) {
        Some(error) => Finding {
            title: format!("{}: {}", error.status, error.message),
            text: format!("{} {}", error.meaning, error.remedy),
            line: None,
        },
        None => Finding {
            title: String::from("Nothing known fits"),
            text: String::from(
                "Paste the X-Request-Id of the answer, its message, or the curl line that you sent.",
            ),
            line: None,
        },
    }
}
