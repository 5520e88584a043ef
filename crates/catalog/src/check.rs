//! What a catalog may not contradict.

use std::collections::BTreeMap;

use gatepost_model::Method;
use gatepost_model::webhook::Verb;
use serde_json::Value;

use crate::entity::{Entity, Field, FieldType, Rule, Unknown};
use crate::registry::CatalogError;
use crate::reserved::{QUERY_WORDS, SET_BY_SERVER};

/// What is wrong with an entity type or a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A key that tells entity types apart is used twice.
    #[error("its {key} is already that of \"{other}\"; each type needs its own")]
    Twice {
        /// `number`, `path` or `entity_type`.
        key: &'static str,
        /// The type that has it.
        other: String,
    },
    /// The path is no URL segment.
    #[error("its path \"{0}\" is not made of a-z, 0-9 and hyphens")]
    Path(String),
    /// The name cannot stand in a method.
    #[error("its entity_type is not made of 1 to 64 of a-z, 0-9 and hyphens, as methods require")]
    EntityType,
    /// Something that people or clients need is empty.
    #[error("its {0} is empty")]
    Empty(&'static str),
    /// A key of the type names a field that it has not.
    #[error("{key} names \"{field}\", which is not one of its fields")]
    NoSuchField {
        /// The key of the catalog.
        key: &'static str,
        /// The name.
        field: String,
    },
    /// An alias is no path, or leads to itself.
    #[error("the alias \"{0}\" needs other paths, of names between dots")]
    Alias(String),
    /// The name cannot be that of a field.
    #[error("a field's name is not empty, has no dot, and does not begin with $")]
    Name,
    /// The name is taken by the query language.
    #[error("this name means something else in a query, so no list could be filtered by it")]
    QueryWord,
    /// The default is of another type.
    #[error("its default {default} does not have its type")]
    DefaultType {
        /// The default, as JSON.
        default: String,
    },
    /// The default is not among the values.
    #[error("its default {default} is not among its values")]
    DefaultValue {
        /// The default, as JSON.
        default: String,
    },
    /// The field is required and has a default.
    #[error("it has a default, so it is never missing; it cannot be required too")]
    RequiredWithDefault,
    /// The field is set by the server.
    #[error("it is set by the server, so a client cannot be required to send it")]
    RequiredOfServer,
    /// Values of a field that is not a text.
    #[error("only a text field can list values")]
    ValuesOfOther,
    /// Nothing says which values are unknown.
    #[error("`unknown` needs a list of values")]
    UnknownWithoutValues,
}

/// Whether an entity type is consistent in itself.
pub(crate) fn entity(entity: &Entity) -> Result<(), CatalogError> {
    check_names(entity)
        .and_then(|()| check_list_needs(entity))
        .and_then(|()| entity.rules.iter().try_for_each(|rule| check_rule(entity, rule)))
        .and_then(|()| check_aliases(&entity.aliases))
        .map_err(|problem| CatalogError::Entity { entity: entity.entity_type.clone(), problem })?;
    for (name, field) in &entity.fields {
        check_field(entity, name, field).map_err(|problem| CatalogError::Field {
            entity: entity.entity_type.clone(),
            field: name.clone(),
            problem,
        })?;
    }
    Ok(())
}

fn check_names(entity: &Entity) -> Result<(), Problem> {
    let segment = |text: &str| text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if entity.path.is_empty() || !segment(&entity.path) {
        return Err(Problem::Path(entity.path.clone()));
    }
    if Method::new(&entity.entity_type, Verb::Create).as_str().parse::<Method>().is_err() {
        return Err(Problem::EntityType);
    }
    for (key, empty) in [
        ("label", entity.label.is_empty()),
        ("group", entity.group.is_empty()),
        ("list of capabilities", entity.capabilities.is_empty()),
    ] {
        if empty {
            return Err(Problem::Empty(key));
        }
    }
    Ok(())
}

fn check_list_needs(entity: &Entity) -> Result<(), Problem> {
    for alternative in &entity.list_needs {
        if alternative.is_empty() {
            return Err(Problem::Empty("list_needs alternative"));
        }
        alternative.iter().try_for_each(|field| check_known(entity, "list_needs", field))?;
    }
    Ok(())
}

fn check_rule(entity: &Entity, rule: &Rule) -> Result<(), Problem> {
    if rule.values.is_empty() {
        return Err(Problem::Empty("rule's list of values"));
    }
    check_known(entity, "a rule", &rule.field)?;
    check_known(entity, "a rule", &rule.beside.field)
}

fn check_known(entity: &Entity, key: &'static str, field: &str) -> Result<(), Problem> {
    if entity.fields.contains_key(field) {
        return Ok(());
    }
    Err(Problem::NoSuchField { key, field: field.to_owned() })
}

fn check_aliases(aliases: &BTreeMap<String, Vec<String>>) -> Result<(), Problem> {
    let is_path = |text: &str| text.split('.').all(|name| !name.is_empty() && !name.starts_with('$'));
    for (path, targets) in aliases {
        let good = is_path(path)
            && !targets.is_empty()
            && targets.iter().all(|target| is_path(target) && target != path);
        if !good {
            return Err(Problem::Alias(path.clone()));
        }
    }
    Ok(())
}

fn check_field(entity: &Entity, name: &str, field: &Field) -> Result<(), Problem> {
    if name.is_empty() || name.contains('.') || name.starts_with('$') {
        return Err(Problem::Name);
    }
    if QUERY_WORDS.contains(&name) {
        return Err(Problem::QueryWord);
    }
    check_required(entity, name, field)?;
    if !field.values.is_empty() && field.kind != FieldType::Text {
        return Err(Problem::ValuesOfOther);
    }
    if field.values.is_empty() && field.unknown != Unknown::Accept {
        return Err(Problem::UnknownWithoutValues);
    }
    field.default.as_ref().map_or(Ok(()), |default| check_default(field, default))
}

fn check_required(entity: &Entity, name: &str, field: &Field) -> Result<(), Problem> {
    if let Some(other) = &field.required_unless {
        check_known(entity, "required_unless", other)?;
    }
    if !field.required && field.required_unless.is_none() {
        return Ok(());
    }
    if SET_BY_SERVER.contains(&name) {
        return Err(Problem::RequiredOfServer);
    }
    if field.default.is_some() {
        return Err(Problem::RequiredWithDefault);
    }
    Ok(())
}

fn check_default(field: &Field, default: &Value) -> Result<(), Problem> {
    let fits = match field.kind {
        FieldType::Text | FieldType::Date | FieldType::Reference => default.is_string(),
        FieldType::Number => default.is_number(),
        FieldType::Boolean => default.is_boolean(),
        FieldType::Object => default.is_object(),
        FieldType::Array => default.is_array(),
        FieldType::Any => true,
    };
    if !fits {
        return Err(Problem::DefaultType { default: default.to_string() });
    }
    let listed = field.values.is_empty() || field.values.iter().any(|value| default == value);
    if listed { Ok(()) } else { Err(Problem::DefaultValue { default: default.to_string() }) }
}
