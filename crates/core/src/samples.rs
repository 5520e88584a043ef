//! What a record of an entity type may look like: for tests of webhook URLs, and to read before ticking a method.

use gatepost_catalog::entity::{Field, FieldType};
use gatepost_model::{Method, Timestamp};
use serde_json::{Map, Value, json};

use crate::Gatepost;

/// The id of a record that does not exist.
const SAMPLE_ID: &str = "sample0000000000000";

impl Gatepost {
    /// The record that a webhook of this method could carry: every field that the catalog knows, with a value that it takes.
    /// An empty object if no entity type has such a method.
    #[must_use]
    pub fn sample_record(&self, method: &Method, now: Timestamp) -> Value {
        let mut record = Map::new();
        if let Some(entity) = self.catalog.lookup_type(method.entity_type()) {
            record.insert(String::from("_id"), json!(SAMPLE_ID));
            for (name, field) in &entity.fields {
                record.insert(name.clone(), sample(name, field, now));
            }
        }
        Value::Object(record)
    }
}

fn sample(name: &str, field: &Field, now: Timestamp) -> Value {
    if let Some(value) = field.values.first() {
        return json!(value);
    }
    match field.kind {
        FieldType::Text => json!(format!("Sample {name}")),
        FieldType::Number => json!(1),
        FieldType::Boolean => json!(true),
        FieldType::Date => json!(now.iso()),
        FieldType::Object => json!({}),
        FieldType::Array => json!([]),
        FieldType::Reference => json!(SAMPLE_ID),
        FieldType::Any => Value::Null,
    }
}
