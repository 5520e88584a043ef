//! The story, step by step.

use anyhow::Context;
use serde_json::Value;

use super::stage::Stage;

const WORKSPACE: &str = "the-ceramic-school";
const TASKS: &str = "/v1.11/tasks";

/// A client of the story.
struct Client {
    id: String,
    token: String,
    signing_key: String,
}

/// Plays it, from the first client to its end.
pub(super) async fn play(stage: &mut Stage) -> anyhow::Result<()> {
    make_workspace(stage).await?;
    let url = format!("http://{}/hooks?from=gatepost", stage.receiver.address());
    let ticked = ["--webhook-url", &url, "--method", "task.create", "--method", "task.edit"];
    let crm = make_client(
        stage,
        "CRM sync",
        "Make an API client: a name, a workspace, a webhook URL, two events ticked",
        &ticked,
    )
    .await?;
    let reporting =
        make_client(stage, "Reporting", "Make a second client, with no events ticked", &[]).await?;
    name_no_workspace(stage, &crm).await?;
    name_another_workspace(stage, &crm).await?;
    let task = create_task(stage, &crm).await?;
    write_without_methods(stage, &reporting).await?;
    let delivery = receiver_down(stage, &crm, &task).await?;
    receiver_up(stage, &crm, &delivery).await?;
    revoke(stage, &crm, &reporting).await?;
    println!("\nEvery step came out as it must.");
    Ok(())
}

async fn make_workspace(stage: &mut Stage) -> anyhow::Result<()> {
    let command = ["workspace", "create", WORKSPACE, "--name", "The Ceramic School"];
    stage.say("Make a workspace", &stage.by_hand(&command));
    let made = stage.gatepost(&command).await?;
    stage.check(made["subdomain"] == WORKSPACE, "it is known by its subdomain, the-ceramic-school")
}

async fn make_client(stage: &mut Stage, name: &str, what: &str, more: &[&str]) -> anyhow::Result<Client> {
    let mut command = vec!["client", "create", "--name", name, "--workspace", WORKSPACE];
    command.extend(more);
    stage.say(what, &stage.by_hand(&command));
    let made = stage.gatepost(&command).await?;
    let (client_id, secret) = (text(&made["clientId"])?, text(&made["clientSecret"])?);
    stage.check(
        client_id.starts_with("gpc_") && secret.starts_with("gps_"),
        &format!("client id {client_id}, and a secret"),
    )?;

    let form = format!("grant_type=client_credentials&client_id={client_id}&client_secret={secret}");
    let base = stage.caller.base().to_owned();
    stage.say(
        &format!("Get an access token for {name}"),
        &format!("curl -s -d grant_type=client_credentials -d client_id={client_id} -d client_secret=$SECRET {base}/oauth/token"),
    );
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = stage.caller.send("POST", "/oauth/token", &headers, form).await?;
    let token = text(&answer.json["access_token"])?;
    stage.check(answer.json["accessToken"] == *token, "a token, in both spellings that clients read")?;
    stage.check(answer.json["expires_in"] == 259_200, "good for 72 hours")?;
    let signing_key = made["webhookUrls"][0]["signingSecret"].as_str().unwrap_or_default().to_owned();
    Ok(Client { id: text(&made["id"])?.to_owned(), token: token.to_owned(), signing_key })
}

async fn name_no_workspace(stage: &mut Stage, client: &Client) -> anyhow::Result<()> {
    stage.say("Call the API without the business header", &stage.curl("GET", TASKS, None, ""));
    let answer = stage.call("GET", TASKS, &client.token, None, "").await?;
    stage.check(answer.status == 400, "400, although the token is good")?;
    let message = answer.message();
    stage.check(message == "Business undefined is not enabled for this client.", &format!("\"{message}\""))
}

async fn name_another_workspace(stage: &mut Stage, client: &Client) -> anyhow::Result<()> {
    let other = Some("another-school");
    stage.say(
        "Call it for a workspace that the client is not enabled for",
        &stage.curl("GET", TASKS, other, ""),
    );
    let answer = stage.call("GET", TASKS, &client.token, other, "").await?;
    stage.check(answer.status == 400, "400 again")?;
    let message = answer.message();
    stage.check(
        message == "Business another-school is not enabled for this client.",
        &format!("\"{message}\""),
    )?;
    let answer = stage.call("GET", TASKS, &client.token, Some(WORKSPACE), "").await?;
    let left =
        answer.headers.get("x-ratelimit-remaining").and_then(|value| value.to_str().ok()).unwrap_or_default();
    stage.check(
        answer.status == 200 && answer.json == Value::Array(Vec::new()),
        "with the right one: 200 and an empty list",
    )?;
    stage.check(!left.is_empty(), &format!("and {left} calls left in this hour"))
}

async fn create_task(stage: &mut Stage, client: &Client) -> anyhow::Result<String> {
    let body = r#"{"title":"Fire the kiln"}"#;
    stage.say("Create a task", &stage.curl("POST", TASKS, Some(WORKSPACE), body));
    let answer = stage.call("POST", TASKS, &client.token, Some(WORKSPACE), body).await?;
    let id = answer.json["_id"].as_str().unwrap_or_default().to_owned();
    stage.check(answer.status == 200 && !id.is_empty(), &format!("it is stored as {id}"))?;
    let webhook = stage.receiver.next().await?;
    stage.check(webhook.header("gatepost-method") == "task.create", "a task.create webhook arrived")?;
    stage.check(webhook.json() == answer.json, "its body is the task, as the API answered it")?;
    stage.check(
        webhook.is_signed_with(&client.signing_key),
        "its signature is that of the URL's signing key",
    )?;
    Ok(id)
}

async fn write_without_methods(stage: &mut Stage, client: &Client) -> anyhow::Result<()> {
    let body = r#"{"title":"Count the glazes"}"#;
    stage.say(
        "Write with the client that has no events ticked: the checklist governs webhooks, not access",
        &stage.curl("POST", TASKS, Some(WORKSPACE), body),
    );
    let answer = stage.call("POST", TASKS, &client.token, Some(WORKSPACE), body).await?;
    stage.check(answer.status == 200, "200: it may use the whole API")?;
    let webhook = stage.receiver.next().await?;
    stage.check(
        webhook.json() == answer.json,
        "and the CRM's URL hears of it, because there the event is ticked",
    )?;
    let queued = stage.gatepost(&["delivery", "list", "--client", &client.id]).await?;
    stage.check(queued.as_array().is_some_and(Vec::is_empty), "nothing was queued for the client itself")
}

async fn receiver_down(stage: &mut Stage, client: &Client, task: &str) -> anyhow::Result<String> {
    stage.receiver.go_down().await;
    let body = format!(r#"{{"_id":"{task}","title":"Fire the kiln twice"}}"#);
    stage.say("Take the receiver down and edit the task", &stage.curl("PUT", TASKS, Some(WORKSPACE), &body));
    let answer = stage.call("PUT", TASKS, &client.token, Some(WORKSPACE), &body).await?;
    stage.check(answer.status == 200, "200: a receiver that is down is nobody else's trouble")?;
    let failed =
        wait_for_delivery(stage, client, |delivery| delivery["attempts"].as_u64() >= Some(1)).await?;
    let id = text(&failed["id"])?.to_owned();
    stage.check(failed["state"] == "pending", &format!("delivery {id} failed once and is tried again"))?;
    Ok(id)
}

async fn receiver_up(stage: &mut Stage, client: &Client, delivery: &str) -> anyhow::Result<()> {
    stage.receiver.come_up().await?;
    let command = ["delivery", "show", delivery];
    stage.say("Bring the receiver back", &stage.by_hand(&command));
    let webhook = stage.receiver.next().await?;
    stage.check(webhook.header("gatepost-method") == "task.edit", "the task.edit webhook arrived")?;
    stage.check(
        webhook.header("gatepost-attempt").parse::<u32>().is_ok_and(|attempt| attempt > 1),
        "it is a later attempt",
    )?;
    stage.check(webhook.is_signed_with(&client.signing_key), "signed anew")?;
    let done =
        wait_for_delivery(stage, client, |found| found["id"] == delivery && found["state"] == "delivered")
            .await?;
    stage.check(
        done["eventId"] == webhook.header("webhook-id"),
        "its webhook-id is the event's, the same on every attempt",
    )?;
    stage.check(done["attempts"].as_u64() >= Some(2), "and the delivery is recorded as delivered")?;
    let quiet = stage.receiver.is_quiet();
    stage.check(quiet, "nothing arrived twice")
}

async fn revoke(stage: &mut Stage, crm: &Client, reporting: &Client) -> anyhow::Result<()> {
    let command = ["client", "revoke", &*crm.id];
    stage.say("Revoke the CRM's client", &stage.by_hand(&command));
    let revoked = stage.gatepost(&command).await?;
    stage.check(revoked["status"] == "revoked", "revoked")?;
    let answer = stage.call("GET", TASKS, &crm.token, Some(WORKSPACE), "").await?;
    stage.check(answer.status == 401, "its token is dead at once: 401")?;
    let answer = stage.call("GET", TASKS, &reporting.token, Some(WORKSPACE), "").await?;
    let count = answer.json.as_array().map(Vec::len);
    stage.check(answer.status == 200 && count == Some(2), "the second client still works and sees both tasks")
}

/// Looks at the client's deliveries until one is as it must be.
async fn wait_for_delivery(
    stage: &Stage,
    client: &Client,
    is_so: impl Fn(&Value) -> bool,
) -> anyhow::Result<Value> {
    let looking = async {
        loop {
            let deliveries = stage.gatepost(&["delivery", "list", "--client", &client.id]).await?;
            let newest = deliveries.as_array().and_then(|list| list.first()).cloned().unwrap_or_default();
            if is_so(&newest) {
                return Ok(newest);
            }
        }
    };
    let found = tokio::time::timeout(std::time::Duration::from_secs(20), looking).await;
    found.context("the delivery log did not show it within twenty seconds")?
}

fn text(value: &Value) -> anyhow::Result<&str> {
    value.as_str().with_context(|| format!("a text was expected instead of {value}"))
}
