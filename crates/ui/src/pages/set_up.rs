//! The first user, by the link that the server prints as long as there is none.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use gatepost_core::people::NewUser;
use gatepost_core::{Error, Gatepost};
use http::{HeaderMap, StatusCode, request};

use super::sign_in::let_in;
use super::{Answer, page, page_with};
use crate::BASE;
use crate::failure::{Failure, sentence};
use crate::form::Form;
use crate::frame::Theme;
use crate::session::caller;

#[derive(Template)]
#[template(path = "set_up.html")]
struct SetUpPage<'a> {
    theme: Option<Theme>,
    problem: Option<String>,
    wrong: &'a str,
    name: &'a str,
    email: &'a str,
}

/// `GET /set-up/{token}`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Answer {
    if !gatepost.is_set_up_open(&token).await? {
        return Err(Failure::NotFound);
    }
    page(&SetUpPage { theme: Theme::read(&headers), problem: None, wrong: "", name: "", email: "" })
}

/// `POST /set-up/{token}`: makes the user and signs them in.
pub(super) async fn send(
    State(gatepost): State<Arc<Gatepost>>,
    Path(token): Path<String>,
    parts: request::Parts,
    form: Form,
) -> Answer {
    let from = caller(&parts).0;
    let (name, email) = (form.text("name"), form.text("email"));
    let new = NewUser { name: name.to_owned(), email: email.to_owned(), password: form.secret("password") };
    match gatepost.set_up(from, &token, new).await {
        Ok(user) => {
            let signed_in = gatepost.sign_in_first(from, user).await?;
            Ok(let_in(&gatepost, &signed_in, BASE))
        }
        Err(Error::Invalid { field, problem }) => {
            let problem = Some(sentence(&format!("{field} {problem}")));
            let theme = Theme::read(&parts.headers);
            page_with(
                StatusCode::UNPROCESSABLE_ENTITY,
                &SetUpPage { theme, problem, wrong: field, name, email },
            )
        }
        Err(error) => Err(error.into()),
    }
}
