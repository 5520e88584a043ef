//! What a record of an entity type may look like: for tests of webhook URLs, and to read before ticking a method.

use gatepost_catalog::entity::{Field, FieldType};
use gatepost_model::{ApiClient, Method, Timestamp};
use serde_json::{Map, Value, json};

use crate::Gatepost;

/// The id of a record that does not exist.
const SAMPLE_ID: &str = "sample0000000000000";

impl Gatepost {
    /// The record that a webhook of this method could carry: every field that the catalog knows, with a value that
    /// it takes, and what the server adds.
    /// An empty object if no entity type has such a method.
    #[must_use]
    pub fn sample_record(&self, method: &Method, now: Timestamp) -> Value {
        let mut record = Map::new();
        if let Some(entity) = self.catalog.lookup_type(method.entity_type()) {
            for (name, field) in &entity.fields {
                record.insert(name.clone(), sample(name, field, now));
            }
            record.insert(String::from("_id"), json!(SAMPLE_ID));
            for name in ["createdAt", "updatedAt"] {
                record.insert(name.to_owned(), json!(now.iso()));
            }
            for name in ["createdBy", "businessId"] {
                record.insert(name.to_owned(), json!(SAMPLE_ID));
            }
        }
        Value::Object(record)
    }

    /// What a webhook of this method could carry to the URLs of this client, in the shape that it chose: JSON text.
    #[must_use]
    pub fn sample_body(&self, client: &ApiClient, method: &Method, now: Timestamp) -> String {
        client.payload.body(method, now, &self.sample_record(method, now).to_string())
    }
}

fn sample(name: &str, field: &Field, now: Timestamp) -> Value {
    if let Some(default) = &field.default {
        return default.clone();
    }
    if let Some(value) = field.values.first() {
        return json!(value);
    }
    match field.kind {
        FieldType::Text => json!(format!("Sample {name}")),
        FieldType::Number => json!(1),
        FieldType::Boolean => json!(false),
        FieldType::Date => json!(now.iso()),
        FieldType::Object => json!({}),
        FieldType::Array => json!([]),
        FieldType::Reference => json!(SAMPLE_ID),
        FieldType::Any => Value::Null,
    }
}
