//! Which records an action is for: `_id` or `_ids`, as a text, an array or a comma list, in the body or in the query. Each
//! client has its own way (contract.md G).

use gatepost_http::Problem;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::body::bad_request;

/// The keys under which ids are sent. Where both are, the first counts.
const KEYS: [&str; 2] = ["_ids", "_id"];

/// The records that an action is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ids {
    /// Their ids, at least one.
    pub(super) ids: Vec<String>,
    /// Whether they were sent as several, so that several are expected back.
    pub(super) several: bool,
}

/// Takes the ids out of the body, or reads them from the query if the body has none.
pub(super) fn take(body: &mut Map<String, Value>, query: Option<&str>) -> Result<Ids, Problem> {
    let sent = KEYS.map(|key| (key, body.shift_remove(key)));
    let in_body =
        sent.into_iter().find_map(|(key, value)| Some((key, value.filter(|value| !value.is_null())?)));
    let ids = match in_body {
        Some((key, value)) => from_value(key, value)?,
        None => from_query(query.unwrap_or_default())?,
    };
    if ids.ids.is_empty() {
        let help = "Name the record with _id, or several records with _ids, in the body or in the query.";
        return Err(bad_request("invalid_request", "_id is required").help(help));
    }
    Ok(ids)
}

fn from_query(query: &str) -> Result<Ids, Problem> {
    for key in KEYS {
        let texts: Vec<String> = form_urlencoded::parse(query.as_bytes())
            .filter(|(name, _)| name.strip_suffix("[]").unwrap_or(name) == key)
            .map(|(_, text)| text.into_owned())
            .collect();
        match texts.as_slice() {
            [] => {}
            // Some clients send every value that is not a text as JSON.
            [text] if text.starts_with('[') => match serde_json::from_str(text) {
                Ok(value) => return from_value(key, value),
                Err(_) => return Err(not_ids(key)),
            },
            [text] => return Ok(from_text(key, text)),
            _ => return Ok(Ids { ids: texts, several: true }),
        }
    }
    Ok(Ids { ids: Vec::new(), several: false })
}

fn from_value(key: &'static str, value: Value) -> Result<Ids, Problem> {
    match value {
        Value::String(text) => Ok(from_text(key, &text)),
        Value::Array(elements) => {
            let text = |element| match element {
                Value::String(id) => Ok(id),
                _ => Err(not_ids(key)),
            };
            let ids: Result<Vec<String>, Problem> = elements.into_iter().map(text).collect();
            Ok(Ids { ids: ids?, several: true })
        }
        _ => Err(not_ids(key)),
    }
}

fn from_text(key: &str, text: &str) -> Ids {
    let ids: Vec<String> =
        text.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect();
    Ids { several: key == "_ids" || text.contains(','), ids }
}

fn not_ids(key: &'static str) -> Problem {
    bad_request(
        "invalid_request",
        format!("{key} must be a text, an array of texts, or texts with commas between them"),
    )
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use super::*;

    fn taken(body: Value, query: &str) -> Result<(Vec<String>, bool), StatusCode> {
        let mut body = body.as_object().unwrap().clone();
        let ids = take(&mut body, Some(query)).map_err(|problem| problem.status())?;
        assert!(!body.contains_key("_id") && !body.contains_key("_ids"));
        Ok((ids.ids, ids.several))
    }

    #[test]
    fn ids_are_found_wherever_they_are() {
        let encoded = "_ids=%5B%22a%22%2C%22b%22%5D";
        for (body, query, ids, several) in [
            (json!({"_id": "a", "title": "x"}), "", &["a"][..], false),
            (json!({"_ids": ["a", "b"]}), "", &["a", "b"], true),
            (json!({"_ids": ["a"]}), "", &["a"], true),
            (json!({"_ids": "a"}), "", &["a"], true),
            (json!({"_id": ["a", "b"]}), "", &["a", "b"], true),
            (json!({"_id": "a, b,"}), "", &["a", "b"], true),
            (json!({"_id": "a", "_ids": ["b"]}), "", &["b"], true),
            (json!({"_id": "a", "_ids": null}), "", &["a"], false),
            (json!({"_id": "a"}), "_id=b", &["a"], false),
            (json!({}), "_id=a", &["a"], false),
            (json!({}), "x=1&_ids=a,b", &["a", "b"], true),
            (json!({}), "_ids[]=a&_ids[]=b", &["a", "b"], true),
            (json!({}), "_ids=a&_ids=b", &["a", "b"], true),
            (json!({}), encoded, &["a", "b"], true),
            (json!({"_id": null}), "_id=a", &["a"], false),
        ] {
            let expected = (ids.iter().copied().map(str::to_owned).collect(), several);
            assert_eq!(taken(body.clone(), query), Ok(expected), "{body} {query}");
        }
    }

    #[test]
    fn what_cannot_be_ids_is_refused() {
        for (body, query) in [
            (json!({}), ""),
            (json!({"_id": ""}), ""),
            (json!({"_id": " , "}), ""),
            (json!({"_ids": []}), ""),
            (json!({"_id": 5}), ""),
            (json!({"_id": {"$in": ["a"]}}), ""),
            (json!({"_ids": ["a", 5]}), ""),
            (json!({}), "_ids=[1"),
            (json!({}), "_ids=[1]"),
            (json!({}), "id=a"),
        ] {
            assert_eq!(taken(body.clone(), query), Err(StatusCode::BAD_REQUEST), "{body} {query}");
        }
    }
}
