//! One admitted request: what was sent, one use case, the answer.

use axum::body::Body;
use axum::response::Response;
use gatepost_catalog::{InvalidRecord, ListQuery};
use gatepost_core::{Gatepost, records};
use gatepost_http::{Admitted, Problem};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::answer::json;
use super::body::{self, bad_request};
use super::ids::{self, Ids};
use super::route::{Action, Route};

/// A request that was let in, but for its body.
pub(super) struct Call<'a> {
    pub(super) gatepost: &'a Gatepost,
    pub(super) admitted: &'a Admitted,
    pub(super) route: Route<'a>,
    pub(super) query: Option<&'a str>,
}

impl Call<'_> {
    /// Does it. The body is read here and no sooner: who is not let in is not listened to.
    pub(super) async fn run(&self, body: Body) -> Result<Response, Problem> {
        let text = match self.route.action {
            Action::List => self.list().await?,
            Action::Get(id) => {
                self.gatepost.get_record(self.admitted.workspace, self.route.entity, id).await?
            }
            Action::Create => self.create(body::read(body).await?).await?,
            Action::Update | Action::BulkUpdate => self.update(body::read(body).await?).await?,
            Action::Delete | Action::BulkDelete => self.delete(body::read(body).await?).await?,
            Action::Archive | Action::BulkArchive => self.archive(body::read(body).await?).await?,
        };
        Ok(json(text))
    }

    async fn list(&self) -> Result<String, Problem> {
        let entity = self.route.entity;
        let query = ListQuery::parse(&pairs(self.query), entity)
            .map_err(|error| bad_request("invalid_query", error.to_string()))?;
        entity.check_list(&query).map_err(|error| bad_request("invalid_query", error.to_string()))?;
        Ok(self.gatepost.list_records(self.admitted.workspace, entity, query).await?)
    }

    async fn create(&self, body: Map<String, Value>) -> Result<String, Problem> {
        let (entity, by) = (self.route.entity, &self.admitted.client);
        let fields = entity.check_create(Value::Object(body)).map_err(invalid)?;
        Ok(self.gatepost.create_record(self.admitted.workspace, entity, fields, by).await?)
    }

    async fn update(&self, mut body: Map<String, Value>) -> Result<String, Problem> {
        let (entity, by) = (self.route.entity, &self.admitted.client);
        let Ids { ids, several } = ids::take(&mut body, self.query)?;
        let changes = entity.check_update(Value::Object(body)).map_err(invalid)?;
        let texts = self.gatepost.update_records(self.admitted.workspace, entity, ids, changes, by).await?;
        Ok(self.shown(texts, several))
    }

    async fn delete(&self, mut body: Map<String, Value>) -> Result<String, Problem> {
        let (entity, by) = (self.route.entity, &self.admitted.client);
        let Ids { ids, several } = ids::take(&mut body, self.query)?;
        let texts = self.gatepost.delete_records(self.admitted.workspace, entity, ids, by).await?;
        Ok(self.shown(texts, several))
    }

    async fn archive(&self, mut body: Map<String, Value>) -> Result<String, Problem> {
        let (entity, by) = (self.route.entity, &self.admitted.client);
        let Ids { ids, several } = ids::take(&mut body, self.query)?;
        let archived = is_archived(&body, self.query)?;
        let texts = self.gatepost.archive_records(self.admitted.workspace, entity, ids, archived, by).await?;
        Ok(self.shown(texts, several))
    }

    /// One record as an object if one was named, otherwise all of them as an array (contract.md G).
    fn shown(&self, texts: Vec<String>, several: bool) -> String {
        if several || self.route.action.is_bulk() {
            return records::array(texts.iter().map(String::as_str));
        }
        // One id was sent, and it exists: there is one text.
        texts.concat()
    }
}

fn invalid(error: InvalidRecord) -> Problem {
    bad_request("invalid_record", error.to_string())
}

/// A query string's pairs, decoded.
fn pairs(query: Option<&str>) -> Vec<(String, String)> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}

/// Whether records are put away (which is what an archive action does if nothing is said) or taken back.
fn is_archived(body: &Map<String, Value>, query: Option<&str>) -> Result<bool, Problem> {
    let sent = match body.get("isArchived") {
        Some(value) => Some(value.clone()),
        None => {
            pairs(query).into_iter().find(|(key, _)| key == "isArchived").map(|(_, text)| Value::from(text))
        }
    };
    match sent {
        None => Ok(true),
        Some(Value::Bool(archived)) => Ok(archived),
        Some(Value::String(text)) if text == "true" => Ok(true),
        Some(Value::String(text)) if text == "false" => Ok(false),
        Some(_) => Err(bad_request("invalid_request", "isArchived must be true or false")),
    }
}
