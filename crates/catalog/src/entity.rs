//! One entity type: what its records look like and what may be done with them.

use std::collections::BTreeMap;

use gatepost_model::Method;
use gatepost_model::webhook::Verb;
use serde::Deserialize;
use serde_json::Value;

/// Something the REST API can do with records of a type (contract.md G).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// `GET /x`.
    List,
    /// `GET /x/{id}`.
    Get,
    /// `POST /x`.
    Create,
    /// `PUT /x`.
    Update,
    /// `DELETE /x`.
    Delete,
    /// `POST /x/archive`.
    Archive,
    /// `POST /x/move`.
    Move,
    /// `POST /x/copy`.
    Copy,
    /// `PUT /x/bulk`.
    BulkUpdate,
    /// `DELETE /x/bulk`.
    BulkDelete,
    /// `POST /x/bulk/archive`.
    BulkArchive,
}

/// What a field holds. It says how dates are written and what the reference tells; a value of another type is stored as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// A text.
    Text,
    /// A number.
    Number,
    /// true or false.
    Boolean,
    /// A point in time: ISO 8601 in UTC once stored, a plain date or any zone when sent.
    Date,
    /// An object.
    Object,
    /// An array.
    Array,
    /// The id of another record.
    Reference,
    /// Clients disagree, or anything goes.
    Any,
}

/// What becomes of a value that is not among a field's `values`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unknown {
    /// It is stored.
    #[default]
    Accept,
    /// It is left out, and the request succeeds.
    Drop,
    /// The request is refused.
    Reject,
}

/// One field of an entity type.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// The values it is known to take; empty if there is no such list.
    #[serde(default)]
    pub values: Vec<String>,
    /// What becomes of other values.
    #[serde(default)]
    pub unknown: Unknown,
    /// Whether a record cannot be made without it.
    #[serde(default)]
    pub required: bool,
    /// A field that may stand in its place when it is required.
    pub required_unless: Option<String>,
    /// Its value in a record made without it.
    pub default: Option<Value>,
}

/// Values that a field is held to only beside a certain value of another field.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The field it is about.
    pub field: String,
    /// The values that field may take.
    pub values: Vec<String>,
    /// When it holds.
    pub beside: Beside,
}

/// The field and value beside which a [`Rule`] holds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beside {
    /// The other field.
    pub field: String,
    /// Its value.
    pub value: String,
}

/// An entity type, as a row of data.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entity {
    /// Its key in the store: never given to another type, so that stored records keep their type when the catalog changes.
    pub number: u16,
    /// The URL segment: `tasks`.
    pub path: String,
    /// The name in methods and references: `task`.
    pub entity_type: String,
    /// For people: `Task`.
    pub label: String,
    /// Where the method checklist shows it.
    pub group: String,
    /// What can be done with its records.
    pub capabilities: Vec<Capability>,
    /// Whether anything that happens to its records is an event.
    #[serde(default = "yes")]
    pub webhooks: bool,
    /// Whether lists leave out records with `isTemplate: true` unless the query speaks of them (contract.md D).
    #[serde(default)]
    pub hides_templates: bool,
    /// Alternatives, one of which a list query has to pin down; none if every query is good (contract.md D).
    #[serde(default)]
    pub list_needs: Vec<Vec<String>>,
    /// Filter paths that search other paths too (contract.md D, "patterns that must work").
    #[serde(default)]
    pub aliases: BTreeMap<String, Vec<String>>,
    /// The fields that are known; records may have others.
    pub fields: BTreeMap<String, Field>,
    /// Values that depend on another field.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

const fn yes() -> bool {
    true
}

impl Entity {
    /// Whether the REST API offers this; what it does not offer is answered 403 `Method not allowed` (contract.md E).
    #[must_use]
    pub fn can(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    /// The methods that a client can tick for it: all three verbs, or none (contract.md H).
    pub fn methods(&self) -> impl Iterator<Item = Method> {
        Verb::ALL.into_iter().filter(|_| self.webhooks).map(|verb| Method::new(&self.entity_type, verb))
    }
}
