//! Signing in with email and password.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect};
use gatepost_core::Gatepost;
use gatepost_core::sessions::{IDLE, Refusal, SignedIn};
use http::{StatusCode, request};

use super::{Answer, page, page_with};
use crate::failure::Failure;
use crate::form::Form;
use crate::frame::Theme;
use crate::session::caller;
use crate::{cookies, returning};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    theme: Option<Theme>,
    problem: Option<String>,
    is_wrong: bool,
    email: &'a str,
    returning: &'a str,
}

/// `GET /sign-in`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    RawQuery(query): RawQuery,
    parts: request::Parts,
) -> Answer {
    let query = Form::query(query.as_deref());
    let returning = returning::safe(query.text("return"));
    let mut problem = None;
    if let Some(token) = cookies::session(&gatepost, &parts.headers) {
        if gatepost.visitor(caller(&parts).0, token).await?.is_some() {
            return Ok(Redirect::to(returning).into_response());
        }
        problem = Some(format!("You were signed out after {} minutes without use.", IDLE.as_secs() / 60));
    }
    let theme = Theme::read(&parts.headers);
    page(&SignInPage { theme, problem, is_wrong: false, email: "", returning })
}

/// `POST /sign-in`
pub(super) async fn send(State(gatepost): State<Arc<Gatepost>>, parts: request::Parts, form: Form) -> Answer {
    let returning = returning::safe(form.text("return"));
    let old = cookies::session(&gatepost, &parts.headers);
    let (email, password) = (form.text("email"), form.secret("password"));
    match gatepost.sign_in(caller(&parts).0, email, &password, old).await {
        Ok(signed_in) => Ok(let_in(&gatepost, &signed_in, returning)),
        Err(Refusal::Failed(error)) => Err(error.into()),
        Err(refusal) => {
            let (status, problem) = refused(&refusal, "Email or password");
            let is_wrong = matches!(refusal, Refusal::Wrong { .. });
            let theme = Theme::read(&parts.headers);
            page_with(status, &SignInPage { theme, problem: Some(problem), is_wrong, email, returning })
        }
    }
}

/// Gives the browser its session, and leads on: to the page that was asked for, or to the second step.
pub(super) fn let_in(gatepost: &Gatepost, signed_in: &SignedIn, to: &str) -> axum::response::Response {
    let cookie = cookies::set_session(gatepost, signed_in.token.expose());
    let to = if signed_in.needs_second_factor { returning::second_step(to) } else { to.to_owned() };
    ([cookie], Redirect::to(&to)).into_response()
}

/// What somebody is told who was not let in, and with which status.
pub(super) fn refused(refusal: &Refusal, what: &str) -> (StatusCode, String) {
    match refusal {
        Refusal::Wrong { left: 0 } => {
            (StatusCode::UNPROCESSABLE_ENTITY, format!("{what} is wrong. That was the last try for now."))
        }
        Refusal::Wrong { left: 1 } => (
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("{what} is wrong. You can try once more in the next 15 minutes."),
        ),
        Refusal::Wrong { left } => (
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("{what} is wrong. You can try {} more times in the next 15 minutes.", in_words(*left)),
        ),
        Refusal::Wait(wait) => {
            (StatusCode::TOO_MANY_REQUESTS, format!("Too many tries. Wait {}.", minutes(*wait)))
        }
        Refusal::NotBegun | Refusal::Failed(_) => {
            (StatusCode::UNPROCESSABLE_ENTITY, String::from("That took too long. Begin again."))
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Failed(error) => error.into(),
            refusal => Self::Conflict(refused(&refusal, "The password").1),
        }
    }
}

fn in_words(number: u32) -> &'static str {
    match number {
        2 => "two",
        3 => "three",
        4 => "four",
        _ => "a few",
    }
}

fn minutes(wait: Duration) -> String {
    match wait.as_secs().div_ceil(60) {
        0 | 1 => String::from("a minute"),
        minutes => format!("{minutes} minutes"),
    }
}
