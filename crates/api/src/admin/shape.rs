//! Words for what calls take and answer, from which their description is made ([`super::openapi`]).

use serde_json::{Map, Value, json};

/// What a value in JSON is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    /// ISO 8601 in UTC.
    Time,
    Integer,
    Number,
    Boolean,
    /// Seconds as a number, or a text like `24h`.
    Duration,
    /// Whatever JSON was stored.
    Any,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    Texts,
    Of(&'static Object),
    ListOf(&'static Object),
}

/// A member of an object, of a body or of a query.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) about: &'static str,
    pub(super) is_required: bool,
    pub(super) is_nullable: bool,
}

/// An object with a name of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) fields: &'static [Field],
}

/// A member that is always there.
pub(super) const fn field(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, about, is_required: true, is_nullable: false }
}

impl Field {
    /// It may be left out.
    pub(super) const fn optional(self) -> Self {
        Self { is_required: false, ..self }
    }

    /// It may be null.
    pub(super) const fn nullable(self) -> Self {
        Self { is_nullable: true, ..self }
    }

    pub(super) fn schema(&self) -> Value {
        let mut schema = self.kind.schema();
        if self.is_nullable {
            schema = match schema.get("type").cloned() {
                Some(Value::String(of)) if schema.get("enum").is_none() => {
                    let mut members = schema.as_object().cloned().unwrap_or_default();
                    members.insert(String::from("type"), json!([of, "null"]));
                    Value::Object(members)
                }
                _ => json!({ "oneOf": [schema, { "type": "null" }] }),
            };
        }
        if !self.about.is_empty()
            && let Some(members) = schema.as_object_mut()
        {
            members.insert(String::from("description"), self.about.into());
        }
        schema
    }
}

impl Kind {
    /// As JSON Schema 2020-12, which OpenAPI 3.1 uses.
    pub(super) fn schema(self) -> Value {
        match self {
            Self::Text => json!({ "type": "string" }),
            Self::Time => json!({ "type": "string", "format": "date-time" }),
            Self::Integer => json!({ "type": "integer" }),
            Self::Number => json!({ "type": "number" }),
            Self::Boolean => json!({ "type": "boolean" }),
            Self::Duration => json!({ "oneOf": [{ "type": "integer" }, { "type": "string" }] }),
            Self::Any => json!({}),
            Self::OneOf(names) => json!({ "type": "string", "enum": names }),
            Self::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Self::ListOf(object) => json!({ "type": "array", "items": Self::Of(object).schema() }),
            Self::Of(object) => json!({ "$ref": format!("#/components/schemas/{}", object.name) }),
        }
    }

    /// Adds the objects that it is made of.
    pub(super) fn collect(self, found: &mut Map<String, Value>) {
        if let Self::Of(object) | Self::ListOf(object) = self {
            object.collect(found);
        }
    }
}

impl Object {
    fn schema(&self) -> Value {
        let mut schema = body_schema(self.fields);
        if let Some(members) = schema.as_object_mut() {
            members.insert(String::from("description"), self.about.into());
        }
        schema
    }

    /// Adds itself and what it is made of.
    fn collect(&self, found: &mut Map<String, Value>) {
        if found.contains_key(self.name) {
            return;
        }
        found.insert(self.name.to_owned(), self.schema());
        for field in self.fields {
            field.kind.collect(found);
        }
    }
}

/// The schema of an object with these members and no others.
pub(super) fn body_schema(fields: &[Field]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.to_owned(), field.schema())).collect();
    let required: Vec<_> = fields.iter().filter(|field| field.is_required).map(|field| field.name).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}
