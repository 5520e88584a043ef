//! Workspaces: making and listing them.

use std::sync::Arc;

use gatepost_model::webhook::Verb;
use gatepost_model::{Subdomain, Workspace, ids};
use gatepost_store::StoreError;
use gatepost_store::tables::{records, workspaces};
use serde_json::json;

use crate::audit::Note;
use crate::people::own_new_workspace;
use crate::{Actor, Error, Gatepost, view};

/// The longest name of a workspace or client, in characters.
pub const LONGEST_NAME: usize = 200;

impl Gatepost {
    /// Makes a workspace, and the record by which the REST API shows it (`/businesses`, contract.md F 1). The record's id is
    /// the workspace's own, which is what other records name as their `businessId`.
    ///
    /// # Errors
    /// If the subdomain is taken or cannot be one, the name is empty or too long, or the store fails.
    pub async fn create_workspace(
        self: &Arc<Self>,
        actor: &Actor,
        subdomain: &str,
        name: &str,
    ) -> Result<Workspace, Error> {
        let subdomain: Subdomain = subdomain.parse()?;
        let name = checked_name("name", name)?;
        let now = self.now();
        let id = ids::sortable(ids::WORKSPACE, now, &*self.random);
        let (this, actor) = (Arc::clone(self), actor.clone());
        let taken = subdomain.clone();
        self.store
            .write(move |tx| {
                let workspace = workspaces::insert(tx, &id, &subdomain, &name, now)?;
                own_new_workspace(tx, &actor, workspace.number)?;
                let record = json!({
                    "_id": workspace.id,
                    "name": workspace.name,
                    "domain": workspace.subdomain.as_str(),
                    "createdAt": now.iso(),
                    "updatedAt": now.iso(),
                });
                records::insert(tx, workspace.number, "business", &workspace.id, &record.to_string())?;
                let after = view::workspace(&workspace);
                let note = Note {
                    actor: &actor,
                    action: "workspace.create",
                    subject_id: &workspace.id,
                    before: None,
                    after: Some(&after),
                };
                this.note(tx, now, &note)?;
                Ok(workspace)
            })
            .await
            .map_err(|error| match error {
                Error::Store(StoreError::Unique { .. }) => {
                    Error::Conflict(format!("there is already a workspace with the subdomain \"{taken}\""))
                }
                other => other,
            })
    }

    /// Every workspace, by subdomain.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list_workspaces(&self) -> Result<Vec<Workspace>, Error> {
        self.store.read(workspaces::list).await.map_err(Error::Store)
    }

    /// Every method of the catalog, for the checklist.
    #[must_use]
    pub fn methods(&self) -> Vec<String> {
        self.catalog
            .entities()
            .iter()
            .flat_map(|entity| Verb::ALL.map(|verb| gatepost_model::Method::new(&entity.entity_type, verb)))
            .filter(|method| self.catalog.knows_method(method))
            .map(String::from)
            .collect()
    }
}

/// A name without spaces around it: not empty, not too long, without control characters.
pub(crate) fn checked_name(field: &'static str, name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(Error::invalid(field, format!("must not be longer than {LONGEST_NAME} characters")));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::invalid(field, "must not hold control characters"));
    }
    Ok(name.to_owned())
}
