//! The account of whoever is signed in, and signing out.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use gatepost_core::Gatepost;
use gatepost_core::account_sessions::Held;
use gatepost_model::Membership;
use http::HeaderMap;

use super::{Answer, changed, framed};
use crate::flash::Flash;
use crate::frame::{Frame, Section};
use crate::session::Visit;
use crate::{BASE, cookies};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    frame: &'a Frame,
    email: &'a str,
    has_second_factor: bool,
    memberships: &'a [Membership],
    sessions: Vec<(Held, bool)>,
}

/// `GET /account`
pub(super) async fn show(State(gatepost): State<Arc<Gatepost>>, visit: Visit) -> Answer {
    let frame = Frame::new(&visit, Section::Account);
    let user = visit.user();
    let sessions = gatepost.list_sessions(&visit.actor(), &user.id).await?.into_iter();
    let page = AccountPage {
        frame: &frame,
        email: &user.email,
        has_second_factor: user.has_second_factor,
        memberships: &user.memberships,
        sessions: sessions
            .map(|held| {
                let is_this = held.is_of(&visit.visitor);
                (held, is_this)
            })
            .collect(),
    };
    framed(&gatepost, &frame, &page)
}

/// `POST /account/sessions/{session}/end`
pub(super) async fn end_session(
    State(gatepost): State<Arc<Gatepost>>,
    Path(session): Path<String>,
    visit: Visit,
) -> Answer {
    gatepost.end_session(&visit.actor(), &visit.user().id, &session).await?;
    changed(&gatepost, Flash::SessionEnded, &format!("{BASE}/account"))
}

/// `POST /sign-out`
pub(super) async fn sign_out(State(gatepost): State<Arc<Gatepost>>, headers: HeaderMap) -> Answer {
    if let Some(token) = cookies::session(&gatepost, &headers) {
        gatepost.sign_out(token).await?;
    }
    Ok(([cookies::clear_session(&gatepost)], Redirect::to(&format!("{BASE}/sign-in"))).into_response())
}

/// `POST /sign-out-everywhere`
pub(super) async fn sign_out_everywhere(State(gatepost): State<Arc<Gatepost>>, visit: Visit) -> Answer {
    gatepost.sign_out_everywhere(&visit.actor(), &visit.user().id).await?;
    Ok(([cookies::clear_session(&gatepost)], Redirect::to(&format!("{BASE}/sign-in"))).into_response())
}
