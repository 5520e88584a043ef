//! Records of the built-in backend: reading and writing them, and the events of what happens to them.
//!
//! Every function takes the workspace first: there is no way to a record but through the workspace that the gate let
//! its caller into. A write, its events and the deliveries that they cause are one transaction.

mod events;
mod order;
mod page;

use std::collections::HashSet;
use std::time::Duration;

use gatepost_catalog::{Entity, ListQuery};
use gatepost_model::webhook::Verb;
use gatepost_model::{ApiClient, Timestamp, WorkspaceNumber, ids};
use gatepost_store::tables::records;
use gatepost_store::{StoreError, Tx};
use serde_json::{Map, Value};

pub(crate) use order::EventOrder;
pub use page::array;

use crate::records::events::Events;
use crate::records::page::Source;
use crate::{Error, Gatepost};

/// The most records that one request may change (contract.md G).
pub const MOST_IDS: usize = 1_000;

/// How far into a list that is not in the order of ids a page may end: so many records are held while it is made.
pub const DEEPEST_SORTED: usize = 10_000;

/// The entity type that gathers the archived records of all the others (contract.md F 39).
const ARCHIVE: &str = "archive";
/// The entity type that gathers deleted records (contract.md F 40). Nothing is kept there yet.
const TRASH_BIN: &str = "trash-bin";

impl Gatepost {
    /// The page of a list that `query` asks for, as the text of a JSON array.
    ///
    /// # Errors
    /// If the page is deeper than can be sorted, or the store fails.
    pub async fn list_records(
        &self,
        workspace: WorkspaceNumber,
        entity: &Entity,
        query: ListQuery,
    ) -> Result<String, Error> {
        let in_order = query.sort.is_by_id() || query.sort.is_by_id_descending();
        if !in_order && query.skip.saturating_add(query.limit) > DEEPEST_SORTED {
            let problem =
                format!("a sorted list ends at {DEEPEST_SORTED} records; filter it, or sort by _id");
            return Err(Error::invalid("skip", problem));
        }
        let source = match entity.entity_type.as_str() {
            TRASH_BIN => return Ok(array([])),
            ARCHIVE => Source::Archive,
            other => Source::Type(other.to_owned()),
        };
        let is_point =
            matches!(source, Source::Type(_)) && query.filter.ids().is_some_and(|ids| ids.len() < 2);
        let read = move |tx: &Tx<'_>| page::read(tx, workspace, &source, &query);
        let text = if is_point { self.store.read_point(read).await } else { self.store.read(read).await };
        text.map_err(Error::Store)
    }

    /// One record's JSON text.
    ///
    /// # Errors
    /// If there is no such record in this workspace, or the store fails.
    pub async fn get_record(
        &self,
        workspace: WorkspaceNumber,
        entity: &Entity,
        id: &str,
    ) -> Result<String, Error> {
        // What cannot be an id is not looked up: some of it could not even be asked for on every engine.
        if !ids::is_record_id(id) {
            return Err(Error::not_found("record", id));
        }
        let (entity_type, asked) = (entity.entity_type.clone(), id.to_owned());
        let found =
            self.store.read_point(move |tx| records::lookup(tx, workspace, &entity_type, &asked)).await?;
        found.ok_or_else(|| Error::not_found("record", id))
    }

    /// Makes a record of `fields`, as [`Entity::check_create`] gives them, and answers its JSON text.
    ///
    /// # Errors
    /// If `by` is not enabled for the workspace, or the store fails.
    pub async fn create_record(
        &self,
        workspace: WorkspaceNumber,
        entity: &Entity,
        fields: Map<String, Value>,
        by: &ApiClient,
    ) -> Result<String, Error> {
        let business = by.workspaces.iter().find(|enabled| enabled.number == workspace);
        let business = business.ok_or_else(|| Error::not_found("workspace", &workspace.0.to_string()))?;
        let cause = self.cause(workspace, by);
        let id = ids::record(cause.now, &*self.random);
        let text = new_record(&id, fields, cause.now, &by.id, &business.id).to_string();
        let (entity_type, body) = (entity.entity_type.clone(), text.clone());
        let write = move |tx: &Tx<'_>| {
            records::insert(tx, workspace, &entity_type, &id, &body)?;
            let mut events = Events::new(tx, &cause);
            events.add(&entity_type, Verb::Create, &id, &body)?;
            Ok::<_, Error>(events.finish())
        };
        self.store.write_and_then(write, self.hand_over()).await?;
        Ok(text)
    }

    /// Merges `changes`, as [`Entity::check_update`] gives them, into the records with these ids, and answers the JSON
    /// texts of those that exist, in the order of the ids.
    ///
    /// # Errors
    /// If there are too many ids or none of them exists, or the store fails.
    pub async fn update_records(
        &self,
        workspace: WorkspaceNumber,
        entity: &Entity,
        ids: Vec<String>,
        changes: Map<String, Value>,
        by: &ApiClient,
    ) -> Result<Vec<String>, Error> {
        self.change_records(workspace, entity, ids, by, move |tx, events, found| {
            let text = merge(parse(&found.text)?, &changes, events.now());
            records::update(tx, workspace, found.entity_type, found.id, &text)?;
            events.add(found.entity_type, Verb::Edit, found.id, &text)?;
            Ok(text)
        })
        .await
    }

    /// Puts records away, or takes them back, and answers the JSON texts of those that exist.
    ///
    /// # Errors
    /// As [`Self::update_records`].
    pub async fn archive_records(
        &self,
        workspace: WorkspaceNumber,
        entity: &Entity,
        ids: Vec<String>,
        archived: bool,
        by: &ApiClient,
    ) -> Result<Vec<String>, Error> {
        let changes = Map::from_iter([(String::from("isArchived"), Value::Bool(archived))]);
        self.update_records(workspace, entity, ids, changes, by).await
    }

    /// Removes records for good, and answers the JSON texts that they had.
    ///
    /// # Errors
    /// If there are too many ids or none of them exists, or the store fails.
    pub async fn delete_records(
        &self,
        workspace: WorkspaceNumber,
        entity: &Entity,
        ids: Vec<String>,
        by: &ApiClient,
    ) -> Result<Vec<String>, Error> {
        self.change_records(workspace, entity, ids, by, move |tx, events, found| {
            records::delete(tx, workspace, found.entity_type, found.id)?;
            events.add(found.entity_type, Verb::Remove, found.id, &found.text)?;
            Ok(found.text)
        })
        .await
    }

    /// Does `change` to each record that exists, all in one transaction, and hands over the deliveries of its events.
    async fn change_records(
        &self,
        workspace: WorkspaceNumber,
        entity: &Entity,
        ids: Vec<String>,
        by: &ApiClient,
        change: impl Fn(&Tx<'_>, &mut Events<'_, '_>, Found<'_>) -> Result<String, StoreError> + Send + 'static,
    ) -> Result<Vec<String>, Error> {
        let ids = checked_ids(ids)?;
        let cause = self.cause(workspace, by);
        let places = self.places(entity);
        let write = move |tx: &Tx<'_>| {
            let mut events = Events::new(tx, &cause);
            let mut texts = Vec::with_capacity(ids.len());
            for id in &ids {
                if let Some(found) = places.lookup(tx, workspace, id)? {
                    texts.push(change(tx, &mut events, found)?);
                }
            }
            match ids.first() {
                Some(first) if texts.is_empty() => Err(Error::not_found("record", first)),
                _ => Ok((texts, events.finish())),
            }
        };
        let hand_over = self.hand_over();
        let then = move |(texts, made)| {
            hand_over(made);
            texts
        };
        self.store.write_and_then(write, then).await
    }

    /// Where the records of `entity` are to be looked for.
    fn places(&self, entity: &Entity) -> Places {
        match entity.entity_type.as_str() {
            TRASH_BIN => Places { entity_types: Vec::new(), archived: false },
            ARCHIVE => {
                let entities = self.catalog.entities().iter();
                Places {
                    entity_types: entities.map(|entity| entity.entity_type.clone()).collect(),
                    archived: true,
                }
            }
            other => Places { entity_types: vec![other.to_owned()], archived: false },
        }
    }
}

/// Where records are to be looked for.
struct Places {
    entity_types: Vec<String>,
    /// Whether only archived records count.
    archived: bool,
}

/// A record that is to be changed.
struct Found<'a> {
    entity_type: &'a str,
    id: &'a str,
    text: String,
}

impl Places {
    fn lookup<'a>(
        &'a self,
        tx: &Tx<'_>,
        workspace: WorkspaceNumber,
        id: &'a str,
    ) -> Result<Option<Found<'a>>, StoreError> {
        for entity_type in &self.entity_types {
            if let Some(text) = records::lookup(tx, workspace, entity_type, id)?
                && (!self.archived || is_archived(&parse(&text)?))
            {
                return Ok(Some(Found { entity_type, id, text }));
            }
        }
        Ok(None)
    }
}

/// The ids that can be ids, each once.
fn checked_ids(mut ids: Vec<String>) -> Result<Vec<String>, Error> {
    if ids.len() > MOST_IDS {
        return Err(Error::invalid("_ids", format!("at most {MOST_IDS} records can be changed at once")));
    }
    let first = ids.first().cloned();
    let mut seen = HashSet::with_capacity(ids.len());
    ids.retain(|id| ids::is_record_id(id) && seen.insert(id.clone()));
    match first {
        Some(first) if ids.is_empty() => Err(Error::not_found("record", &first)),
        _ => Ok(ids),
    }
}

/// A whole new record: what the client sent between its id and what only the server knows (contract.md I).
fn new_record(id: &str, fields: Map<String, Value>, now: Timestamp, client: &str, business: &str) -> Value {
    let now = now.iso();
    let mut record = Map::with_capacity(fields.len() + 5);
    record.insert(String::from("_id"), Value::from(id));
    record.extend(fields);
    record.insert(String::from("createdAt"), Value::from(now.as_str()));
    record.insert(String::from("updatedAt"), Value::from(now));
    record.insert(String::from("createdBy"), Value::from(client));
    record.insert(String::from("businessId"), Value::from(business));
    Value::Object(record)
}

/// The record with `changes` in place of its own fields of the same names.
fn merge(mut record: Map<String, Value>, changes: &Map<String, Value>, now: Timestamp) -> String {
    let before = record.get("updatedAt").and_then(Value::as_str).and_then(Timestamp::parse_iso);
    // Times on the wire have milliseconds: a second change within one must still be seen as later.
    let updated = before.map_or(now, |before| now.max(before.plus(Duration::from_millis(1))));
    record.extend(changes.iter().map(|(name, value)| (name.clone(), value.clone())));
    record.insert(String::from("updatedAt"), Value::from(updated.iso()));
    Value::Object(record).to_string()
}

/// A stored record.
fn parse(text: &str) -> Result<Map<String, Value>, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::corrupt("a record is not a JSON object"))
}

fn is_archived(record: &Map<String, Value>) -> bool {
    record.get("isArchived") == Some(&Value::Bool(true))
}
