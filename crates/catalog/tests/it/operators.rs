//! The meaning of each operator, and what is said about queries that cannot be understood.

use gatepost_catalog::{Catalog, Filter};
use serde_json::{Value, json};

fn filter(query: &Value) -> Filter {
    let catalog = Catalog::builtin();
    Filter::from_json(query, catalog.lookup_path("people").expect("people are built in"))
        .unwrap_or_else(|error| panic!("{query}: {error}"))
}

fn refusal(q: &str) -> String {
    let catalog = Catalog::builtin();
    let error = Filter::from_text(q, catalog.lookup_path("people").expect("people are built in"));
    error.map(|filter| format!("understood as {filter}")).unwrap_or_else(|error| error.to_string())
}

/// Each row: a query, records that it finds, records that it does not find.
fn check(query: Value, finds: &[Value], passes_over: &[Value]) {
    let filter = filter(&query);
    for record in finds {
        assert!(filter.matches(record), "{query} should find {record}");
    }
    for record in passes_over {
        assert!(!filter.matches(record), "{query} should not find {record}");
    }
}

#[test]
fn equality_reaches_elements_and_sees_missing_as_null() {
    check(
        json!({"a": 1}),
        &[json!({"a": 1}), json!({"a": 1.0}), json!({"a": [3, 1]})],
        &[json!({"a": "1"}), json!({})],
    );
    check(
        json!({"a": [1, 2]}),
        &[json!({"a": [1, 2]}), json!({"a": [[1, 2]]})],
        &[json!({"a": [2, 1]}), json!({"a": 1})],
    );
    check(json!({"a": {"b": 1, "c": 2}}), &[json!({"a": {"c": 2, "b": 1}})], &[json!({"a": {"b": 1}})]);
    check(json!({"a": {}}), &[json!({"a": {}})], &[json!({"a": {"b": 1}}), json!({})]);
    check(
        json!({"a": null}),
        &[json!({}), json!({"a": null}), json!({"a": [null]})],
        &[json!({"a": 0}), json!({"a": []})],
    );
    check(
        json!({"a.b": null}),
        &[json!({}), json!({"a": 5}), json!({"a": [{}]})],
        &[json!({"a": [1]}), json!({"a": []})],
    );
    check(json!({"a": {"$eq": true}}), &[json!({"a": true})], &[json!({"a": 1}), json!({"a": "true"})]);
}

#[test]
fn negations_find_what_their_positive_form_does_not() {
    check(
        json!({"a": {"$ne": 1}}),
        &[json!({}), json!({"a": [2]})],
        &[json!({"a": 1}), json!({"a": [2, 1]})],
    );
    check(json!({"a": {"$ne": null}}), &[json!({"a": 0})], &[json!({}), json!({"a": null})]);
    check(json!({"a": {"$nin": [1, null]}}), &[json!({"a": 2})], &[json!({}), json!({"a": [1, 2]})]);
    check(json!({"a": {"$not": {"$gt": 1, "$lt": 5}}}), &[json!({}), json!({"a": 7})], &[json!({"a": 3})]);
    check(json!({"a": {"$not": {"$regex": "^x"}}}), &[json!({"a": "y"}), json!({})], &[json!({"a": "xy"})]);
    check(json!({"$nor": [{"a": 1}, {"b": 1}]}), &[json!({}), json!({"a": 2})], &[json!({"b": 1})]);
    check(json!({"$not": {"a": 1}}), &[json!({})], &[json!({"a": 1})]);
}

#[test]
fn comparisons_hold_within_a_type() {
    check(
        json!({"a": {"$gt": 1}}),
        &[json!({"a": 1.5}), json!({"a": [0, 2]})],
        &[json!({"a": 1}), json!({"a": "2"}), json!({})],
    );
    check(
        json!({"a": {"$lt": "b"}}),
        &[json!({"a": "a"}), json!({"a": ""})],
        &[json!({"a": 1}), json!({"a": null})],
    );
    check(json!({"a": {"$gte": null}}), &[json!({}), json!({"a": null})], &[json!({"a": 0})]);
    check(json!({"a": {"$lte": false}}), &[json!({"a": false})], &[json!({"a": true}), json!({"a": 0})]);
    // Each operator may be met by another element.
    check(json!({"a": {"$gt": 4, "$lt": 2}}), &[json!({"a": [1, 5]})], &[json!({"a": [3]}), json!({"a": 3})]);
    check(
        json!({"a": {"$gt": 9_007_199_254_740_992_i64}}),
        &[json!({"a": 9_007_199_254_740_993_i64})],
        &[json!({"a": 9_007_199_254_740_992_i64})],
    );
}

#[test]
fn texts_that_name_times_compare_as_times() {
    let record = json!({"a": "2026-03-12T00:38:14.642Z"});
    for query in [
        json!({"$gte": "2026-03-12"}),
        json!({"$lt": "2026-03-13"}),
        json!({"$gt": "2026-03-12T01:00:00+01:00"}),
        json!({"$eq": "2026-03-12T01:38:14.642+01:00"}),
        json!({"$in": ["2026-03-12T00:38:14.642000Z"]}),
    ] {
        check(json!({"a": query}), std::slice::from_ref(&record), &[json!({}), json!({"a": 1_773_275_894})]);
    }
    check(
        json!({"a": {"$gt": "2026-01-01"}}),
        &[json!({"a": "2026-01-01T00:00:00.001Z"}), json!({"a": "z"})],
        &[json!({"a": "1"})],
    );
}

#[test]
fn lists_patterns_and_shapes() {
    check(
        json!({"a": {"$in": [1, "x", null]}}),
        &[json!({"a": 1.0}), json!({"a": ["x"]}), json!({})],
        &[json!({"a": 2})],
    );
    check(json!({"a": {"$in": []}}), &[], &[json!({}), json!({"a": []})]);
    check(json!({"a": {"$all": [1, 2]}}), &[json!({"a": [2, 1, 0]})], &[json!({"a": [1]}), json!({"a": 1})]);
    check(json!({"a": {"$all": []}}), &[], &[json!({}), json!({"a": []})]);
    check(
        json!({"a": {"$regex": "^ab+c$", "$options": "i"}}),
        &[json!({"a": "ABBC"}), json!({"a": [1, "abc"]})],
        &[json!({"a": "xabc"}), json!({"a": 5}), json!({})],
    );
    check(json!({"a": {"$options": "m", "$regex": "^b$"}}), &[json!({"a": "a\nb"})], &[json!({"a": "ab"})]);
    check(json!({"a": {"$regex": "a.b", "$options": "su"}}), &[json!({"a": "a\nb"})], &[json!({"a": "ab"})]);
    check(json!({"a": {"$exists": true}}), &[json!({"a": null})], &[json!({})]);
    check(json!({"a": {"$exists": 0}}), &[json!({})], &[json!({"a": 1})]);
    check(
        json!({"a": {"$size": 2}}),
        &[json!({"a": [1, 2]})],
        &[json!({"a": [[1, 2]]}), json!({"a": "xx"}), json!({})],
    );
}

#[test]
fn elements_have_to_pass_everything_at_once() {
    check(
        json!({"a": {"$elemMatch": {"b": 1, "c": 2}}}),
        &[json!({"a": [{"b": 0}, {"b": 1, "c": 2}]})],
        &[json!({"a": [{"b": 1}, {"c": 2}]}), json!({"a": {"b": 1, "c": 2}})],
    );
    check(
        json!({"a": {"$elemMatch": {"$gt": 1, "$lt": 5}}}),
        &[json!({"a": [0, 3]})],
        &[json!({"a": [0, 7]}), json!({"a": 3})],
    );
    check(
        json!({"a": {"$elemMatch": {"$or": [{"b": 1}, {"b": 2}]}}}),
        &[json!({"a": [{"b": 2}]})],
        &[json!({"a": [{"b": 3}]})],
    );
    check(
        json!({"a": {"$elemMatch": {"b": {"$ne": 1}}}}),
        &[json!({"a": [{"b": 1}, {}]})],
        &[json!({"a": [{"b": 1}, 5]})],
    );
    check(json!({"a": {"$elemMatch": {"$not": {"$gt": 1}}}}), &[json!({"a": [5, 1]})], &[json!({"a": [5]})]);
    check(
        json!({"a": {"$elemMatch": {"b": {"$elemMatch": {"c": 1}}}}}),
        &[json!({"a": [{"b": [{"c": 1}]}]})],
        &[json!({"a": [{"b": []}]})],
    );
    check(json!({"a": {"$elemMatch": {}}}), &[json!({"a": [{}]})], &[json!({"a": [1]})]);
}

#[test]
fn paths_lead_through_arrays() {
    let record = json!({"a": [{"b": [{"c": 1}, {"c": 2}]}, {"b": [{"c": 3}]}]});
    for (path, value) in [("a.b.c", 3), ("a.0.b.1.c", 2), ("a.b.0.c", 3), ("a.1.b.c", 3)] {
        check(json!({path: value}), std::slice::from_ref(&record), &[json!({})]);
    }
    check(json!({"a.0.b.1.c": 3}), &[], &[record]);
}

#[test]
fn refusals_name_the_operator_and_the_path() {
    for (q, expected) in [
        (r#"{"a.b":{"$gte":{"x":1}}}"#, r#"$gte at "a.b" needs a number, a text, a date, a boolean or null"#),
        (r#"{"a":{"$in":"x"}}"#, r#"$in at "a" needs a list of values"#),
        (r#"{"a":{"$nin":null}}"#, r#"$nin at "a" needs a list of values"#),
        (r#"{"a":{"$size":-1}}"#, r#"$size at "a" needs a whole number from 0"#),
        (r#"{"a":{"$exists":"yes"}}"#, r#"$exists at "a" needs true or false"#),
        (r#"{"a":{"$elemMatch":{"b":{"$all":1}}}}"#, r#"$all at "a.b" needs a list of values"#),
        (r#"{"a":{"$elemMatch":5}}"#, r#"$elemMatch at "a" needs an object"#),
        (r#"{"a":{"$not":5}}"#, r#"$not at "a" needs an object of operators"#),
        (r#"{"$or":{}}"#, "$or at the top of the query needs a list of at least one query"),
        (r#"{"$or":[5]}"#, "$or at the top of the query needs an object"),
        (r#"{"a":{"$gt":1,"b":2}}"#, r#"the condition at "a" mixes operators with fields; use either"#),
        (
            r#"{"$where":"1"}"#,
            "$where cannot be used at the top of the query; known are $and, $or, $nor and $not",
        ),
        (r#"{"a":{"$regex":5}}"#, r#"$regex at "a" needs a text"#),
        (
            r#"{"a":{"$regex":"x","$options":"g"}}"#,
            r#"$options at "a" needs some of the letters i, m, s, x, u"#,
        ),
        (
            r#"{"a":{"$regex":"(?=x)"}}"#,
            r#"$regex at "a" cannot be used: look-around, including look-ahead and look-behind, is not supported"#,
        ),
        (r#"{"a":{"$regex":"(x)\\1"}}"#, r#"$regex at "a" cannot be used: backreferences are not supported"#),
        (r#"{"a":{"$regex":"("}}"#, r#"$regex at "a" cannot be used: unclosed group"#),
        (
            r#"{"a":{"$regex":"(\\w{100}){100}"}}"#,
            r#"$regex at "a" cannot be used: it is too large once compiled; use fewer or smaller repetitions"#,
        ),
    ] {
        assert_eq!(refusal(q), expected, "{q}");
    }
    assert!(
        refusal(r#"{"a":{"$near":1}}"#).starts_with(r#"$near cannot be used at "a"; known are $eq, $ne"#)
    );
    assert!(refusal(r#"{"a":{"$options":"i"}}"#).starts_with(r#"$options cannot be used at "a""#));
    assert!(
        refusal(r#"{"status":"#).starts_with("q begins like a JSON object but cannot be read as one: EOF")
    );
}

#[test]
fn queries_are_bounded() {
    let mut deep = json!({"a": 1});
    let mut deep_elements = json!({"a": 1});
    let mut deep_values = json!({"$gt": 1});
    for _ in 0..40 {
        deep = json!({"$or": [deep]});
        deep_elements = json!({"a": {"$elemMatch": deep_elements}});
        deep_values = json!({"$elemMatch": deep_values});
    }
    let wide: Vec<Value> = (0..1000).map(|number| json!({"a": number})).collect();
    let patterns: Vec<Value> = (0..40).map(|_| json!({"a": {"$regex": "x"}})).collect();
    let values: Vec<usize> = (0..20_001).collect();
    for (query, what) in [
        (deep, "32 queries within one another"),
        (deep_elements, "32 queries within one another"),
        (json!({"a": deep_values}), "32 queries within one another"),
        (json!({"$or": wide}), "1000 conditions"),
        (json!({"$or": patterns}), "32 patterns"),
        (json!({"a": {"$in": values}}), "20000 values together"),
        (json!({"a": {"$regex": "x".repeat(1001)}}), "1000 bytes"),
        (json!({"a.".repeat(40): 1}), "256 bytes and 32 names"),
    ] {
        assert!(refusal(&query.to_string()).contains(what), "{what}");
    }
}
