//! What holds for every query and every record.

use std::cmp::Ordering;
use std::sync::LazyLock;

use gatepost_catalog::{Catalog, Entity, Filter, ListQuery};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const NAMES: [&str; 7] = ["_id", "a", "b", "isTemplate", "client", "clients", "0"];
const TEXTS: [&str; 8] = ["", "a", "b", "ab", "2026-01-01", "2026-01-01T00:00:00.000Z", "true", "5"];

/// Projects have aliases and hide templates.
static PROJECTS: LazyLock<Entity> =
    LazyLock::new(|| Catalog::builtin().lookup_path("projects").expect("projects are built in").clone());

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..4).prop_map(Value::from),
        prop::sample::select(vec![
            json!(0.5),
            json!(1.0),
            json!(u64::MAX),
            json!(9_007_199_254_740_993_i64),
            json!(1e18)
        ]),
        prop::sample::select(TEXTS.to_vec()).prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 20, 4, |inner| {
        prop_oneof![prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from), object(inner)]
    })
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec((prop::sample::select(NAMES.to_vec()), inner), 0..4)
        .prop_map(|entries| entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        .prop_map(|entries: Map<String, Value>| Value::Object(entries))
}

fn record() -> impl Strategy<Value = Value> {
    object(value())
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(NAMES.to_vec()), 1..3).prop_map(|names| names.join("."))
}

/// A condition on one path.
fn condition(query: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    let list = || prop::collection::vec(value(), 0..3);
    let operator = prop_oneof![
        (prop::sample::select(vec!["$eq", "$ne"]), value()).prop_map(|(name, value)| json!({name: value})),
        (prop::sample::select(vec!["$gt", "$gte", "$lt", "$lte"]), scalar())
            .prop_map(|(name, value)| json!({name: value})),
        (prop::sample::select(vec!["$in", "$nin", "$all"]), list())
            .prop_map(|(name, values)| json!({name: values})),
        any::<bool>().prop_map(|exists| json!({"$exists": exists})),
        (0..3u8).prop_map(|size| json!({"$size": size})),
        prop::sample::select(vec!["a", "^b", "A.*", "\\d"])
            .prop_map(|source| json!({"$regex": source, "$options": "i"})),
    ];
    prop_oneof![
        4 => value(),
        4 => operator.clone(),
        1 => operator.clone().prop_map(|condition| json!({"$not": condition})),
        1 => operator.prop_map(|condition| json!({"$elemMatch": condition})),
        1 => query.prop_map(|query| json!({"$elemMatch": query})),
    ]
}

fn query() -> impl Strategy<Value = Value> {
    let leaf = (path(), value()).prop_map(|(path, value)| json!({path: value})).boxed();
    leaf.prop_recursive(3, 12, 3, |inner| {
        let queries = prop::collection::vec(inner.clone(), 1..3);
        prop_oneof![
            prop::collection::vec((path(), condition(inner)), 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            (prop::sample::select(vec!["$and", "$or", "$nor"]), queries)
                .prop_map(|(name, queries)| json!({name: queries})),
        ]
    })
}

fn read(query: &Value) -> Filter {
    Filter::from_json(query, &PROJECTS).unwrap_or_else(|error| panic!("{query}: {error}"))
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    let sort = prop::sample::select(vec![
        "a",
        "-a",
        "b_desc",
        "_id",
        "-_id",
        "a.b,-clients",
        r#"{"a":-1,"b":1}"#,
        "nothing",
        "",
    ]);
    let order = prop::sample::select(vec!["asc", "desc", ""]);
    (sort, order).prop_map(|(sort, order)| {
        vec![("sort".to_owned(), sort.to_owned()), ("order".to_owned(), order.to_owned())]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_printed_filter_is_read_as_itself(query in query(), record in record()) {
        let filter = read(&query);
        let again = read(&filter.to_json());
        prop_assert_eq!(&again, &filter);
        prop_assert_eq!(again.matches(&record), filter.matches(&record));
    }

    #[test]
    fn connectives_obey_de_morgan(left in query(), right in query(), record in record()) {
        let holds = |query: Value| read(&query).matches(&record);
        let (not_left, not_right) = (json!({"$not": left}), json!({"$not": right}));
        prop_assert_eq!(holds(json!({"$nor": [left, right]})), holds(json!({"$and": [not_left, not_right]})));
        prop_assert_eq!(holds(json!({"$not": {"$and": [left, right]}})), holds(json!({"$or": [not_left, not_right]})));
        prop_assert_ne!(holds(left.clone()), holds(json!({"$nor": [left]})));
    }

    #[test]
    fn negated_operators_are_exact_opposites(path in path(), value in value(), list in prop::collection::vec(value(), 0..3), record in record()) {
        let holds = |condition: Value| read(&json!({&path: condition})).matches(&record);
        prop_assert_ne!(holds(json!({"$eq": value})), holds(json!({"$ne": value})));
        prop_assert_ne!(holds(json!({"$in": list})), holds(json!({"$nin": list})));
        prop_assert_ne!(holds(json!({"$exists": true})), holds(json!({"$exists": false})));
        prop_assert_ne!(holds(json!({"$size": 1})), holds(json!({"$not": {"$size": 1}})));
    }

    #[test]
    fn a_list_is_any_of_its_values(path in path(), list in prop::collection::vec(value(), 1..4), record in record()) {
        let each: Vec<Value> = list.iter().map(|value| json!({&path: {"$eq": value}})).collect();
        let any = read(&json!({"$or": each})).matches(&record);
        // Objects and arrays in a list are values like any other.
        prop_assert_eq!(read(&json!({&path: {"$in": list}})).matches(&record), any);
    }

    #[test]
    fn ids_leave_out_no_match(query in query(), record in record()) {
        let filter = read(&query);
        if let (Some(ids), Some(id)) = (filter.ids(), record["_id"].as_str()) && filter.matches(&record) {
            // Ids never name a point in time; the texts of this test do.
            prop_assume!(!id.starts_with("2026"));
            prop_assert!(ids.contains(&id));
        }
    }

    #[test]
    fn no_json_and_no_text_makes_it_panic(body in value(), record in value(), text in ".{0,60}", key in ".{0,20}") {
        for filter in [
            Filter::from_json(&body, &PROJECTS),
            Filter::from_text(&text, &PROJECTS),
            Filter::from_text(&format!("{{{text}"), &PROJECTS),
            Filter::from_pairs(&[(key.clone(), text.clone())], &PROJECTS),
            Filter::from_json(&json!({&key: body}), &PROJECTS),
            Filter::from_json(&json!({"a": {&key: body}}), &PROJECTS),
            Filter::from_json(&json!({"a": {"$regex": text}}), &PROJECTS),
        ].into_iter().flatten() {
            let _either = filter.matches(&record);
        }
        let _checked = (PROJECTS.check_create(body.clone()), PROJECTS.check_update(body.clone()));
        let query = ListQuery::parse(&[("sort".to_owned(), text.clone()), ("limit".to_owned(), key), ("skip".to_owned(), text)], &PROJECTS);
        prop_assert!(query.is_ok_and(|query| query.apply(vec![record, body]).len() <= 2));
    }

    #[test]
    fn the_order_is_total(pairs in pairs(), records in prop::collection::vec(record(), 3)) {
        let query = ListQuery::parse(&pairs, &PROJECTS).unwrap();
        let [a, b, c] = [&records[0], &records[1], &records[2]];
        prop_assert_eq!(query.compare(a, b), query.compare(b, a).reverse());
        prop_assert_eq!(query.compare(a, a), Ordering::Equal);
        if query.compare(a, b).is_le() && query.compare(b, c).is_le() {
            prop_assert!(query.compare(a, c).is_le());
        }
    }

    #[test]
    fn pages_make_up_the_whole_list(query in query(), sort in pairs(), records in prop::collection::vec(record(), 0..40), size in 1usize..9) {
        let mut pairs = sort;
        pairs.push(("q".to_owned(), query.to_string()));
        let mut query = ListQuery::parse(&pairs, &PROJECTS).unwrap();
        let whole = query.apply(records.clone());
        query.limit = size;
        let mut pages = Vec::new();
        loop {
            query.skip = pages.len();
            let page = query.apply(records.clone());
            let last = page.len() < size;
            pages.extend(page);
            if last {
                break;
            }
        }
        prop_assert_eq!(pages, whole);
    }
}
