//! Giving oneself a second factor, and taking it away.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use gatepost_core::people::Enrolment;
use gatepost_core::sessions::Refusal;
use gatepost_core::{Error, Gatepost};
use gatepost_keys::Plain;
use http::StatusCode;
use qrcodegen::{QrCode, QrCodeEcc};

use super::sign_in::refused;
use super::{Answer, changed, framed, page_with};
use crate::BASE;
use crate::flash::Flash;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::session::Visit;

#[derive(Template)]
#[template(path = "second_factor.html")]
struct SecondFactorPage<'a> {
    frame: &'a Frame,
    step: Step<'a>,
    problem: Option<String>,
}

enum Step<'a> {
    /// The password comes first: a borrowed session must not lock its owner out.
    Password { has_one: bool },
    /// The picture for the authenticator, and the code that it shows.
    Enrol { enrolment: &'a Enrolment, picture: Picture },
    /// The codes for when the authenticator is lost, this once.
    Codes { codes: &'a [Plain] },
}

/// A picture of dark squares: its size, and one path.
struct Picture {
    size: i32,
    path: String,
}

impl Picture {
    fn of(text: &str) -> Option<Self> {
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
        let mut path = String::new();
        for y in 0..code.size() {
            for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
                path.push_str(&format!("M{} {}h1v1h-1z", x + MARGIN, y + MARGIN));
            }
        }
        Some(Self { size: code.size() + 2 * MARGIN, path })
    }
}

/// Readers need so many light squares around.
const MARGIN: i32 = 4;

/// `GET /account/second-factor`
pub(super) async fn show(State(gatepost): State<Arc<Gatepost>>, visit: Visit) -> Answer {
    let frame = Frame::new(&visit, Section::Account);
    let step = Step::Password { has_one: visit.user().has_second_factor };
    framed(&gatepost, &frame, &SecondFactorPage { frame: &frame, step, problem: None })
}

/// `POST /account/second-factor`: with the password, begins to add one, or removes the one that is there.
pub(super) async fn begin(State(gatepost): State<Arc<Gatepost>>, visit: Visit, form: Form) -> Answer {
    let has_one = visit.user().has_second_factor;
    match gatepost.check_password(&visit.visitor, &form.secret("password")).await {
        Ok(()) => {}
        Err(Refusal::Failed(error)) => return Err(error.into()),
        Err(refusal) => {
            let (status, problem) = refused(&refusal, "The password");
            return again(&visit, Step::Password { has_one }, problem, status);
        }
    }
    if has_one {
        gatepost.remove_second_factor(&visit.actor(), visit.user()).await?;
        return changed(&gatepost, Flash::SecondFactorRemoved, &format!("{BASE}/account"));
    }
    let enrolment = gatepost.enrol_second_factor(visit.user()).await?;
    let frame = Frame::new(&visit, Section::Account);
    let picture = Picture::of(enrolment.link.expose()).unwrap_or(Picture { size: 1, path: String::new() });
    let step = Step::Enrol { enrolment: &enrolment, picture };
    framed(&gatepost, &frame, &SecondFactorPage { frame: &frame, step, problem: None })
}

/// `POST /account/second-factor/confirm`: the first code; answers with the recovery codes.
pub(super) async fn confirm(State(gatepost): State<Arc<Gatepost>>, visit: Visit, form: Form) -> Answer {
    if !visit.visitor.is_fresh {
        return Ok(Redirect::to(&format!("{BASE}/account/second-factor")).into_response());
    }
    match gatepost.confirm_second_factor(&visit.actor(), visit.user(), form.text("code")).await {
        Ok(codes) => {
            let frame = Frame::new(&visit, Section::Account);
            let step = Step::Codes { codes: &codes };
            framed(&gatepost, &frame, &SecondFactorPage { frame: &frame, step, problem: None })
        }
        Err(Error::Invalid { .. }) => {
            let problem = "This is not the code that the authenticator shows now. Begin again.";
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            again(&visit, Step::Password { has_one: false }, problem.to_owned(), status)
        }
        Err(error) => Err(error.into()),
    }
}

fn again(visit: &Visit, step: Step<'_>, problem: String, status: StatusCode) -> Answer {
    let frame = Frame::new(visit, Section::Account);
    page_with(status, &SecondFactorPage { frame: &frame, step, problem: Some(problem) })
}
