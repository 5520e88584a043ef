//! The second factor, after the password was right.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect};
use gatepost_core::Gatepost;
use gatepost_core::sessions::Refusal;
use http::{HeaderMap, request};

use super::sign_in::{let_in, refused};
use super::{Answer, page, page_with};
use crate::form::Form;
use crate::frame::Theme;
use crate::session::caller;
use crate::{BASE, cookies, returning};

#[derive(Template)]
#[template(path = "second_step.html")]
struct SecondStepPage<'a> {
    theme: Option<Theme>,
    problem: Option<String>,
    by_recovery: bool,
    returning: &'a str,
}

/// `GET /second-step`
pub(super) async fn show(RawQuery(query): RawQuery, headers: HeaderMap) -> Answer {
    let query = Form::query(query.as_deref());
    page(&SecondStepPage {
        theme: Theme::read(&headers),
        problem: None,
        by_recovery: query.text("by") == "recovery",
        returning: returning::safe(query.text("return")),
    })
}

/// `POST /second-step`
pub(super) async fn send(State(gatepost): State<Arc<Gatepost>>, parts: request::Parts, form: Form) -> Answer {
    let returning = returning::safe(form.text("return"));
    let Some(token) = cookies::session(&gatepost, &parts.headers) else {
        return Ok(Redirect::to(&format!("{BASE}/sign-in")).into_response());
    };
    match gatepost.show_second_factor(caller(&parts).0, token, form.text("code")).await {
        Ok(signed_in) => Ok(let_in(&gatepost, &signed_in, returning)),
        Err(Refusal::Failed(error)) => Err(error.into()),
        Err(Refusal::NotBegun) => Ok(Redirect::to(&returning::sign_in(returning)).into_response()),
        Err(refusal) => {
            let (status, problem) = refused(&refusal, "The code");
            let by_recovery = form.text("by") == "recovery";
            let theme = Theme::read(&parts.headers);
            page_with(status, &SecondStepPage { theme, problem: Some(problem), by_recovery, returning })
        }
    }
}
