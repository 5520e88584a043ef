//! The catalog: every entity type of a deployment, found by path, by name or by number.

use std::collections::{BTreeMap, HashMap};

use gatepost_model::Method;
use serde::Deserialize;

use crate::check::{self, Problem};
use crate::entity::{Entity, Field};

/// The built-in entity types, in the order in which people see them.
const BUILTIN: &str = concat!(
    include_str!("entities/workspace.toml"),
    include_str!("entities/people.toml"),
    include_str!("entities/projects.toml"),
    include_str!("entities/money.toml"),
    include_str!("entities/documents.toml"),
    include_str!("entities/content.toml"),
);

/// Why a text is not a catalog.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// It is not TOML, or has a key or a value that a catalog has not.
    #[error("the catalog cannot be read: {0}")]
    Text(#[from] toml::de::Error),
    /// It has no entity types.
    #[error("the catalog has no [[entity]]")]
    Empty,
    /// An entity type contradicts itself or another one.
    #[error("entity type \"{entity}\": {problem}")]
    Entity {
        /// Its `entity_type`.
        entity: String,
        /// What is wrong.
        problem: Problem,
    },
    /// A field of an entity type contradicts itself or the rest of the type.
    #[error("entity type \"{entity}\", field \"{field}\": {problem}")]
    Field {
        /// The type's `entity_type`.
        entity: String,
        /// The field's name.
        field: String,
        /// What is wrong.
        problem: Problem,
    },
}

/// A catalog as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogText {
    #[serde(default)]
    common: BTreeMap<String, Field>,
    #[serde(default, rename = "entity")]
    entities: Vec<Entity>,
}

/// Every entity type of a deployment.
#[derive(Clone, Debug)]
pub struct Catalog {
    entities: Vec<Entity>,
    by_path: HashMap<String, usize>,
    by_type: HashMap<String, usize>,
    by_number: HashMap<u16, usize>,
}

impl Catalog {
    /// The entity types that Gatepost brings (contract.md F).
    #[must_use]
    pub fn builtin() -> Self {
        match Self::parse(BUILTIN) {
            Ok(catalog) => catalog,
            #[expect(clippy::panic, reason = "a constant of the program, which a test parses")]
            Err(error) => panic!("the built-in catalog is wrong: {error}"),
        }
    }

    /// Reads a catalog from TOML, in the form that `entities/workspace.toml` explains.
    ///
    /// # Errors
    /// When it is not TOML, has an unknown key, or is inconsistent; the error says in which entity type and field.
    pub fn parse(text: &str) -> Result<Self, CatalogError> {
        let CatalogText { common, entities } = toml::from_str(text)?;
        if entities.is_empty() {
            return Err(CatalogError::Empty);
        }
        let mut catalog = Self {
            entities: Vec::with_capacity(entities.len()),
            by_path: HashMap::new(),
            by_type: HashMap::new(),
            by_number: HashMap::new(),
        };
        for mut entity in entities {
            for (name, field) in &common {
                entity.fields.entry(name.clone()).or_insert_with(|| field.clone());
            }
            check::entity(&entity)?;
            catalog.add(entity)?;
        }
        Ok(catalog)
    }

    fn add(&mut self, entity: Entity) -> Result<(), CatalogError> {
        let place = self.entities.len();
        let twice = [
            ("number", self.by_number.insert(entity.number, place)),
            ("path", self.by_path.insert(entity.path.clone(), place)),
            ("entity_type", self.by_type.insert(entity.entity_type.clone(), place)),
        ];
        for (key, earlier) in twice {
            if let Some(other) = earlier.and_then(|place| self.entities.get(place)) {
                let problem = Problem::Twice { key, other: other.entity_type.clone() };
                return Err(CatalogError::Entity { entity: entity.entity_type, problem });
            }
        }
        self.entities.push(entity);
        Ok(())
    }

    /// Every entity type, in the order in which people see them.
    #[must_use]
    pub fn entities(&self) -> &[Entity] {
        &self.entities
    }

    /// The entity type at a URL segment: `tasks`.
    #[must_use]
    pub fn lookup_path(&self, path: &str) -> Option<&Entity> {
        self.entities.get(*self.by_path.get(path)?)
    }

    /// The entity type of a name: `task`.
    #[must_use]
    pub fn lookup_type(&self, entity_type: &str) -> Option<&Entity> {
        self.entities.get(*self.by_type.get(entity_type)?)
    }

    /// The entity type of a stored number.
    #[must_use]
    pub fn lookup_number(&self, number: u16) -> Option<&Entity> {
        self.entities.get(*self.by_number.get(&number)?)
    }

    /// Every method that a client can tick, in the order of the entity types.
    pub fn methods(&self) -> impl Iterator<Item = Method> {
        self.entities.iter().flat_map(Entity::methods)
    }

    /// Whether a client can tick this method.
    #[must_use]
    pub fn knows_method(&self, method: &Method) -> bool {
        self.lookup_type(method.entity_type()).is_some_and(|entity| entity.webhooks)
    }
}
