//! Every pattern that contract.md D says must work, and every limit that it names.

use gatepost_catalog::{Catalog, Filter, FilterError, ListQuery};
use serde_json::{Value, json};

fn query(path: &str, pairs: &[(&str, &str)]) -> Result<ListQuery, FilterError> {
    let pairs: Vec<(String, String)> =
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    ListQuery::parse(&pairs, Catalog::builtin().lookup_path(path).expect("the path is in the catalog"))
}

/// The ids of the records that a query finds, joined.
fn found(path: &str, pairs: &[(&str, &str)], records: &Value) -> String {
    let page = query(path, pairs).unwrap_or_else(|error| panic!("{pairs:?}: {error}"));
    let records = records.as_array().expect("records are a list").clone();
    let ids: Vec<String> =
        page.apply(records).iter().map(|record| record["_id"].as_str().unwrap_or("?").to_owned()).collect();
    ids.join(" ")
}

fn check(path: &str, records: &Value, table: &[(&str, &str)]) {
    for (q, expected) in table {
        assert_eq!(found(path, &[("q", q)], records), *expected, "{path}?q={q}");
    }
}

#[test]
fn custom_fields_match_scalars_and_arrays_alike() {
    let records = json!([
        {"_id": "a", "customFields": [{"_id": "f1", "value": "red"}, {"_id": "f2", "value": 5}]},
        {"_id": "b", "customFields": [{"_id": "f1", "value": ["red", "blue"]}]},
        {"_id": "c", "customFields": [{"_id": "f2", "value": "red"}, {"_id": "f1", "value": "blue"}]},
        {"_id": "d"},
    ]);
    check(
        "people",
        &records,
        &[
            (r#"{"customFields":{"$elemMatch":{"_id":"f1","value":"red"}}}"#, "a b"),
            (r#"{"customFields":{"$elemMatch":{"_id":"f1","value":"blue"}}}"#, "b c"),
            (r#"{"customFields":{"$elemMatch":{"_id":"f2","value":5}}}"#, "a"),
            (r#"{"customFields._id":"f2"}"#, "a c"),
        ],
    );
}

#[test]
fn client_id_reaches_client_and_clients() {
    let invoices = json!([
        {"_id": "a", "client": {"_id": "x", "entityType": "person"}},
        {"_id": "b", "client": {"_id": "y", "entityType": "company"}},
    ]);
    check("invoices", &invoices, &[(r#"{"client._id":"x"}"#, "a")]);
    check("invoice-subscriptions", &invoices, &[(r#"{"client._id":"y"}"#, "b")]);
    let projects = json!([
        {"_id": "a", "clients": [{"_id": "x", "entityType": "person"}, {"_id": "z", "entityType": "person"}]},
        {"_id": "b", "clients": [{"_id": "y", "entityType": "company"}]},
        {"_id": "c", "clients": []},
        {"_id": "d"},
    ]);
    check(
        "projects",
        &projects,
        &[
            (r#"{"client._id":"z"}"#, "a"),
            (r#"{"client._id":"y"}"#, "b"),
            (r#"{"clients._id":"x"}"#, "a"),
            (r#"{"client._id":{"$ne":"x"}}"#, "b c d"),
            (r#"{"client._id":{"$in":["y","z"]}}"#, "a b"),
            (r#"{"client._id":null}"#, "c d"),
            (r#"{"client._id":{"$exists":true}}"#, "a b"),
        ],
    );
    assert_eq!(found("projects", &[("client._id", "x")], &projects), "a");
}

#[test]
fn either_client_or_person_may_find_nothing() {
    let records = json!([{"_id": "a", "name": "n"}, {"_id": "b", "personId": "x"}]);
    for path in ["projects", "invoices", "invoice-subscriptions"] {
        check(path, &records, &[(r#"{"$or":[{"clientId":"x"},{"personId":"x"}]}"#, "b")]);
        check(path, &records, &[(r#"{"$or":[{"clientId":"q"},{"personId":"q"}]}"#, "")]);
    }
}

#[test]
fn emails_are_found_under_both_names() {
    let records = json!([
        {"_id": "a", "contactEmails": [{"address": "x@example.com", "type": "work"}]},
        {"_id": "b", "contactEmails": [{"email": "y@example.com"}, {"address": "z@example.com"}]},
    ]);
    for path in ["people", "companies"] {
        for (address, expected) in
            [("x@example.com", "a"), ("y@example.com", "b"), ("z@example.com", "b"), ("w", "")]
        {
            for field in ["contactEmails.email", "contactEmails.address"] {
                check(path, &records, &[(&json!({field: address}).to_string(), expected)]);
                assert_eq!(found(path, &[(field, address)], &records), expected);
            }
            for field in ["email", "address"] {
                let inside = json!({"contactEmails": {"$elemMatch": {field: address}}});
                check(path, &records, &[(&inside.to_string(), expected)]);
            }
        }
    }
}

#[test]
fn subscriptions_and_statuses_are_found() {
    let records = json!([
        {"_id": "a", "repeat": {"intervalType": "year"}, "status": "paid", "upcomingInvoiceDate": "2026-01-15T00:00:00.000Z"},
        {"_id": "b", "repeat": {"intervalType": "month"}, "status": "draft", "upcomingInvoiceDate": "2026-02-01T00:00:00.000Z"},
        {"_id": "c"},
    ]);
    check(
        "invoice-subscriptions",
        &records,
        &[
            (r#"{"repeat.intervalType":"year"}"#, "a"),
            (r#"{"upcomingInvoiceDate":{"$gte":"2026-01-01","$lt":"2026-02-01"}}"#, "a"),
            (
                r#"{"upcomingInvoiceDate":{"$gte":"2026-02-01T00:00:00.000Z","$lt":"2026-03-01T00:00:00.000Z"}}"#,
                "b",
            ),
            (r#"{"upcomingInvoiceDate":{"$gt":"2026-01-15","$lte":"2026-02-01T01:00:00+01:00"}}"#, "b"),
            (r#"{"upcomingInvoiceDate":"2026-02-01"}"#, "b"),
            (r#"{"upcomingInvoiceDate":{"$in":["2026-02-01","2026-01-15"]}}"#, "a b"),
            (r#"{"status":{"$ne":"paid"}}"#, "b c"),
        ],
    );
}

#[test]
fn templates_are_hidden_until_the_query_speaks_of_them() {
    let records = json!([{"_id": "a", "isTemplate": true}, {"_id": "b", "isTemplate": false}, {"_id": "c"}]);
    check(
        "proposals",
        &records,
        &[
            ("", "b c"),
            ("{}", "b c"),
            (r#"{"isTemplate":true}"#, "a"),
            (r#"{"isTemplate":{"$ne":true}}"#, "b c"),
            (r#"{"$or":[{"isTemplate":true},{"_id":"c"}]}"#, "a c"),
            // A template is read like any record by who knows its id (contract.md G, the second form of reading one).
            (r#"{"_id":"a"}"#, "a"),
        ],
    );
    assert_eq!(found("proposals", &[("isTemplate", "true")], &records), "a");
    assert_eq!(found("proposals", &[("_id", "a")], &records), "a");
    check("people", &records, &[("", "a b c")]);
}

#[test]
fn payments_of_many_invoices_are_found() {
    let ids: Vec<String> = (0..1000).map(|number| format!("invoice{number}")).collect();
    let q = json!({"type": "in", "status": "paid", "invoiceId": {"$in": ids}}).to_string();
    let records = json!([
        {"_id": "a", "type": "in", "status": "paid", "invoiceId": "invoice999"},
        {"_id": "b", "type": "out", "status": "paid", "invoiceId": "invoice1"},
        {"_id": "c", "type": "in", "status": "paid", "invoiceId": "invoice1000"},
    ]);
    check("transactions", &records, &[(&q, "a")]);
}

#[test]
fn the_empty_object_finds_everything() {
    let records = json!([{"_id": "a"}, {"_id": "b"}]);
    check("people", &records, &[("{}", "a b"), (" { } ", "a b"), ("", "a b")]);
}

#[test]
fn plain_text_is_searched_in_names_and_titles() {
    let records = json!([
        {"_id": "a", "title": "In Progress"},
        {"_id": "b", "name": "progress report (2.0)"},
        {"_id": "c", "name": {"first": "Prog", "last": "Ress"}},
        {"_id": "d", "description": "progress"},
    ]);
    for path in ["projects", "companies", "statuses", "conversations", "wiki", "proposals", "contracts"] {
        check(
            path,
            &records,
            &[
                ("PROGRESS", "a b"),
                ("prog", "a b c"),
                ("(2.0)", "b"),
                (r#""progress""#, "a b"),
                ("nothing", ""),
            ],
        );
    }
    // Letters with many cases make the largest patterns.
    for letter in ["s", "k", "ᾳ", "Ω", "θ", "\u{345}", "ꭰ"] {
        query("projects", &[("q", &letter.repeat(1000))]).expect("plain text is never refused");
    }
    for text in ["[", "5", "null", "\\", "(", "*", "[{\"a\":1}]", &"x".repeat(5000), "\u{0}", "é"] {
        query("projects", &[("q", text)]).expect("plain text is never refused");
    }
}

#[test]
fn simple_filters_coerce_reach_arrays_and_repeat() {
    let records = json!([
        {"_id": "a", "name": {"first": "leo"}, "assignedTo": ["p1", "p2"], "isBillable": true, "taskId": 7, "status": "paid"},
        {"_id": "b", "name": {"first": "Leo"}, "assignedTo": ["p3"], "isBillable": "true", "taskId": "7", "status": "draft"},
        {"_id": "c", "isBillable": false, "taskId": 7.0, "status": "open"},
    ]);
    for (pairs, expected) in [
        (vec![("name.first", "leo")], "a"),
        (vec![("assignedTo", "p2")], "a"),
        (vec![("assignedTo", "p2"), ("assignedTo", "p3")], "a b"),
        (vec![("assignedTo[]", "p2"), ("assignedTo[]", "p3")], "a b"),
        (vec![("isBillable", "true")], "a b"),
        (vec![("isBillable", "false")], "c"),
        (vec![("taskId", "7")], "a b c"),
        (vec![("taskId", "07")], ""),
        (vec![("status", "paid"), ("taskId", "7")], "a"),
        (vec![("status", "paid"), ("status", "open")], "a c"),
        (vec![("status", r#"{"$ne":"paid"}"#)], "b c"),
        (vec![("status", "paid"), ("q", r#"{"taskId":7}"#)], "a"),
        (vec![("q", r#"{"taskId":7}"#), ("skip", "1"), ("limit", "5")], "c"),
        (vec![("_id", "a"), ("_id", "c")], "a c"),
        (vec![("unheardOf", "1")], ""),
        (vec![("access_token", "x"), ("", "y"), ("order", "desc")], "a b c"),
    ] {
        assert_eq!(found("tasks", &pairs, &records), expected, "{pairs:?}");
    }
    let names: Vec<String> = (0..2000).map(|number| format!("field{number}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    assert_eq!(query("tasks", &many).unwrap_err().to_string(), "a query may have at most 1000 conditions");
}

#[test]
fn project_statuses_are_reached_inside_and_as_a_text() {
    let records = json!([
        {"_id": "a", "status": {"_id": "s1", "title": "In progress"}},
        {"_id": "b", "status": "In progress"},
        {"_id": "c", "status": {"_id": "s2", "title": "Completed"}},
    ]);
    for (pair, expected) in [
        (("status._id", "s1"), "a"),
        (("status.title", "Completed"), "c"),
        (("status", "In progress"), "a b"),
        (("status", "s2"), "c"),
    ] {
        assert_eq!(found("projects", &[pair], &records), expected, "{pair:?}");
    }
}

#[test]
fn paging_is_lenient() {
    for (pairs, skip, limit) in [
        (vec![], 0, 100),
        (vec![("skip", "20"), ("limit", "50")], 20, 50),
        (vec![("limit", "500")], 0, 500),
        (vec![("limit", "1000")], 0, 1000),
        (vec![("limit", "5000")], 0, 1000),
        (vec![("limit", "99999999999999999999999999")], 0, 1000),
        (vec![("limit", "0"), ("skip", "-1")], 0, 100),
        (vec![("limit", "many"), ("skip", "2.5")], 0, 100),
        (vec![("limit", " 7 "), ("skip", "")], 0, 7),
        (vec![("skip", "99999999999999999999999999")], usize::MAX, 100),
    ] {
        let query = query("tasks", &pairs).unwrap();
        assert_eq!((query.skip, query.limit), (skip, limit), "{pairs:?}");
    }
    let records: Vec<Value> = (1..=100).map(|number| json!({"_id": format!("{number:03}")})).collect();
    let page = query("tasks", &[("skip", "20"), ("limit", "50")]).unwrap().apply(records);
    assert_eq!((page.len(), &page[0]["_id"], &page[49]["_id"]), (50, &json!("021"), &json!("070")));
}

#[test]
fn comments_and_blocks_have_to_be_narrowed_down() {
    let catalog = Catalog::builtin();
    for path in ["comments", "blocks"] {
        let entity = catalog.lookup_path(path).unwrap();
        for (pairs, good) in [
            (vec![], false),
            (vec![("entityType", "task")], false),
            (vec![("entityId", "x")], false),
            (vec![("entityType", "task"), ("entityId", "x")], true),
            (vec![("q", r#"{"entityType":"task","entityId":"x"}"#)], true),
            (vec![("q", r#"{"entityType":"task"}"#), ("entityId", "x")], true),
            (vec![("q", r#"{"$and":[{"entityType":"task"},{"entityId":{"$in":["x","y"]}}]}"#)], true),
            (vec![("_id", "x")], true),
            (vec![("q", r#"{"_id":"x"}"#)], true),
            (vec![("q", r#"{"_id":{"$ne":"x"}}"#)], false),
            (vec![("q", r#"{"$or":[{"_id":"x"},{"isNote":true}]}"#)], false),
        ] {
            let answer = entity.check_list(&query(path, &pairs).unwrap());
            assert_eq!(answer.is_ok(), good, "{path} {pairs:?}");
        }
        let refusal = entity.check_list(&query(path, &[]).unwrap()).unwrap_err().to_string();
        assert_eq!(
            refusal,
            format!("A list of {path} needs _id, or entityType and entityId, as parameters or within q")
        );
    }
    let tasks = catalog.lookup_path("tasks").unwrap();
    assert!(tasks.check_list(&query("tasks", &[]).unwrap()).is_ok());
}

#[test]
fn wiki_pages_are_found_by_id() {
    let records = json!([{"_id": "a"}, {"_id": "b"}]);
    check("wiki-entities", &records, &[(r#"{"_id":"b"}"#, "b")]);
}

#[test]
fn ids_are_known_when_a_query_pins_them_down() {
    let catalog = Catalog::builtin();
    let people = catalog.lookup_path("people").unwrap();
    for (q, expected) in [
        (r#"{"_id":"a"}"#, Some(vec!["a"])),
        (r#"{"_id":{"$in":["b","a","b",5]},"status":"x"}"#, Some(vec!["a", "b"])),
        (r#"{"$and":[{"status":"x"},{"$and":[{"_id":"a"}]}]}"#, Some(vec!["a"])),
        (r#"{"$or":[{"_id":"b"},{"_id":"a","status":"x"}]}"#, Some(vec!["a", "b"])),
        (r#"{"_id":5}"#, Some(vec![])),
        (r#"{"_id":{"$in":[]}}"#, Some(vec![])),
        (r#"{"$or":[{"_id":"a"},{"status":"x"}]}"#, None),
        (r#"{"_id":{"$ne":"a"}}"#, None),
        (r#"{"_id":{"$gt":"a"}}"#, None),
        ("{}", None),
    ] {
        let filter = Filter::from_text(q, people).unwrap();
        assert_eq!(filter.ids(), expected, "{q}");
    }
}
