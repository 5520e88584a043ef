//! The workspaces that a client is enabled for.

use std::sync::Arc;

use axum::extract::{Path, State};
use gatepost_core::clients::{ClientChange, ListChange};
use gatepost_core::{Error, Gatepost};

use super::client::{Over, address, changeable, page_of};
use super::untick::Untick;
use super::{Answer, changed, conflict};
use crate::BASE;
use crate::failure::sentence;
use crate::flash::Flash;
use crate::form::Form;
use crate::returning;
use crate::session::Visit;

/// `POST /clients/{id}/workspaces`
pub(super) async fn send(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    let workspaces = form.all("workspace");
    if form.revision().is_some_and(|revision| revision != client.revision) {
        let lists = [("workspaces", "workspace", workspaces.as_slice())];
        return conflict::lists(&gatepost, &visit, &client, &form, &lists).await;
    }
    let (impact, names) = (gatepost.impact(client.number).await?, gatepost.user_names().await?);
    if let Some(question) = Untick::workspaces(&client, workspaces.clone(), &impact, &names, &form) {
        let over = question.over()?;
        return page_of(&gatepost, &visit, client, &over).await;
    }
    let change = ClientChange {
        revision: form.revision(),
        workspaces: ListChange { set: Some(workspaces), ..ListChange::default() },
        ..ClientChange::default()
    };
    match gatepost.update_client(&visit.actor(), &client.id, change).await {
        // Without a workspace it belongs to who made it.
        Ok(saved) if !visit.user().manages(&saved.client) => {
            changed(&gatepost, Flash::saved(&gatepost, visit.now), BASE)
        }
        Ok(_) => match form.given("return") {
            Some(page) => changed(&gatepost, Flash::saved(&gatepost, visit.now), returning::safe(page)),
            None => changed(
                &gatepost,
                Flash::saved(&gatepost, visit.now),
                &format!("{}#workspaces", address(&client)),
            ),
        },
        Err(Error::Invalid { problem, .. }) => {
            page_of(&gatepost, &visit, client, &Over::problem(sentence(&problem))).await
        }
        Err(error) => Err(error.into()),
    }
}
