//! Lists of a real store against the oracle, [`ListQuery::apply`].

use std::sync::atomic::{AtomicI64, Ordering};

use gatepost_catalog::ListQuery;
use gatepost_core::Error;
use gatepost_model::WorkspaceNumber;
use gatepost_store::StoreError;
use gatepost_store::tables::records;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::Deployment;

const NAMES: [&str; 9] = ["a", "b", "isTemplate", "client", "clients", "title", "0", "x.y", "größe"];
const PATHS: [&str; 16] = [
    "a",
    "b",
    "a.b",
    "b.a",
    "a.0",
    "a.0.b",
    "_id",
    "isTemplate",
    "client._id",
    "client.a",
    "clients._id",
    "title",
    "x.y",
    "größe",
    "a.größe",
    "nothing",
];
const TEXTS: [&str; 12] = [
    "",
    "a",
    "b",
    "ab",
    "Ab",
    "2026-01-01",
    "2026-01-01T00:00:00.000Z",
    "true",
    "5",
    "東京",
    "é\"\\\n",
    "id3",
];

/// A deployment for one test, whose cases each get workspaces of their own.
struct Lists {
    runtime: Runtime,
    deployment: Deployment,
    workspaces: AtomicI64,
}

impl Lists {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let deployment = runtime.block_on(Deployment::new());
        Self { runtime, deployment, workspaces: AtomicI64::new(1_000) }
    }

    /// A workspace that no other case uses.
    fn workspace(&self) -> WorkspaceNumber {
        WorkspaceNumber(self.workspaces.fetch_add(1, Ordering::Relaxed))
    }

    /// Stores records of these entity types as they are.
    fn store(&self, workspace: WorkspaceNumber, documents: impl IntoIterator<Item = (String, Value)>) {
        let documents: Vec<(String, Value)> = documents.into_iter().collect();
        let stored = self.deployment.gatepost.store().write(move |tx| {
            for (entity_type, document) in &documents {
                let id = document["_id"].as_str().unwrap();
                records::insert(tx, workspace, entity_type, id, &document.to_string())?;
            }
            Ok::<_, StoreError>(())
        });
        self.runtime.block_on(stored).unwrap();
    }

    fn list(&self, workspace: WorkspaceNumber, path: &str, query: ListQuery) -> Result<String, Error> {
        let entity = self.deployment.entity(path);
        self.runtime.block_on(self.deployment.gatepost.list_records(workspace, entity, query))
    }

    fn query(&self, path: &str, pairs: &[(&str, &str)]) -> ListQuery {
        let pairs: Vec<_> = pairs.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        ListQuery::parse(&pairs, self.deployment.entity(path)).unwrap()
    }

    /// The page that the store answers has to be the oracle's, to the letter.
    fn check(
        &self,
        workspace: WorkspaceNumber,
        path: &str,
        query: &ListQuery,
        documents: &[Value],
    ) -> Result<(), TestCaseError> {
        let expected = Value::Array(query.apply(documents.to_vec())).to_string();
        let listed = self.list(workspace, path, query.clone()).unwrap();
        prop_assert_eq!(listed, expected, "{:?}", query);
        Ok(())
    }
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..6).prop_map(Value::from),
        prop::sample::select(vec![json!(0.5), json!(1.0), json!(u64::MAX), json!(9_007_199_254_740_993_i64)]),
        prop::sample::select(TEXTS.to_vec()).prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 16, 4, |inner| {
        prop_oneof![prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from), object(inner)]
    })
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec((prop::sample::select(NAMES.to_vec()), inner), 0..5).prop_map(|entries| {
        Value::Object(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    })
}

/// Records with ids that do not come in their order; some are templates.
fn documents() -> impl Strategy<Value = Vec<Value>> {
    let ids = prop::collection::hash_set("(id[0-9]|[A-Za-z0-9_-]{1,6})", 0..24);
    ids.prop_flat_map(|ids| {
        let ids: Vec<String> = ids.into_iter().collect();
        let document = (object(value()), prop::option::weighted(0.3, any::<bool>()));
        prop::collection::vec(document, ids.len()).prop_map(move |documents| {
            let whole = |(id, (mut document, template)): (&String, (Value, Option<bool>))| {
                document["_id"] = Value::from(id.as_str());
                if let Some(template) = template {
                    document["isTemplate"] = Value::from(template);
                }
                document
            };
            ids.iter().zip(documents).map(whole).collect()
        })
    })
}

fn path() -> impl Strategy<Value = String> {
    prop::sample::select(PATHS.to_vec()).prop_map(str::to_owned)
}

fn operators() -> impl Strategy<Value = Value> {
    let list = || prop::collection::vec(scalar(), 0..4);
    prop_oneof![
        (prop::sample::select(vec!["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]), scalar())
            .prop_map(|(name, value)| json!({name: value})),
        (prop::sample::select(vec!["$in", "$nin"]), list()).prop_map(|(name, values)| json!({name: values})),
        any::<bool>().prop_map(|exists| json!({"$exists": exists})),
        (0..3u8).prop_map(|size| json!({"$size": size})),
        prop::sample::select(vec!["a", "^b", "A.*", "京"])
            .prop_map(|source| json!({"$regex": source, "$options": "i"})),
        (path(), scalar()).prop_map(|(path, value)| json!({"$elemMatch": {path: value}})),
    ]
}

fn condition() -> impl Strategy<Value = Value> {
    (path(), prop_oneof![scalar(), operators(), operators().prop_map(|inner| json!({"$not": inner}))])
        .prop_map(|(path, condition)| json!({path: condition}))
}

fn query() -> impl Strategy<Value = Value> {
    let connective = prop::sample::select(vec!["$and", "$or", "$nor"]);
    prop_oneof![
        2 => Just(json!({})),
        4 => condition(),
        2 => (connective, prop::collection::vec(condition(), 1..4)).prop_map(|(name, parts)| json!({name: parts})),
        1 => prop::collection::vec(prop::sample::select(vec!["id1", "id3", "id5", "id7"]), 0..4)
            .prop_map(|ids| json!({"_id": {"$in": ids}})),
    ]
}

fn parameters() -> impl Strategy<Value = Vec<(String, String)>> {
    let q = prop_oneof![
        3 => query().prop_map(|query| Some(query.to_string())),
        1 => Just(Some(String::from("A"))),
        1 => Just(None),
    ];
    let equal = prop::collection::vec((path(), prop::sample::select(TEXTS.to_vec())), 0..2);
    let sorts = [
        "",
        "_id",
        "-_id",
        "_id_desc",
        "a",
        "-a",
        "a.b,-b",
        "title_desc",
        r#"{"a":-1,"b":1}"#,
        "nothing",
        "größe",
    ];
    let sort = prop_oneof![1 => Just(""), 3 => prop::sample::select(sorts.to_vec())];
    let order = prop::sample::select(vec!["", "asc", "desc"]);
    let page = (prop::option::of(0..12usize), prop::option::of(0..12usize));
    (q, equal, sort, order, page).prop_map(|(q, equal, sort, order, (skip, limit))| {
        let mut pairs: Vec<(String, String)> = Vec::new();
        pairs.extend(q.map(|q| (String::from("q"), q)));
        pairs.extend(equal.into_iter().map(|(path, text)| (path, text.to_owned())));
        pairs.push((String::from("sort"), sort.to_owned()));
        pairs.push((String::from("order"), order.to_owned()));
        pairs.extend(skip.map(|skip| (String::from("skip"), skip.to_string())));
        pairs.extend(limit.map(|limit| (String::from("limit"), limit.to_string())));
        pairs
    })
}

/// The number of cases; no file of failures, because the message has all that it takes to run one again.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

#[test]
fn a_list_is_what_the_oracle_says() {
    let lists = Lists::new();
    let paths = ["tasks", "projects", "invoices", "blocks", "companies", "people"];
    proptest!(cases(400), |(
        documents in documents(),
        queries in prop::collection::vec(parameters(), 4),
        path in prop::sample::select(paths.to_vec()),
    )| {
        let entity = lists.deployment.entity(path);
        let workspace = lists.workspace();
        // The neighbours must never show: another workspace, and another type of the same workspace.
        for (workspace, entity_type) in
            [(workspace, entity.entity_type.as_str()), (workspace, "note"), (lists.workspace(), &entity.entity_type)]
        {
            lists.store(workspace, documents.iter().map(|document| (entity_type.to_owned(), document.clone())));
        }
        for pairs in &queries {
            let query = ListQuery::parse(pairs, entity).unwrap();
            lists.check(workspace, path, &query, &documents)?;
        }
    });
}

#[test]
fn the_archive_is_what_is_archived_of_any_type() {
    let lists = Lists::new();
    let place = (prop::sample::select(vec!["task", "note", "file"]), any::<bool>());
    proptest!(cases(200), |(
        documents in documents(),
        pairs in parameters(),
        places in prop::collection::vec(place, 24),
    )| {
        let workspace = lists.workspace();
        let mut archived = Vec::new();
        for (mut document, (entity_type, is_archived)) in documents.into_iter().zip(places) {
            document["isArchived"] = Value::from(is_archived);
            lists.store(workspace, [(entity_type.to_owned(), document.clone())]);
            if is_archived {
                document["entityType"] = Value::from(entity_type);
                archived.push(document);
            }
        }
        let query = ListQuery::parse(&pairs, lists.deployment.entity("archive")).unwrap();
        lists.check(workspace, "archive", &query, &archived)?;
    });
}

#[test]
fn a_sorted_list_ends_somewhere_and_the_order_of_ids_does_not() {
    let lists = Lists::new();
    let list = |sort: &str, skip: &str| {
        let query = lists.query("tasks", &[("sort", sort), ("skip", skip)]);
        lists.list(lists.workspace(), "tasks", query)
    };
    assert_eq!(list("_id", "99999999999999999999").unwrap(), "[]");
    assert_eq!(list("-_id", "99999999999999999999").unwrap(), "[]");
    assert_eq!(list("title", "9900").unwrap(), "[]");
    let refused = list("title", "9901").unwrap_err().to_string();
    assert!(refused.starts_with("skip: a sorted list ends at 10000 records"), "{refused}");
}

#[test]
fn the_trash_bin_is_empty() {
    let lists = Lists::new();
    let workspace = lists.workspace();
    lists.store(workspace, [(String::from("trash-bin"), json!({"_id": "a"}))]);
    assert_eq!(lists.list(workspace, "trash-bin", lists.query("trash-bin", &[])).unwrap(), "[]");
}

#[test]
fn more_records_than_the_page_has_room_for_leave_the_best() {
    let lists = Lists::new();
    let workspace = lists.workspace();
    let title = |number: u64| (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) % 300;
    let documents: Vec<Value> =
        (0..2_500u64).map(|number| json!({"_id": format!("r{number:05}"), "title": title(number)})).collect();
    lists.store(workspace, documents.iter().map(|document| (String::from("task"), document.clone())));
    for (sort, skip, limit) in [("title", "7", "5"), ("-_id", "0", "1"), ("-title", "1200", "100")] {
        let query = lists.query("tasks", &[("sort", sort), ("skip", skip), ("limit", limit)]);
        lists.check(workspace, "tasks", &query, &documents).unwrap();
    }
}

/// What the oracle would not see, because it writes its records anew.
#[test]
fn texts_are_spliced_as_they_are_stored() {
    let lists = Lists::new();
    let workspace = lists.workspace();
    let texts =
        [r#"{"_id":"a","n":1.10,"s":"\u00e9"}"#, r#"{"_id":"b","big":123456789012345678901234567890}"#];
    let stored = lists.deployment.gatepost.store().write(move |tx| {
        records::insert(tx, workspace, "task", "a", texts[0])?;
        records::insert(tx, workspace, "task", "b", texts[1])
    });
    lists.runtime.block_on(stored).unwrap();
    for pairs in [&[][..], &[("sort", "title")], &[("_id", "a"), ("_id", "b")]] {
        let listed = lists.list(workspace, "tasks", lists.query("tasks", pairs)).unwrap();
        assert_eq!(listed, format!("[{},{}]", texts[0], texts[1]));
    }
}
