//! Workspaces: making and listing them.

use std::sync::Arc;

use gatepost_model::webhook::Verb;
use gatepost_model::{Role, Subdomain, Workspace, ids};
use gatepost_store::tables::{records, workspaces};
use gatepost_store::{StoreError, Tx};
use serde_json::{Map, Value, json};

use crate::access::admit_grant;
use crate::audit::Note;
use crate::people::own_new_workspace;
use crate::{Actor, Error, Gatepost, view};

/// The longest name of a workspace or client, in characters.
pub const LONGEST_NAME: usize = 200;

/// The entity type by which the REST API shows workspaces.
const BUSINESS: &str = "business";

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
                records::insert(tx, workspace.number, BUSINESS, &workspace.id, &record.to_string())?;
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

    /// Gives a workspace another name, in the record by which the REST API shows it too. Its subdomain stays: that is what
    /// clients send.
    ///
    /// # Errors
    /// If the actor does not administer such a workspace or does not own it, its name is another than `from`, the new name
    /// is empty or too long, or the store fails.
    pub async fn rename_workspace(
        self: &Arc<Self>,
        actor: &Actor,
        subdomain: &str,
        name: &str,
        from: Option<&str>,
    ) -> Result<Workspace, Error> {
        let name = checked_name("name", name)?;
        let now = self.now();
        let (this, asker, named) = (Arc::clone(self), actor.clone(), subdomain.to_owned());
        let from = from.map(str::to_owned);
        let outcome = self.store.write(move |tx| {
            let workspace = owned_workspace(tx, &asker, &named)?;
            if from.as_ref().is_some_and(|from| *from != workspace.name) {
                return Err(Error::Conflict(format!(
                    "the workspace was renamed by someone else in the meantime (it is called \"{}\" now): look at it \
                     again, then repeat your change",
                    workspace.name
                )));
            }
            workspaces::rename(tx, workspace.number, &name)?;
            if let Some(record) = records::lookup(tx, workspace.number, BUSINESS, &workspace.id)? {
                let mut record: Map<String, Value> = serde_json::from_str(&record).unwrap_or_default();
                record.insert(String::from("name"), json!(name));
                record.insert(String::from("updatedAt"), json!(now.iso()));
                let record = Value::Object(record).to_string();
                records::update(tx, workspace.number, BUSINESS, &workspace.id, &record)?;
            }
            let before = view::workspace(&workspace);
            let renamed = Workspace { name: name.clone(), ..workspace };
            let after = view::workspace(&renamed);
            let note = Note {
                actor: &asker,
                action: "workspace.rename",
                subject_id: &renamed.id,
                before: Some(&before),
                after: Some(&after),
            };
            this.note(tx, now, &note)?;
            Ok(renamed)
        });
        let outcome = outcome.await;
        self.note_refused(actor, subdomain, outcome).await
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

/// The workspace with this subdomain, if the actor owns it.
fn owned_workspace(tx: &Tx<'_>, actor: &Actor, subdomain: &str) -> Result<Workspace, Error> {
    let absent = || Error::not_found("workspace", subdomain);
    let workspace = workspaces::lookup_by_subdomain(tx, subdomain)?.ok_or_else(absent)?;
    match admit_grant(tx, actor, &workspace, &[Role::Owner]) {
        Err(Error::Forbidden(_)) => {
            Err(Error::Forbidden(format!("only an owner of {} can rename it", workspace.name)))
        }
        Err(Error::Invalid { .. }) => Err(absent()),
        outcome => outcome.map(|()| workspace),
    }
}

/// The workspace with this subdomain, if the actor administers it.
pub(crate) fn administered_workspace(
    tx: &Tx<'_>,
    actor: &Actor,
    subdomain: &str,
) -> Result<Workspace, Error> {
    let absent = || Error::not_found("workspace", subdomain);
    let workspace = workspaces::lookup_by_subdomain(tx, subdomain)?.ok_or_else(absent)?;
    match admit_grant(tx, actor, &workspace, &[]) {
        Err(Error::Invalid { .. }) => Err(absent()),
        outcome => outcome.map(|()| workspace),
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
