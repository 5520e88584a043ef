//! What may be stored: bodies of create and update against contract.md E and F.

use gatepost_catalog::Catalog;
use serde_json::{Value, json};

fn create(path: &str, body: Value) -> Result<Value, String> {
    let catalog = Catalog::builtin();
    let entity = catalog.lookup_path(path).expect("the path is in the catalog");
    entity.check_create(body).map(Value::Object).map_err(|error| error.to_string())
}

fn update(path: &str, body: Value) -> Result<Value, String> {
    let catalog = Catalog::builtin();
    let entity = catalog.lookup_path(path).expect("the path is in the catalog");
    entity.check_update(body).map(Value::Object).map_err(|error| error.to_string())
}

#[test]
fn required_fields_are_those_of_the_contract() {
    for (path, body, message) in [
        ("custom-fields", json!({"entityType": "task"}), "Title is required"),
        ("custom-fields", json!({"title": "x"}), "Entity type is required"),
        ("people", json!({}), "Name is required"),
        ("companies", json!({"title": null}), "Title is required"),
        ("roles", json!({"title": " "}), "Title is required"),
        ("task-boards", json!({}), "Title is required"),
        ("task-groups", json!({"title": "x"}), "Task board id is required"),
        ("statuses", json!({"title": "x"}), "Entity type is required"),
        ("categories", json!({"entityType": "x"}), "Title is required"),
        ("events", json!({"title": "x"}), "Start date is required"),
        ("templates", json!({}), "Entity type is required"),
        ("canned-responses", json!({"title": "x"}), "Description HTML is required"),
        ("wiki", json!({}), "Title is required"),
        ("wiki-entities", json!({"title": "x", "parentId": "w", "type": "page"}), "Wiki id is required"),
        ("file-folders", json!({}), "Title is required"),
        ("files", json!({}), "Handle is required"),
        ("files", json!({"url": ""}), "Handle is required"),
        ("conversations", json!({}), "Entity type is required"),
        ("inbox-groups", json!({"title": "x"}), "Type is required"),
        ("comments", json!({"entityType": "task"}), "Entity id is required"),
        ("dashboard-pages", json!({}), "Dashboard id is required"),
    ] {
        assert_eq!(create(path, body.clone()), Err(message.to_owned()), "{path} {body}");
    }
    for path in
        ["projects", "tasks", "time-tracks", "scheduler", "invoices", "invoice-subscriptions", "transactions"]
    {
        create(path, json!({})).unwrap();
    }
    for path in
        ["proposals", "contracts", "forms", "form-responses", "blocks", "notes", "items", "automations"]
    {
        create(path, json!({})).unwrap();
    }
    create("files", json!({"type": "link", "url": "https://example.com"})).unwrap();
    assert_eq!(update("comments", json!({"bodyPlain": "x"})), Ok(json!({"bodyPlain": "x"})));
}

#[test]
fn defaults_are_filled_in_on_create_only() {
    for (path, body, field, default) in [
        ("people", json!({"name": "Leo"}), "role", json!("client")),
        ("people", json!({"name": "Leo", "role": null}), "role", json!("client")),
        ("tasks", json!({}), "status", json!("incomplete")),
        ("tasks", json!({}), "isArchived", json!(false)),
        ("statuses", json!({"title": "x", "entityType": "project"}), "type", json!("open")),
        ("time-tracks", json!({}), "billingStatus", json!("unpaid")),
        ("invoices", json!({"status": "sent"}), "status", json!("draft")),
        ("invoices", json!({"status": "paid"}), "status", json!("paid")),
        ("automations", json!({}), "nodes", json!([])),
    ] {
        assert_eq!(create(path, body).unwrap()[field], default, "{path} {field}");
    }
    assert_eq!(update("tasks", json!({"title": "x"})), Ok(json!({"title": "x"})));
}

#[test]
fn what_only_the_server_sets_is_left_out_and_the_rest_is_kept() {
    let sent = json!({
        "_id": "mine", "_ids": ["mine"], "createdAt": "2020-01-01", "updatedAt": 5, "businessId": "other", "createdBy": "me",
        "zeta": {"$deep": [1, {"a.b": null}]}, "status": "in_progress", "alpha": "kept", "title": 5,
    });
    let kept =
        json!({"zeta": {"$deep": [1, {"a.b": null}]}, "status": "in_progress", "alpha": "kept", "title": 5});
    let stored = update("tasks", sent).unwrap();
    assert_eq!(stored.to_string(), kept.to_string(), "the order of fields is kept too");
}

#[test]
fn values_are_refused_dropped_or_stored_as_the_contract_says() {
    let refused = create("custom-fields", json!({"title": "x", "entityType": "tasks"})).unwrap_err();
    assert!(
        refused
            .starts_with(r#"Entity type "tasks" is invalid. Valid options are: business, company, contract"#)
    );
    for path in ["time-track", "event", "item", "messenger", "workspace"] {
        create("custom-fields", json!({"title": "x", "entityType": path})).unwrap();
    }
    let refusal =
        r#"Type "items" is invalid. Valid options are: content, image, canvas, video, html, signature"#;
    let block = json!({"type": "items", "entityType": "contract"});
    assert_eq!(create("blocks", block.clone()), Err(refusal.to_owned()));
    assert_eq!(update("blocks", block), Err(refusal.to_owned()));
    for owner in ["proposal", "invoice", "wiki"] {
        create("blocks", json!({"type": "items", "entityType": owner})).unwrap();
    }
    create("blocks", json!({"type": "signature", "entityType": "contract"})).unwrap();
    create("blocks", json!({"type": null, "entityType": "contract"})).unwrap();
    assert_eq!(update("invoices", json!({"status": "sent", "name": "x"})), Ok(json!({"name": "x"})));
    assert_eq!(update("invoice-subscriptions", json!({"status": 5})), Ok(json!({})));
    assert_eq!(update("companies", json!({"industry": "x"})), Ok(json!({"industry": "x"})));
}

#[test]
fn dates_are_stored_in_utc_and_other_texts_as_sent() {
    for (sent, stored) in [
        (json!("2026-03-12"), json!("2026-03-12T00:00:00.000Z")),
        (json!("2026-03-12T01:38:14.642999+01:00"), json!("2026-03-12T00:38:14.642Z")),
        (json!("tomorrow"), json!("tomorrow")),
        (json!(""), json!("")),
        (json!(null), json!(null)),
        (json!(1_773_275_894_642_i64), json!(1_773_275_894_642_i64)),
    ] {
        assert_eq!(update("tasks", json!({"dueDate": sent})), Ok(json!({"dueDate": stored})));
        assert_eq!(update("tasks", json!({"title": sent})), Ok(json!({"title": sent})));
    }
}

#[test]
fn bodies_are_bounded_objects() {
    for body in [json!(null), json!([]), json!("x"), json!(5), json!([{}])] {
        assert_eq!(create("tasks", body), Err("The body must be a JSON object".to_owned()));
    }
    let nested = |levels: usize| (0..levels).fold(json!({}), |inside, _| json!({"a": inside}));
    update("tasks", nested(63)).unwrap();
    assert_eq!(update("tasks", nested(64)), Err("The body is nested more than 64 levels deep".to_owned()));
    let long = create("custom-fields", json!({"title": "x", "entityType": "é".repeat(10_000)})).unwrap_err();
    assert!(long.len() < 1000, "{}", long.len());
}
