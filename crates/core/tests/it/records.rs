//! Writing records, and what comes of it: events and deliveries, all or nothing.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use gatepost_core::Settings;
use gatepost_core::records::MOST_IDS;
use gatepost_core::{Error, error::StoreError};
use gatepost_model::{ApiClient, DeliveryState, Workspace};
use gatepost_store::tables::records;
use serde_json::{Map, Value, json};

use crate::support::{Deployment, START};

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => panic!("{other} is no object"),
    }
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn id_of(text: &str) -> String {
    read(text)["_id"].as_str().unwrap().to_owned()
}

/// A workspace with a client in it, and short forms of the use cases.
struct Shop {
    deployment: Deployment,
    workspace: Workspace,
    client: ApiClient,
}

impl Shop {
    async fn new(methods: &[&str], urls: usize) -> Self {
        Self::on(Deployment::new().await, methods, urls).await
    }

    async fn on(deployment: Deployment, methods: &[&str], urls: usize) -> Self {
        let workspace = deployment.workspace("shop").await;
        let client = deployment.client(&workspace, methods, urls).await;
        Self { deployment, workspace, client }
    }

    async fn create(&self, path: &str, body: Value) -> String {
        let entity = self.deployment.entity(path);
        let gatepost = &self.deployment.gatepost;
        gatepost.create_record(self.workspace.number, entity, fields(body), &self.client).await.unwrap()
    }

    async fn get(&self, path: &str, id: &str) -> Result<String, Error> {
        let entity = self.deployment.entity(path);
        self.deployment.gatepost.get_record(self.workspace.number, entity, id).await
    }

    async fn update(&self, path: &str, ids: &[&str], changes: Value) -> Result<Vec<String>, Error> {
        let entity = self.deployment.entity(path);
        let ids = ids.iter().copied().map(str::to_owned).collect();
        let gatepost = &self.deployment.gatepost;
        gatepost.update_records(self.workspace.number, entity, ids, fields(changes), &self.client).await
    }

    async fn delete(&self, path: &str, ids: &[&str]) -> Result<Vec<String>, Error> {
        let entity = self.deployment.entity(path);
        let ids = ids.iter().copied().map(str::to_owned).collect();
        self.deployment.gatepost.delete_records(self.workspace.number, entity, ids, &self.client).await
    }
}

#[tokio::test]
async fn a_new_record_is_whole() {
    let shop = Shop::new(&[], 0).await;
    let text = shop.create("tasks", json!({"title": "Glaze", "nested": {"a": [1, null]}})).await;
    let record = read(&text);
    let id = record["_id"].as_str().unwrap();
    assert_eq!(id.len(), 17);
    assert_eq!(
        record,
        json!({
            "_id": id,
            "title": "Glaze",
            "nested": {"a": [1, null]},
            "createdAt": START.iso(),
            "updatedAt": START.iso(),
            "createdBy": shop.client.id,
            "businessId": shop.workspace.id,
        })
    );
    assert_eq!(shop.get("tasks", id).await.unwrap(), text);
    assert!(matches!(shop.get("notes", id).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn a_record_is_seen_in_its_own_workspace_only() {
    let shop = Shop::new(&[], 0).await;
    let id = id_of(&shop.create("tasks", json!({})).await);
    let other = shop.deployment.workspace("other").await;
    let (gatepost, entity) = (&shop.deployment.gatepost, shop.deployment.entity("tasks"));
    assert!(matches!(gatepost.get_record(other.number, entity, &id).await, Err(Error::NotFound { .. })));
    let gone = gatepost.delete_records(other.number, entity, vec![id.clone()], &shop.client).await;
    assert!(matches!(gone, Err(Error::NotFound { .. })));
    let foreign = gatepost.create_record(other.number, entity, Map::new(), &shop.client).await;
    assert!(matches!(foreign, Err(Error::NotFound { what: "workspace", .. })));
    assert!(shop.get("tasks", &id).await.is_ok());
}

#[tokio::test]
async fn an_update_merges_top_level_fields_and_is_seen_as_later() {
    let shop = Shop::new(&[], 0).await;
    let created = read(&shop.create("tasks", json!({"title": "Glaze", "meta": {"a": 1, "b": 2}})).await);
    let id = created["_id"].as_str().unwrap();
    let mut last = created["updatedAt"].as_str().unwrap().to_owned();
    for changes in [json!({"meta": {"a": 3}}), json!({"status": "completed"}), json!({"title": null})] {
        let updated = read(&shop.update("tasks", &[id], changes).await.unwrap()[0]);
        let at = updated["updatedAt"].as_str().unwrap().to_owned();
        assert!(last < at, "{last} {at}: the clock stands still, the record must not");
        last = at;
    }
    shop.deployment.clock.advance(Duration::from_secs(60));
    let updated = read(&shop.update("tasks", &[id], json!({})).await.unwrap()[0]);
    assert_eq!(updated["updatedAt"], START.plus(Duration::from_secs(60)).iso());
    assert_eq!(updated["createdAt"], created["createdAt"]);
    assert_eq!(updated["meta"], json!({"a": 3}));
    assert_eq!((&updated["status"], &updated["title"]), (&json!("completed"), &Value::Null));
    assert_eq!(read(&shop.get("tasks", id).await.unwrap()), updated);
}

#[tokio::test]
async fn a_bulk_change_skips_what_does_not_exist_and_needs_something_that_does() {
    let shop = Shop::new(&[], 0).await;
    let mut ids = Vec::new();
    for number in 0..3 {
        shop.deployment.clock.advance(Duration::from_millis(1));
        ids.push(id_of(&shop.create("tasks", json!({"number": number})).await));
    }
    let asked = [ids[2].as_str(), "nothing", &ids[0], &ids[2]];
    let updated = shop.update("tasks", &asked, json!({"done": true})).await.unwrap();
    assert_eq!(updated.iter().map(|text| id_of(text)).collect::<Vec<_>>(), [ids[2].as_str(), &ids[0]]);
    assert!(updated.iter().all(|text| read(text)["done"] == true));
    assert_eq!(read(&shop.get("tasks", &ids[1]).await.unwrap()).get("done"), None);

    let none = shop.update("tasks", &["nothing", "neither"], json!({})).await.unwrap_err();
    assert_eq!(none.to_string(), "there is no record \"nothing\"");
    let many: Vec<String> = (0..=MOST_IDS).map(|number| format!("id{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let refused = shop.delete("tasks", &many).await.unwrap_err();
    assert!(matches!(refused, Error::Invalid { field: "_ids", .. }));

    let removed = shop.delete("tasks", &[&ids[0], &ids[1]]).await.unwrap();
    assert_eq!(removed.len(), 2);
    assert!(shop.get("tasks", &ids[0]).await.is_err());
    assert!(shop.get("tasks", &ids[2]).await.is_ok());
}

#[tokio::test]
async fn archiving_marks_a_record_and_the_archive_can_delete_it() {
    let mut shop = Shop::new(&["task.remove", "task.edit"], 1).await;
    let (put_away, kept) = (shop.create("tasks", json!({})).await, shop.create("tasks", json!({})).await);
    let (put_away, kept) = (id_of(&put_away), id_of(&kept));
    let (gatepost, entity) = (&shop.deployment.gatepost, shop.deployment.entity("tasks"));
    let (workspace, by) = (shop.workspace.number, &shop.client);
    for archived in [true, false, true] {
        let texts = gatepost.archive_records(workspace, entity, vec![put_away.clone()], archived, by).await;
        assert_eq!(read(&texts.unwrap()[0])["isArchived"], archived);
    }
    assert!(shop.delete("archive", &[&kept]).await.is_err());
    assert!(shop.delete("trash-bin", &[&put_away]).await.is_err());
    assert_eq!(shop.delete("archive", &[&put_away, &kept]).await.unwrap().len(), 1);
    assert!(shop.get("tasks", &put_away).await.is_err());
    assert!(shop.get("tasks", &kept).await.is_ok());
    let methods: Vec<String> =
        shop.deployment.handed_over().iter().map(|claimed| claimed.method.as_str().to_owned()).collect();
    assert_eq!(methods, ["task.edit", "task.edit", "task.edit", "task.remove"]);
}

#[tokio::test]
async fn a_write_leaves_one_event_and_one_delivery_for_each_subscribed_url() {
    let mut shop = Shop::new(&["task.create", "task.remove"], 3).await;
    let deaf = shop.deployment.client(&shop.workspace, &["note.create"], 2).await;
    let elsewhere = shop.deployment.workspace("elsewhere").await;
    shop.deployment.client(&elsewhere, &["task.create"], 1).await;

    let created = shop.create("tasks", json!({"title": "Glaze"})).await;
    let id = id_of(&created);
    shop.update("tasks", &[&id], json!({"title": "Fire"})).await.unwrap();
    let removed = shop.delete("tasks", &[&id]).await.unwrap().remove(0);

    let handed = shop.deployment.handed_over();
    assert_eq!(handed.len(), 6, "three URLs, two of the three methods");
    let stored = shop.deployment.deliveries().await;
    assert_eq!(stored.len(), 6);
    for claimed in &handed {
        let row = stored.iter().find(|delivery| delivery.id == claimed.id).unwrap();
        assert_eq!((row.state, row.attempts), (DeliveryState::Pending, 0));
        assert_eq!(row.due_at, START.plus(Settings::default().lease), "leased for the hand-over");
        assert_eq!((row.client, claimed.client), (shop.client.number, shop.client.number));
        assert_eq!((&row.event_id, &row.url_id), (&claimed.event_id, &claimed.url_id));
        let record = if claimed.method.as_str() == "task.create" { &created } else { &removed };
        assert_eq!(&claimed.record, record, "the record after the change; for a removal the last known one");
        let (workspace, event_id) = (shop.workspace.number, claimed.event_id.clone());
        let event =
            shop.deployment.gatepost.store().read(move |tx| records::lookup_event(tx, workspace, &event_id));
        let event = event.await.unwrap().unwrap();
        assert_eq!((&event.record, &event.record_id), (record, &id));
        assert_eq!((&event.caused_by, event.at), (&shop.client.id, START));
        assert_eq!(event.method, claimed.method);
    }
    assert_eq!(read(&removed)["title"], "Fire");
    assert!(stored.iter().all(|delivery| delivery.client != deaf.number));
}

#[tokio::test]
async fn a25_without_a_ticked_method_no_delivery_is_made() {
    let mut shop = Shop::new(&[], 2).await;
    let id = id_of(&shop.create("tasks", json!({})).await);
    shop.update("tasks", &[&id], json!({"a": 1})).await.unwrap();
    shop.delete("tasks", &[&id]).await.unwrap();
    assert!(shop.deployment.deliveries().await.is_empty());
    assert!(shop.deployment.handed_over().is_empty());
    assert!(!shop.deployment.was_told_to_look());
}

#[tokio::test]
async fn without_room_in_memory_deliveries_are_due_at_once() {
    let mut shop = Shop::on(Deployment::with_room(0).await, &["task.create"], 2).await;
    shop.create("tasks", json!({})).await;
    assert!(shop.deployment.handed_over().is_empty());
    assert!(shop.deployment.was_told_to_look());
    let stored = shop.deployment.deliveries().await;
    assert_eq!(stored.len(), 2);
    assert!(stored.iter().all(|delivery| delivery.due_at == START));
}

#[tokio::test]
async fn deliveries_for_a_url_that_takes_no_more_are_due_when_it_does() {
    let mut shop = Shop::new(&["task.create"], 2).await;
    let [full, other] =
        shop.client.webhook_urls.iter().map(|url| url.id.clone()).collect::<Vec<_>>().try_into().unwrap();
    let until = START.plus(Duration::from_secs(7));
    shop.deployment.handed.no_room.close(&full, until);
    shop.create("tasks", json!({})).await;
    let handed_over = shop.deployment.handed_over();
    assert_eq!(handed_over.iter().map(|delivery| &delivery.url_id).collect::<Vec<_>>(), [&other]);
    let stored = shop.deployment.deliveries().await;
    let later: Vec<_> = stored.iter().filter(|delivery| delivery.url_id == full).collect();
    assert_eq!(later.iter().map(|delivery| delivery.due_at).collect::<Vec<_>>(), [until]);
    shop.deployment.clock.set(until);
    shop.create("tasks", json!({})).await;
    assert_eq!(shop.deployment.handed_over().len(), 2);
}

#[tokio::test]
async fn a_large_write_hands_over_its_first_deliveries_and_leaves_the_rest_in_the_table() {
    let mut shop = Shop::new(&["task.remove"], 2).await;
    let mut ids = Vec::new();
    for _ in 0..150 {
        ids.push(id_of(&shop.create("tasks", json!({})).await));
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert_eq!(shop.delete("tasks", &ids).await.unwrap().len(), 150);
    assert_eq!(shop.deployment.handed_over().len(), 256);
    assert!(shop.deployment.was_told_to_look());
    let stored = shop.deployment.deliveries().await;
    assert_eq!(stored.iter().filter(|delivery| delivery.due_at == START).count(), 300 - 256);
}

#[tokio::test]
async fn updates_at_the_same_time_are_all_kept() {
    let shop = Shop::new(&[], 0).await;
    let id = id_of(&shop.create("tasks", json!({})).await);
    let ids = [id.as_str()];
    let (a, b, c) = tokio::join!(
        shop.update("tasks", &ids, json!({"a": 1})),
        shop.update("tasks", &ids, json!({"b": 2})),
        shop.update("tasks", &ids, json!({"c": 3})),
    );
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let record = read(&shop.get("tasks", &id).await.unwrap());
    assert_eq!((&record["a"], &record["b"], &record["c"]), (&json!(1), &json!(2), &json!(3)));
}

#[tokio::test]
async fn a_write_that_fails_half_way_leaves_nothing() {
    // The same steps twice, which make the same ids; the second time the second record cannot be read.
    let mut events = Vec::new();
    for second in [r#"{"_id":"second"}"#, "nonsense"] {
        let mut shop = Shop::new(&["task.edit"], 1).await;
        let workspace = shop.workspace.number;
        let stored = shop.deployment.gatepost.store().write(move |tx| {
            records::insert(tx, workspace, "task", "first", r#"{"_id":"first"}"#)?;
            records::insert(tx, workspace, "task", "second", second)
        });
        stored.await.unwrap();
        let updated = shop.update("tasks", &["first", "second"], json!({"a": 1})).await;
        let handed = shop.deployment.handed_over();
        if events.is_empty() {
            assert_eq!((updated.unwrap().len(), handed.len()), (2, 2));
            events.extend(handed.into_iter().map(|claimed| claimed.event_id));
        } else {
            assert!(matches!(updated, Err(Error::Store(StoreError::Corrupt(_)))));
            assert!(handed.is_empty());
            assert!(shop.deployment.deliveries().await.is_empty());
            assert_eq!(shop.get("tasks", "first").await.unwrap(), r#"{"_id":"first"}"#);
        }
        for event in &events {
            let (event, whole) = (event.clone(), second != "nonsense");
            let found =
                shop.deployment.gatepost.store().read(move |tx| records::lookup_event(tx, workspace, &event));
            assert_eq!(found.await.unwrap().is_some(), whole);
        }
    }
}

#[tokio::test]
async fn the_workspace_is_a_record_of_itself() {
    let mut shop = Shop::new(&["business.edit"], 1).await;
    let entity = shop.deployment.entity("businesses");
    let query = gatepost_catalog::ListQuery::parse(&[], entity).unwrap();
    let listed = shop.deployment.gatepost.list_records(shop.workspace.number, entity, query).await.unwrap();
    let listed = read(&listed);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["domain"], "shop");
    let id = listed[0]["_id"].as_str().unwrap();
    let updated = shop.update("businesses", &[id], json!({"currency": "EUR"})).await.unwrap();
    assert_eq!(read(&updated[0])["currency"], "EUR");
    assert_eq!(shop.deployment.handed_over().len(), 1);
}

/// A caller that is cut off is no longer there when its write is answered.
#[tokio::test]
async fn what_a_caller_wrote_that_went_away_is_handed_over_all_the_same() {
    let mut shop = Shop::new(&["task.create"], 1).await;
    let entity = shop.deployment.entity("tasks").clone();
    let gatepost = Arc::clone(&shop.deployment.gatepost);
    let task = fields(json!({"title": "Glaze"}));
    let mut write = Box::pin(gatepost.create_record(shop.workspace.number, &entity, task, &shop.client));
    assert!(write.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(write);
    // A write behind it, which has no deliveries of its own.
    shop.deployment.workspace("second-shop").await;
    assert_eq!(shop.deployment.handed_over().len(), 1);
}
