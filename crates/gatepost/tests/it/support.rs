//! What the tests of the whole product share, besides the test kit.

use gatepost_testkit::{Answer, App, Cli};
use serde_json::{Value, json};

/// The workspace of most tests.
pub(crate) const SCHOOL: &str = "the-ceramic-school";
/// Another one.
pub(crate) const SHOP: &str = "second-shop";
/// A collection that every test may use.
pub(crate) const TASKS: &str = "/v1.11/tasks";

/// The built program, for the deployment of a running server.
pub(crate) fn program(app: &App) -> Cli {
    app.cli(env!("CARGO_BIN_EXE_gatepost"))
}

/// Makes a task, and gives it as the API answered it.
pub(crate) async fn create_task(app: &App, token: &str, workspace: &str, title: &str) -> Value {
    let answer = app.call("POST", TASKS, token, Some(workspace), Some(json!({ "title": title }))).await;
    answer.expect(200).json()
}

/// Lists tasks.
pub(crate) async fn list_tasks(app: &App, token: &str, workspace: &str) -> Answer {
    app.call("GET", TASKS, token, Some(workspace), None).await
}

/// A text member.
pub(crate) fn text(of: &Value, name: &str) -> String {
    match of[name].as_str() {
        Some(text) => text.to_owned(),
        None => panic!("a text \"{name}\" was expected in {of}"),
    }
}

/// Changes a client through the admin API.
pub(crate) async fn update(app: &App, id: &str, change: Value) -> Value {
    app.admin("PATCH", &format!("/clients/{id}"), Some(change)).await.expect(200).json()
}

/// Does something to a client through the admin API.
pub(crate) async fn act(app: &App, id: &str, action: &str) -> Value {
    app.admin("POST", &format!("/clients/{id}/{action}"), None).await.expect(200).json()
}
