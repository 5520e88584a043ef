//! What is about HTTP and not about records: routes, bodies, browsers.

use axum::body::Body;
use http::Request;
use serde_json::json;

use crate::support::Server;

#[tokio::test]
async fn what_does_not_exist_is_not_allowed() {
    let server = Server::new().await;
    for (method, path) in [
        ("GET", "/wikis"),
        ("GET", "/"),
        ("PATCH", "/tasks"),
        ("PUT", "/tasks/RJHY2yXiYTLebwFGS"),
        ("DELETE", "/tasks/RJHY2yXiYTLebwFGS"),
        ("POST", "/invoices/RJHY2yXiYTLebwFGS/send"),
        ("POST", "/tasks/move"),
        ("POST", "/profiles"),
        ("GET", "/v2/tasks"),
        ("GET", "/v1.12/tasks"),
    ] {
        let answer = server.call(method, path, "").await;
        assert_eq!(answer.refused(403), "Method not allowed", "{method} {path}");
    }
}

#[tokio::test]
async fn every_version_answers() {
    let server = Server::new().await;
    for prefix in ["", "/v1", "/v1.7", "/v1.8", "/v1.9", "/v1.10", "/v1.11"] {
        assert_eq!(server.call("GET", &format!("{prefix}/tasks"), "").await.json(200), json!([]), "{prefix}");
    }
}

#[tokio::test]
async fn the_gate_comes_before_all() {
    let server = Server::new().await;
    let request = |method: &str, path: &str| {
        Request::builder()
            .method(method)
            .uri(path)
            .header("business", "shop")
            .body(Body::from("not JSON"))
            .unwrap()
    };
    for (method, path) in [("GET", "/tasks"), ("POST", "/tasks"), ("GET", "/wikis"), ("PATCH", "/v9/x")] {
        let answer = server.send(request(method, path)).await;
        assert_eq!(answer.refused(401), "Unauthorized", "{method} {path}");
        assert!(answer.headers.contains_key("www-authenticate"));
    }
}

#[tokio::test]
async fn limits_are_told_with_every_answer_that_was_counted() {
    let server = Server::new().await;
    for (number, (method, path, status)) in [
        ("GET", "/tasks", 200),
        ("GET", "/wikis", 403),
        ("GET", "/tasks/nothing", 404),
        ("POST", "/files", 400),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = server.call(method, path, "{}").await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.headers["x-ratelimit-remaining"], (999 - number).to_string().as_str());
        assert!(answer.headers.contains_key("ratelimit"));
    }
}

#[tokio::test]
async fn bad_bodies_are_told_apart() {
    let server = Server::new().await;
    for (body, start) in [
        ("{\"a\":", "The body is not JSON: "),
        ("title=Glaze", "The body is not JSON: "),
        ("[1,2]", "The body must be a JSON object"),
    ] {
        let message = server.call("POST", "/tasks", body).await.refused(400);
        assert!(message.starts_with(start), "{message}");
    }
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(1024 * 1024));
    assert_eq!(server.call("POST", "/tasks", large).await.refused(413), "The body is larger than 1 MiB");
    assert_eq!(server.call("GET", "/tasks", "").await.json(200), json!([]));
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let server = Server::new().await;
    let id = server.create("/tasks", json!({})).await;
    for path in [format!("/tasks/{id}"), String::from("/tasks"), String::from("/wikis")] {
        let (get, head) = (server.call("GET", &path, "").await, server.call("HEAD", &path, "").await);
        assert_eq!((head.status, head.text.as_str()), (get.status, ""));
        assert_eq!(head.headers["content-length"], get.text.len().to_string().as_str());
        assert_eq!(head.headers["content-type"], get.headers["content-type"]);
    }
}

#[tokio::test]
async fn browsers_may_ask_from_anywhere() {
    let server = Server::new().await;
    let preflight = Request::options("/v1.8/projects")
        .header("origin", "https://portal.example")
        .header("access-control-request-method", "GET")
        .header(
            "access-control-request-headers",
            "access-control-allow-origin,authorization,business,content-type",
        );
    let answer = server.send(preflight.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    let allowed = answer.headers["access-control-allow-headers"].to_str().unwrap();
    for header in ["authorization", "business", "content-type", "accept", "access-control-allow-origin"] {
        assert!(allowed.split(", ").any(|name| name == header), "{header}");
    }
    let methods = answer.headers["access-control-allow-methods"].to_str().unwrap();
    assert!(["GET", "POST", "PUT", "DELETE"].iter().all(|method| methods.contains(method)));
    assert!(!answer.headers.contains_key("access-control-allow-credentials"));
}
