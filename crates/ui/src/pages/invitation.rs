//! Accepting an invitation, by its link.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use gatepost_core::invitations::OpenInvitation;
use gatepost_core::sessions::{Refusal, Visitor};
use gatepost_core::{Error, Gatepost};
use http::{StatusCode, request};

use super::sign_in::{let_in, refused};
use super::{Answer, changed, page, page_with};
use crate::failure::{Failure, sentence};
use crate::flash::Flash;
use crate::form::Form;
use crate::frame::Theme;
use crate::session::caller;
use crate::{BASE, cookies, returning};

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage<'a> {
    theme: Option<Theme>,
    open: &'a OpenInvitation,
    /// The email of whoever is signed in.
    visitor: Option<&'a str>,
    sign_in: String,
    name: &'a str,
    problem: Option<String>,
    wrong: &'a str,
}

/// `GET /invitation/{token}`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    Path(token): Path<String>,
    parts: request::Parts,
) -> Answer {
    let open = gatepost.open_invitation(caller(&parts).0, &token).await.map_err(of_link)?;
    let visitor = visitor(&gatepost, &parts).await?;
    page(&InvitationPage {
        theme: Theme::read(&parts.headers),
        visitor: visitor.as_ref().map(|visitor| visitor.user.email.as_str()),
        sign_in: returning::sign_in(&format!("{BASE}/invitation/{token}")),
        open: &open,
        name: "",
        problem: None,
        wrong: "",
    })
}

/// `POST /invitation/{token}`: joins, as whoever is signed in or as somebody new, who is signed in then.
pub(super) async fn accept(
    State(gatepost): State<Arc<Gatepost>>,
    Path(token): Path<String>,
    parts: request::Parts,
    form: Form,
) -> Answer {
    let from = caller(&parts).0;
    if let Some(visitor) = visitor(&gatepost, &parts).await? {
        gatepost.accept_as(&visitor, &token).await.map_err(of_link)?;
        return changed(&gatepost, Flash::Joined, &format!("{BASE}/account"));
    }
    let name = form.text("name");
    let (field, problem) = match gatepost.accept_as_new(from, &token, name, form.secret("password")).await {
        Ok(user) => {
            let signed_in = gatepost.sign_in_first(from, user).await?;
            return Ok(let_in(&gatepost, &signed_in, BASE));
        }
        Err(Refusal::Failed(Error::Invalid { field, problem })) => (field, problem),
        Err(refusal) => return Err(of_link(refusal)),
    };
    let open = gatepost.open_invitation(from, &token).await.map_err(of_link)?;
    let again = InvitationPage {
        theme: Theme::read(&parts.headers),
        open: &open,
        visitor: None,
        sign_in: String::new(),
        name,
        problem: Some(sentence(&format!("{field} {problem}"))),
        wrong: field,
    };
    page_with(StatusCode::UNPROCESSABLE_ENTITY, &again)
}

async fn visitor(gatepost: &Gatepost, parts: &request::Parts) -> Result<Option<Visitor>, Failure> {
    match cookies::session(gatepost, &parts.headers) {
        Some(token) => Ok(gatepost.visitor(caller(parts).0, token).await?),
        None => Ok(None),
    }
}

/// What somebody is told whose one-time link did not work.
pub(super) fn of_link(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Failed(Error::NotFound { .. }) => Failure::LinkEnded,
        Refusal::Failed(error) => error.into(),
        refusal => Failure::Wait(refused(&refusal, "The link").1),
    }
}
