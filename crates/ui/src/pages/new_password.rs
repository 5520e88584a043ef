//! Setting a new password, by the link that an owner made.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use gatepost_core::sessions::Refusal;
use gatepost_core::{Error, Gatepost};
use http::{StatusCode, request};

use super::invitation::of_link;
use super::{Answer, page, page_with};
use crate::failure::sentence;
use crate::form::Form;
use crate::frame::Theme;
use crate::session::caller;
use crate::{BASE, cookies};

#[derive(Template)]
#[template(path = "new_password.html")]
struct NewPasswordPage<'a> {
    theme: Option<Theme>,
    email: &'a str,
    problem: Option<String>,
}

/// `GET /password/{token}`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    Path(token): Path<String>,
    parts: request::Parts,
) -> Answer {
    let user = gatepost.open_password_link(caller(&parts).0, &token).await.map_err(of_link)?;
    page(&NewPasswordPage { theme: Theme::read(&parts.headers), email: &user.email, problem: None })
}

/// `POST /password/{token}`: leads to signing in, which asks for a second factor too.
pub(super) async fn send(
    State(gatepost): State<Arc<Gatepost>>,
    Path(token): Path<String>,
    parts: request::Parts,
    form: Form,
) -> Answer {
    let from = caller(&parts).0;
    match gatepost.set_password_by_link(from, &token, &form.secret("password")).await {
        Ok(()) => {
            Ok(([cookies::clear_session(&gatepost)], Redirect::to(&format!("{BASE}/sign-in")))
                .into_response())
        }
        Err(Refusal::Failed(Error::Invalid { field, problem })) => {
            let user = gatepost.open_password_link(from, &token).await.map_err(of_link)?;
            let problem = Some(sentence(&format!("{field} {problem}")));
            let theme = Theme::read(&parts.headers);
            let again = NewPasswordPage { theme, email: &user.email, problem };
            page_with(StatusCode::UNPROCESSABLE_ENTITY, &again)
        }
        Err(refusal) => Err(of_link(refusal)),
    }
}
