//! A client's webhook URLs: adding, removing, showing the signing key.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use gatepost_core::attempts::Ends;
use gatepost_core::clients::{ClientChange, ListChange};
use gatepost_core::impact::Pending;
use gatepost_core::{Error, Gatepost};
use gatepost_model::{ApiClient, WebhookUrl};

use super::client::{Over, ShownValue, address, changeable, page_of};
use super::password::{self, Check};
use super::{Answer, changed};
use crate::BASE;
use crate::failure::{Failure, sentence};
use crate::flash::Flash;
use crate::form::Form;
use crate::session::Visit;

#[derive(Template)]
#[template(path = "dialogs/url_add.html")]
struct AddDialog<'a> {
    client: &'a ApiClient,
    url: &'a str,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "dialogs/url_remove.html")]
struct RemoveDialog<'a> {
    client: &'a ApiClient,
    url: &'a WebhookUrl,
    attempts: Ends,
    pending: Pending,
}

/// `GET /clients/{id}/urls/new`
pub(super) async fn show_new(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    let over = Over::dialog(&AddDialog { client: &client, url: "", problem: None })?;
    page_of(&gatepost, &visit, client, &over).await
}

/// `POST /clients/{id}/urls`: adds one, and shows its signing key.
pub(super) async fn add(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    let url = form.text("url").trim();
    let problem = if url.is_empty() {
        String::from("Enter the URL of the receiver.")
    } else {
        let urls = ListChange { add: vec![url.to_owned()], ..ListChange::default() };
        let change = ClientChange { webhook_urls: urls, ..ClientChange::default() };
        match gatepost.update_client(&visit.actor(), &client.id, change).await {
            Ok(_) => return changed(&gatepost, Flash::UrlAdded, &format!("{}#urls", address(&client))),
            Err(Error::Invalid { problem, .. }) => sentence(&problem),
            Err(error) => return Err(error.into()),
        }
    };
    let over = Over::dialog_again(&AddDialog { client: &client, url, problem: Some(problem) })?;
    page_of(&gatepost, &visit, client, &over).await
}

/// `GET /clients/{id}/urls/{url}/remove`
pub(super) async fn show_remove(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, url)): Path<(String, String)>,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    let url = client.webhook_url(&url).ok_or(Failure::NotFound)?;
    let attempts = gatepost.impact(client.number).await?.attempts_to(&url.id);
    let pending = gatepost.pending_of(client.number, Some(&url.id)).await?;
    let over = Over::dialog(&RemoveDialog { client: &client, url, attempts, pending })?;
    page_of(&gatepost, &visit, client, &over).await
}

/// `POST /clients/{id}/urls/{url}/remove`
pub(super) async fn remove(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, url)): Path<(String, String)>,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    let url = client.webhook_url(&url).ok_or(Failure::NotFound)?;
    let urls = ListChange { remove: vec![url.id.clone()], ..ListChange::default() };
    let change = ClientChange { webhook_urls: urls, ..ClientChange::default() };
    gatepost.update_client(&visit.actor(), &client.id, change).await?;
    changed(&gatepost, Flash::UrlRemoved, &format!("{}#urls", address(&client)))
}

/// `POST /clients/{id}/urls/{url}/key`: shows the signing key, if the password was asked for not long ago.
pub(super) async fn show_key(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, url)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let client = gatepost.managed_client(visit.user(), &id).await?;
    let action = format!("{BASE}/clients/{}/urls/{url}/key", client.id);
    match password::check(&gatepost, &visit, &form).await? {
        Check::Passed => {}
        Check::Asks(problem) => {
            let over = password::ask(&client, "Show the signing key", &action, problem)?;
            return page_of(&gatepost, &visit, client, &over).await;
        }
    }
    let value = gatepost.reveal_signing_key(&visit.actor(), &client.id, &url).await?;
    let label = client.webhook_url(&url).map_or("", |url| url.url.as_str());
    let shown = ShownValue {
        label: format!("Signing key of {label}"),
        value,
        hint: "The receiver checks each webhook with it. It is another than the client secret.",
        copied: "signing key",
    };
    page_of(&gatepost, &visit, client, &Over::shown(shown)).await
}
