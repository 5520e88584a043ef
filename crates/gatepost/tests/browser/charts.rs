//! What a client did, drawn and as tables.

use std::net::IpAddr;
use std::time::Duration;

use gatepost_core::calls::{PASSED, day_of, hour_of};
use gatepost_model::webhook::{Attempt, Outcome};
use gatepost_model::{ApiClient, Method, Timestamp};
use gatepost_store::tables::calls::{self, Additions, Call};
use gatepost_testkit::{App, make};

use crate::support::{SCHOOL, owner, page_of};

const HOUR: Duration = Duration::from_secs(3600);

/// A client with calls and attempts in each hour of the last eight days, more by day than by night.
async fn busy_client(app: &App) -> ApiClient {
    let school = app.workspace(SCHOOL).await;
    let made = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let client = app.gatepost().show_client(&made.id).await.unwrap();
    let (number, now) = (client.number, app.gatepost().now());
    let mut additions = Additions::default();
    for back in 0..192_u32 {
        let hour = hour_of(now).minus(HOUR * back);
        let busy = 10 + u64::from(back % 24) * 7 % 90;
        let call = |verdict| Call { hour, client: number, workspace: Some(school.number), verdict };
        additions.calls.insert(call(PASSED), busy);
        if back % 5 == 0 {
            additions.calls.insert(call("over_limit"), busy / 9);
        }
        additions.secrets.insert((hour, number, 1), busy);
        let address: IpAddr = [203, 0, 113, 24].into();
        *additions.addresses.entry((number, day_of(hour), address)).or_default() += busy;
        for answer in 0..busy / 4 {
            try_once(app, &client, hour, answer, back % 31 == 0);
        }
    }
    app.gatepost().store().write(move |tx| calls::add(tx, &additions)).await.unwrap();
    app.gatepost().flush_attempts().await.unwrap();
    client
}

fn try_once(app: &App, client: &ApiClient, started_at: Timestamp, answer: u64, fails: bool) {
    let method: Method = "task.edit".parse().unwrap();
    let attempt = Attempt {
        delivery_id: String::from("dlv_1"),
        number: 1,
        started_at,
        duration_us: i64::try_from((90 + answer * answer * 3) * 1_000).unwrap(),
        outcome: if fails { Outcome::Timeout } else { Outcome::Delivered },
        status: None,
        error: None,
        address: None,
        request_headers: String::from("[]"),
        response_headers: None,
        reply: None,
        client_revision: 1,
    };
    app.gatepost().note_attempt(client.number, "url_1", &method, &attempt);
}

/// The numbers of a column of the open table, added up, and its rows.
const SUM: &str = "const rows = [...document.querySelectorAll('details.data[open] tbody tr')];
return [rows.length, rows.reduce((sum, row) => sum + Number(row.cells[1].innerText.replaceAll(',', '')), 0)]";

#[tokio::test]
async fn charts_can_be_read_as_tables() {
    let app = App::start().await;
    let client = busy_client(&app).await;
    let browser = owner(&app).await;
    browser.go(&page_of(&client.id)).await;
    for (rows, caption) in [(7, "Calls, 7 days by day"), (24, "Calls, 24 hours by hour")] {
        browser.press(&format!("Show as table: {caption}")).await;
        browser.sees("Refused").await;
        let read = browser.run(SUM, &[]).await;
        assert_eq!(read[0], rows);
        let total = number(read[1].as_u64().unwrap());
        let figure = "return document.querySelector('#activity figure').innerText";
        let figure = browser.run(figure, &[]).await;
        assert!(figure.as_str().unwrap().contains(&total), "{total} in {figure}");
        if rows == 7 {
            browser.press("24 hours").await;
            browser.sees("Show as table: Calls, 24 hours by hour").await;
        }
    }
}

/// With a comma between thousands.
fn number(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", number / 1_000, number % 1_000),
    }
}

#[tokio::test]
async fn whom_a_list_of_addresses_cuts_off_is_said_as_one_types() {
    let app = App::start().await;
    let client = busy_client(&app).await;
    let browser = owner(&app).await;
    browser.go(&format!("{}/settings", page_of(&client.id))).await;
    browser.fill("Addresses", "192.0.2.0/24").await;
    browser.sees("Would cut off 1 caller of the last 7 days: 203.0.113.24, ").await;
    browser.fill("Addresses", "203.0.113.0/24").await;
    browser.sees("Lets in all 1 caller of the last 7 days.").await;
    browser.fill("Addresses", "192.0.2.0/24").await;
    browser.sees("Would cut off 1 caller").await;
    // It was seen, so it is not asked again.
    browser.press("Save settings").await;
    browser.sees("Saved.").await;
    let stored = app.gatepost().show_client(&client.id).await.unwrap();
    assert_eq!(stored.allow_list.to_texts(), ["192.0.2.0/24"]);
}
