//! Light or dark: a choice that the browser keeps.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use gatepost_core::Gatepost;
use http::{HeaderMap, header};

use super::Answer;
use crate::failure::Failure;
use crate::form::Form;
use crate::frame::Theme;
use crate::returning;

/// `POST /theme`: leads back to the page whose switch it was.
pub(super) async fn send(State(gatepost): State<Arc<Gatepost>>, headers: HeaderMap, form: Form) -> Answer {
    let theme = Theme::from_name(form.text("theme")).ok_or(Failure::Malformed)?;
    let from = headers.get(header::REFERER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // Of the address that the browser names only the path counts, and only one of ours.
    let path = from.splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap_or_default();
    Ok(([theme.set(&gatepost)], Redirect::to(returning::safe(&path))).into_response())
}
