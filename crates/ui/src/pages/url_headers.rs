//! Headers that are sent along to a webhook URL.

use std::sync::Arc;

use axum::extract::{Path, State};
use gatepost_core::custom_headers::HeaderChange;
use gatepost_core::{Error, Gatepost};
use gatepost_keys::Plain;

use super::client::changeable;
use super::url::{Over, at, page_address, page_of};
use super::{Answer, changed};
use crate::failure::sentence;
use crate::flash::Flash;
use crate::form::Form;
use crate::session::Visit;

/// `POST /clients/{id}/urls/{url}/headers`: adds one, or gives one another value.
pub(super) async fn set(
    state: State<Arc<Gatepost>>,
    visit: Visit,
    path: Path<(String, String)>,
    form: Form,
) -> Answer {
    let value = form.secret("value");
    change(state, visit, path, form, Some(value)).await
}

/// `POST /clients/{id}/urls/{url}/headers/remove`
pub(super) async fn remove(
    state: State<Arc<Gatepost>>,
    visit: Visit,
    path: Path<(String, String)>,
    form: Form,
) -> Answer {
    change(state, visit, path, form, None).await
}

async fn change(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, url)): Path<(String, String)>,
    form: Form,
    value: Option<Plain>,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    let name = form.text("name").trim().to_owned();
    let change = HeaderChange { name: name.clone(), value };
    match gatepost.change_webhook_headers(&visit.actor(), at(&client, &url, &form), vec![change]).await {
        Ok(client) => changed(&gatepost, Flash::saved(&gatepost, visit.now), &page_address(&client, &url)),
        Err(Error::Invalid { problem, .. }) => {
            let over = Over { header: Some((name, sentence(&problem))), ..Over::default() };
            page_of(&gatepost, &visit, &client, &url, &over).await
        }
        Err(error) => Err(error.into()),
    }
}
