//! The audit log: filters, the export, and what was refused.

use gatepost_core::clients::NewClient;
use gatepost_model::Role;
use gatepost_testkit::App;

use crate::support::{Browser, WithStatus, colleague};

#[tokio::test]
async fn the_log_is_filtered_exported_and_tells_of_attempts() {
    let app = App::start().await;
    app.workspace("one").await;
    app.workspace("two").await;
    let owner = Browser::owner(&app).await;
    let made = NewClient { workspaces: vec![String::from("one")], ..NewClient::named("Tool") };
    let client = app.client(made).await;
    let stranger = colleague(&app, "tomasz", &[("two", Role::Admin)]).await;
    let enable = format!("/clients/{}/enable", client.id);
    for _ in 0..9 {
        let _ = stranger.post(&enable, &[]).await.with_status(404);
    }

    let refused = owner.get("/audit?kind=refused").await.with_status(200).text();
    let times = refused.matches("Was refused a change of").count();
    assert!((1..=5).contains(&times), "{times} entries: nobody fills the log");
    assert!(!refused.contains("Created client"), "{refused}");
    let theirs = stranger.get("/audit?kind=refused").await.with_status(200).text();
    assert!(!theirs.contains(&client.id), "{theirs}");
    let created = owner.get("/audit?kind=created&time=day").await.with_status(200).text();
    assert!(
        created.contains("Created client") && created.contains("/audit/export?kind=created"),
        "{created}"
    );
    let none = owner.get("/audit?person=usr_tomasz&kind=created").await.with_status(200).text();
    assert!(none.contains("Nothing here yet."), "{none}");
    let tried = owner.get("/audit?person=usr_tomasz").await.with_status(200).text();
    assert!(tried.contains("Was refused a change of"), "{tried}");

    let csv = owner.get("/audit/export").await.with_status(200);
    assert!(csv.header("content-type").starts_with("text/csv"));
    assert!(csv.header("content-disposition").contains("audit-log.csv"));
    let csv = csv.text();
    assert!(csv.starts_with("time,who,action,subject,from,changes\r\n"), "{csv}");
    assert!(csv.contains("\"client.create\""), "{csv}");
    let only = owner.get("/audit/export?kind=refused").await.with_status(200).text();
    assert!(only.contains("access.refuse") && !only.contains("client.create"), "{only}");
}
