//! From a method and a path to what is to be done with which entity type (contract.md G).

use gatepost_catalog::{Capability, Catalog, Entity};
use gatepost_model::ApiVersion;
use http::Method;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Route<'a> {
    pub(super) entity: &'a Entity,
    pub(super) action: Action<'a>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action<'a> {
    /// `GET /x`
    List,
    /// `GET /x/<id>`
    Get(&'a str),
    /// `POST /x`
    Create,
    /// `PUT /x`
    Update,
    /// `DELETE /x`
    Delete,
    /// `POST /x/archive`
    Archive,
    /// `PUT /x/bulk`
    BulkUpdate,
    /// `DELETE /x/bulk`
    BulkDelete,
    /// `POST /x/bulk/archive`
    BulkArchive,
}

impl Action<'_> {
    const fn capability(self) -> Capability {
        match self {
            Self::List => Capability::List,
            Self::Get(_) => Capability::Get,
            Self::Create => Capability::Create,
            Self::Update => Capability::Update,
            Self::Delete => Capability::Delete,
            Self::Archive => Capability::Archive,
            Self::BulkUpdate => Capability::BulkUpdate,
            Self::BulkDelete => Capability::BulkDelete,
            Self::BulkArchive => Capability::BulkArchive,
        }
    }

    /// Whether the answer is an array whatever was asked for.
    pub(super) const fn is_bulk(self) -> bool {
        matches!(self, Self::BulkUpdate | Self::BulkDelete | Self::BulkArchive)
    }
}

/// The version that a path names (none if it names none, an error if there is no such version), and the rest of the path.
pub(super) fn split_version(path: &str) -> (Result<Option<ApiVersion>, ()>, &str) {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let (first, rest) = inner.split_at(inner.find('/').unwrap_or(inner.len()));
    let names_version = first
        .strip_prefix('v')
        .is_some_and(|number| number.starts_with(|digit: char| digit.is_ascii_digit()));
    if names_version { (first.parse().map(Some).map_err(|_| ()), rest) } else { (Ok(None), path) }
}

/// What is at `path`, version taken off, for this HTTP method: nothing, if the entity type cannot do it. One slash at the
/// end is tolerated (contract.md C).
pub(super) fn find<'a>(method: &Method, path: &'a str, catalog: &'a Catalog) -> Option<Route<'a>> {
    let path = path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    let (collection, below) = match path.split_once('/') {
        Some((collection, below)) => (collection, Some(below)),
        None => (path, None),
    };
    let entity = catalog.lookup_path(collection)?;
    let action = match (method.as_str(), below) {
        ("GET" | "HEAD", None) => Action::List,
        ("GET" | "HEAD", Some(id)) if !id.is_empty() && !id.contains('/') => Action::Get(id),
        ("POST", None) => Action::Create,
        ("PUT", None) => Action::Update,
        ("DELETE", None) => Action::Delete,
        ("POST", Some("archive")) => Action::Archive,
        ("PUT", Some("bulk")) => Action::BulkUpdate,
        ("DELETE", Some("bulk")) => Action::BulkDelete,
        ("POST", Some("bulk/archive")) => Action::BulkArchive,
        _ => return None,
    };
    entity.can(action.capability()).then_some(Route { entity, action })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action<'a>(method: &str, path: &'a str, catalog: &'a Catalog) -> Option<Action<'a>> {
        find(&method.parse().unwrap(), path, catalog).map(|route| route.action)
    }

    #[test]
    fn every_request_shape_of_an_entity_type_that_can_do_all() {
        let catalog = Catalog::builtin();
        for (method, path, expected) in [
            ("GET", "/tasks", Some(Action::List)),
            ("HEAD", "/tasks", Some(Action::List)),
            ("GET", "/tasks/", Some(Action::List)),
            ("GET", "/tasks/RJHY2yXiYTLebwFGS", Some(Action::Get("RJHY2yXiYTLebwFGS"))),
            ("GET", "/tasks/RJHY2yXiYTLebwFGS/", Some(Action::Get("RJHY2yXiYTLebwFGS"))),
            ("POST", "/tasks", Some(Action::Create)),
            ("POST", "/tasks/", Some(Action::Create)),
            ("PUT", "/tasks", Some(Action::Update)),
            ("DELETE", "/tasks", Some(Action::Delete)),
            ("PUT", "/tasks/bulk", Some(Action::BulkUpdate)),
            ("DELETE", "/tasks/bulk/", Some(Action::BulkDelete)),
            ("POST", "/tasks/archive", Some(Action::Archive)),
            ("POST", "/tasks/bulk/archive", Some(Action::BulkArchive)),
            ("PATCH", "/tasks", None),
            ("PATCH", "/tasks/RJHY2yXiYTLebwFGS", None),
            ("PUT", "/tasks/RJHY2yXiYTLebwFGS", None),
            ("DELETE", "/tasks/RJHY2yXiYTLebwFGS", None),
            ("POST", "/tasks/RJHY2yXiYTLebwFGS", None),
            ("POST", "/tasks/bulk", None),
            ("PUT", "/tasks/archive", None),
            ("PUT", "/tasks/bulk/archive", None),
            ("POST", "/tasks/RJHY2yXiYTLebwFGS/send", None),
            ("GET", "/tasks/a/b", None),
            ("GET", "/tasks//", None),
            ("GET", "//tasks", None),
            ("GET", "/", None),
            ("GET", "", None),
            ("GET", "tasks", None),
            ("GET", "/Tasks", None),
            ("GET", "/wikis", None),
            ("get", "/tasks", None),
            ("TRACE", "/tasks", None),
            ("CONNECT", "/tasks", None),
        ] {
            assert_eq!(action(method, path, &catalog), expected, "{method} {path}");
        }
    }

    #[test]
    fn each_entity_type_answers_to_what_it_can_do_and_nothing_else() {
        let catalog = Catalog::builtin();
        let shapes = [
            ("GET", "", Capability::List),
            ("GET", "/id", Capability::Get),
            ("POST", "", Capability::Create),
            ("PUT", "", Capability::Update),
            ("DELETE", "", Capability::Delete),
            ("POST", "/archive", Capability::Archive),
            ("PUT", "/bulk", Capability::BulkUpdate),
            ("DELETE", "/bulk", Capability::BulkDelete),
            ("POST", "/bulk/archive", Capability::BulkArchive),
        ];
        assert_eq!(catalog.entities().len(), 42);
        for entity in catalog.entities() {
            for (method, below, capability) in shapes {
                let path = format!("/{}{below}", entity.path);
                let found = find(&method.parse().unwrap(), &path, &catalog);
                assert_eq!(found.is_some(), entity.can(capability), "{method} {path}");
                assert!(found.is_none_or(|route| route.entity == entity));
            }
        }
    }

    #[test]
    fn a_path_may_name_a_version() {
        for (path, version, rest) in [
            ("/v1/tasks", Ok(Some(ApiVersion::V1)), "/tasks"),
            ("/v1.7/tasks/", Ok(Some(ApiVersion::V1_7)), "/tasks/"),
            ("/v1.8/tasks/bulk", Ok(Some(ApiVersion::V1_8)), "/tasks/bulk"),
            ("/v1.9/x", Ok(Some(ApiVersion::V1_9)), "/x"),
            ("/v1.10/x", Ok(Some(ApiVersion::V1_10)), "/x"),
            ("/v1.11", Ok(Some(ApiVersion::V1_11)), ""),
            ("/tasks", Ok(None), "/tasks"),
            ("/views/v2", Ok(None), "/views/v2"),
            ("/v/tasks", Ok(None), "/v/tasks"),
            ("/v2/tasks", Err(()), "/tasks"),
            ("/v1.12/tasks", Err(()), "/tasks"),
            ("/v1.11.1/tasks", Err(()), "/tasks"),
            ("/v01/tasks", Err(()), "/tasks"),
            ("/1.11/tasks", Ok(None), "/1.11/tasks"),
            ("/", Ok(None), "/"),
            ("*", Ok(None), "*"),
        ] {
            assert_eq!(split_version(path), (version, rest), "{path}");
        }
    }
}
