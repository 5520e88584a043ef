//! Every form in which clients send the operations of contract.md G.

use serde_json::{Value, json};

use crate::support::Server;

#[tokio::test]
async fn create_answers_the_record_whole() {
    let server = Server::new().await;
    let sent = json!({"title": "Glaze", "_id": "mine", "createdBy": "me", "anything": [1, {"else": null}]});
    let created = server.call("POST", "/v1.11/tasks", sent.to_string()).await.json(200);
    assert_eq!((&created["title"], &created["anything"]), (&sent["title"], &sent["anything"]));
    assert_eq!(created["_id"].as_str().unwrap().len(), 17);
    assert!(created["createdBy"].as_str().unwrap().starts_with("cli_"));
    assert!(created["businessId"].as_str().unwrap().starts_with("wsp_"));
    assert_eq!(created["createdAt"], created["updatedAt"]);
    // An empty body is an empty object.
    assert!(server.call("POST", "/v1.11/tasks", "").await.json(200)["_id"].is_string());
}

#[tokio::test]
async fn one_record_is_read_in_three_ways() {
    let server = Server::new().await;
    let id = server.create("/tasks", json!({"title": "Glaze"})).await;
    server.create("/tasks", json!({"title": "Fire"})).await;
    let one = server.call("GET", &format!("/tasks/{id}"), "").await.json(200);
    assert_eq!(one["title"], "Glaze");
    for query in [format!("_id={id}"), format!("q=%7B%22_id%22:%22{id}%22%7D&limit=2")] {
        let list = server.call("GET", &format!("/tasks?{query}"), "").await.json(200);
        assert_eq!(list, json!([one]), "{query}");
    }
    assert_eq!(server.call("GET", "/tasks/nothing", "").await.refused(404), "there is no record \"nothing\"");
    assert_eq!(server.call("GET", "/tasks?_id=nothing", "").await.json(200), json!([]));
}

#[tokio::test]
async fn lists_are_bare_arrays_with_filters_and_pages() {
    let server = Server::new().await;
    for number in 0..5 {
        let body = json!({"title": format!("Task {number}"), "number": number, "assignedTo": ["ann", "bob"]});
        server.create("/tasks", body).await;
    }
    for (query, numbers) in [
        ("sort=number", json!([0, 1, 2, 3, 4])),
        ("sort=-number&skip=1&limit=2", json!([3, 2])),
        ("number=3", json!([3])),
        ("assignedTo=bob&sort=number_desc&limit=1", json!([4])),
        ("q=%7B%22number%22:%7B%22$gte%22:3%7D%7D&sort=number", json!([3, 4])),
        ("q=TASK+2", json!([2])),
        ("limit=100000&sort=number", json!([0, 1, 2, 3, 4])),
        ("title=Task%201", json!([1])),
        ("nothing=1", json!([])),
    ] {
        let list = server.call("GET", &format!("/v1.8/tasks/?{query}"), "").await.json(200);
        let found: Vec<Value> = list.as_array().unwrap().iter().map(|task| task["number"].clone()).collect();
        assert_eq!(Value::Array(found), numbers, "{query}");
    }
    assert!(
        server
            .call("GET", "/tasks?q=%7B%22a%22:%7B%22$near%22:1%7D%7D", "")
            .await
            .refused(400)
            .contains("$near")
    );
    let narrow = server.call("GET", "/comments", "").await.refused(400);
    assert!(narrow.contains("_id, or entityType and entityId"), "{narrow}");
}

#[tokio::test]
async fn update_takes_ids_in_body_or_query_and_answers_object_or_array() {
    let server = Server::new().await;
    let (a, b) = (server.create("/tasks", json!({})).await, server.create("/tasks", json!({})).await);
    for (path, body, array) in [
        (String::from("/tasks"), json!({"_id": a, "n": 1}), false),
        (format!("/tasks?_id={a}"), json!({"n": 2}), false),
        (String::from("/tasks/bulk"), json!({"_ids": [a, b], "n": 3}), true),
        (String::from("/tasks/bulk"), json!({"_id": a, "n": 4}), true),
        (format!("/tasks/bulk?_ids={a},{b}"), json!({"n": 5}), true),
        (String::from("/tasks"), json!({"_ids": [a, "nothing"], "n": 6}), true),
    ] {
        let answer = server.call("PUT", &path, body.to_string()).await.json(200);
        assert_eq!(answer.is_array(), array, "{path} {body}");
        let first = if array { &answer[0] } else { &answer };
        assert_eq!((&first["_id"], &first["n"]), (&json!(a), &body["n"]), "{path} {body}");
        assert_eq!(first.get("_ids"), None);
    }
    assert_eq!(server.call("PUT", "/tasks", r#"{"n":1}"#).await.refused(400), "_id is required");
    server.call("PUT", "/tasks", r#"{"_id":"nothing"}"#).await.refused(404);
    server.call("PUT", "/tasks/bulk", r#"{"_ids":["nothing","neither"]}"#).await.refused(404);
}

#[tokio::test]
async fn delete_reads_its_body_and_answers_what_was_removed() {
    let server = Server::new().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(server.create("/tasks", json!({"number": number})).await);
    }
    let one = server.call("DELETE", "/tasks", json!({"_id": ids[0], "status": "deleted"}).to_string()).await;
    assert_eq!(one.json(200)["number"], 0);
    let by_query = server.call("DELETE", &format!("/tasks?_id={}", ids[1]), "").await.json(200);
    assert_eq!(by_query["number"], 1);
    let bulk = json!({"_ids": [ids[2], ids[3], ids[0]]}).to_string();
    let removed = server.call("DELETE", "/tasks/bulk", bulk.clone()).await.json(200);
    assert_eq!((&removed[0]["number"], removed.as_array().unwrap().len()), (&json!(2), 2));
    server.call("DELETE", "/tasks/bulk", bulk).await.refused(404);
    assert_eq!(server.call("GET", "/tasks", "").await.json(200)[0]["_id"], ids[4]);
}

#[tokio::test]
async fn archive_puts_away_and_takes_back() {
    let server = Server::new().await;
    let id = server.create("/tasks", json!({"title": "Glaze"})).await;
    for (path, body, archived) in [
        ("/tasks/archive", json!({"_id": id}), true),
        ("/tasks/archive", json!({"_id": id, "isArchived": false}), false),
        ("/tasks/bulk/archive", json!({"_ids": [id], "isArchived": "true"}), true),
    ] {
        let answer = server.call("POST", path, body.to_string()).await.json(200);
        let record = if path.contains("bulk") { &answer[0] } else { &answer };
        assert_eq!(
            (&record["isArchived"], &record["title"]),
            (&json!(archived), &json!("Glaze")),
            "{path} {body}"
        );
    }
    let archive = server.call("GET", "/archive", "").await.json(200);
    assert_eq!((&archive[0]["_id"], &archive[0]["entityType"]), (&json!(id), &json!("task")));
    let bad = json!({"_id": id, "isArchived": 5}).to_string();
    assert_eq!(
        server.call("POST", "/tasks/archive", bad).await.refused(400),
        "isArchived must be true or false"
    );
    assert_eq!(server.call("DELETE", "/archive", json!({"_id": id}).to_string()).await.json(200)["_id"], id);
    assert_eq!(server.call("GET", "/archive", "").await.json(200), json!([]));
    assert_eq!(server.call("GET", "/trash-bin", "").await.json(200), json!([]));
}

#[tokio::test]
async fn what_the_catalog_refuses_is_a_400_in_its_words() {
    let server = Server::new().await;
    assert_eq!(server.call("POST", "/files", "{}").await.refused(400), "Handle is required");
    let bad = r#"{"entityType":"contract","type":"items","entityId":"x"}"#;
    let refused = server.call("POST", "/blocks", bad).await.refused(400);
    assert!(refused.starts_with("Type \"items\" is invalid. Valid options are: content, "), "{refused}");
}

#[tokio::test]
async fn the_workspace_is_listed_and_updated() {
    let server = Server::new().await;
    let listed = server.call("GET", "/v1/businesses?limit=1", "").await.json(200);
    assert_eq!((&listed[0]["domain"], &listed[0]["name"]), (&json!("shop"), &json!("The shop")));
    let body = json!({"_id": listed[0]["_id"], "currency": "EUR"}).to_string();
    assert_eq!(server.call("PUT", "/businesses", body).await.json(200)["currency"], "EUR");
}
