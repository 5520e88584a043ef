//! The built-in catalog is the one of contract.md F.

use gatepost_catalog::{Capability, Catalog};

/// Number, path, entity type and capabilities as contract.md F writes them, with the additions of single clients.
const EXPECTED: [(u16, &str, &str, &str); 42] = [
    (1, "businesses", "business", "L U"),
    (2, "custom-fields", "custom-field", "L G C U D"),
    (3, "people", "person", "L G C U D A BU BD BA"),
    (4, "companies", "company", "L G C U D BU BD"),
    (5, "profiles", "profile", "L"),
    (6, "roles", "role", "L G C U D"),
    (7, "projects", "project", "L G C U D A M Cp BU BD BA"),
    (8, "task-boards", "task-board", "L G C U D A M Cp BU BD BA"),
    (9, "task-groups", "task-group", "L G C U D A M Cp BU BD BA"),
    (10, "tasks", "task", "L G C U D A M Cp BU BD BA"),
    (11, "statuses", "status", "L G C U D M"),
    (12, "time-tracks", "time-track", "L G C U D BU BD"),
    (13, "categories", "category", "L G C U D"),
    (14, "scheduler", "scheduler", "L G C U D A Cp BU BD BA"),
    (15, "events", "event", "L G C U D BU BD BA"),
    (16, "invoices", "invoice", "L G C U D A BU BD BA"),
    (17, "invoice-subscriptions", "invoice-subscription", "L G C U D BU BD"),
    (18, "transactions", "transaction", "L G C U D A Cp BU BD BA"),
    (19, "proposals", "proposal", "L G C U D A BU BD BA"),
    (20, "contracts", "contract", "L G C U D A BU BD BA"),
    (21, "forms", "form", "L G C U D A Cp BU BD BA"),
    (22, "form-responses", "form-response", "L G C U D BU BD BA"),
    (23, "templates", "template", "L G C U D"),
    (24, "block-groups", "blocks-group", "L U"),
    (25, "blocks", "block", "L G C U D BD"),
    (26, "canned-responses", "canned-response", "L G C U D"),
    (27, "notes", "note", "L G C U D"),
    (28, "items", "item", "L G C U D BU BD BA"),
    (29, "wiki", "wiki", "L G C U D"),
    (30, "wiki-entities", "wiki-page", "L G C U D M"),
    (31, "file-folders", "file-folder", "L G C U D M"),
    (32, "files", "file", "L G C U D M BU BD"),
    (33, "conversations", "conversation", "L G C U D"),
    (34, "inbox-groups", "messenger", "L G C U D"),
    (35, "comments", "comment", "L G C U D"),
    (36, "dashboards", "dashboard", "L U"),
    (37, "dashboard-pages", "dashboard-page", "L G C U D"),
    (38, "dashboard-data", "dashboard-data", "L"),
    (39, "archive", "archive", "L D BD"),
    (40, "trash-bin", "trash-bin", "L D BD"),
    (41, "schedules", "schedule", "L G C U D"),
    (42, "automations", "automation", "L C"),
];

const LETTERS: [(Capability, &str); 11] = [
    (Capability::List, "L"),
    (Capability::Get, "G"),
    (Capability::Create, "C"),
    (Capability::Update, "U"),
    (Capability::Delete, "D"),
    (Capability::Archive, "A"),
    (Capability::Move, "M"),
    (Capability::Copy, "Cp"),
    (Capability::BulkUpdate, "BU"),
    (Capability::BulkDelete, "BD"),
    (Capability::BulkArchive, "BA"),
];

#[test]
fn the_42_entity_types_are_those_of_the_contract() {
    let catalog = Catalog::builtin();
    assert_eq!(catalog.entities().len(), EXPECTED.len());
    for (number, path, entity_type, capabilities) in EXPECTED {
        let entity = catalog.lookup_path(path).unwrap_or_else(|| panic!("{path} is missing"));
        assert_eq!((entity.number, entity.entity_type.as_str()), (number, entity_type));
        assert_eq!(catalog.lookup_type(entity_type), Some(entity));
        assert_eq!(catalog.lookup_number(number), Some(entity));
        let letters: Vec<&str> =
            LETTERS.iter().filter(|(can, _)| entity.can(*can)).map(|(_, letter)| *letter).collect();
        assert_eq!(letters.join(" "), capabilities, "{path}");
    }
}

#[test]
fn methods_are_three_for_each_type_that_has_events() {
    let catalog = Catalog::builtin();
    let methods: Vec<_> = catalog.methods().collect();
    // All but the archive, the trash bin and the dashboard figures.
    assert_eq!(methods.len(), 39 * 3);
    assert!(methods.iter().all(|method| catalog.knows_method(method)));
    for known in ["task.create", "task.edit", "task.remove", "form-response.create", "blocks-group.edit"] {
        assert!(catalog.knows_method(&known.parse().unwrap()), "{known}");
    }
    for unknown in ["tasks.create", "archive.remove", "dashboard-data.edit", "nothing.create"] {
        assert!(!catalog.knows_method(&unknown.parse().unwrap()), "{unknown}");
    }
}

#[test]
fn unknown_paths_types_and_numbers_are_none() {
    let catalog = Catalog::builtin();
    assert!(catalog.lookup_path("wikis").is_none());
    assert!(catalog.lookup_path("").is_none());
    assert!(catalog.lookup_type("tasks").is_none());
    assert!(catalog.lookup_number(0).is_none());
}
