//! Clients as people read them.

use std::time::Duration;

use gatepost_model::duration;
use serde_json::Value;

use super::super::show::{Details, items, row, table, text};

/// What must be said beside every secret (contract A9).
const SENSITIVE: &str =
    "The client secret is as sensitive as a password: do not share it, and keep it out of code and logs.";

/// More methods than this are only counted.
const MOST_METHODS: usize = 12;

pub(super) fn made(client: &Value) -> String {
    format!("{}\n\n{SENSITIVE}", details("API client made.", client))
}

pub(super) fn list(clients: &Value) -> String {
    let members = ["clientId", "name", "status", "workspaces", "apiVersion", "lastUsedAt", "id"];
    let rows = items(clients).iter().map(|client| row(client, &members));
    let headings = ["CLIENT ID", "NAME", "STATUS", "WORKSPACES", "VERSION", "LAST USED", "ID"];
    let none = "There are no API clients. Make one: gatepost client create --name NAME --workspace SUBDOMAIN";
    table(&headings, rows.collect(), none)
}

pub(super) fn whole(client: &Value) -> String {
    details(&text(&client["name"]), client)
}

pub(in super::super) fn updated(client: &Value) -> String {
    details("Changed. This is in force now:", client)
}

pub(super) fn revealed(client: &Value) -> String {
    let mut shown =
        Details::new("Revealed; the audit trail says so.").member("client id", client, "clientId");
    for secret in items(&client["secrets"]) {
        let label = format!("client secret #{}", text(&secret["number"]));
        shown = shown.member(&label, secret, "clientSecret");
    }
    format!("{}\n\n{SENSITIVE}", urls(shown, client).finish())
}

pub(super) fn rotated(client: &Value) -> String {
    let shown = Details::new("A new secret was made.").member("client id", client, "clientId").member(
        "client secret",
        client,
        "clientSecret",
    );
    format!("{}\n\n{SENSITIVE}", secrets(shown, client).finish())
}

pub(super) fn disabled(client: &Value) -> String {
    said(client, "is disabled: its secrets and tokens are refused until it is enabled again.")
}

pub(super) fn enabled(client: &Value) -> String {
    said(client, "is enabled.")
}

pub(super) fn revoked(client: &Value) -> String {
    said(
        client,
        "is revoked for good: every token of it is dead, its secrets get no new ones, no webhooks are sent.",
    )
}

pub(super) fn deleted(client: &Value) -> String {
    said(
        client,
        "is deleted: every token of it is dead, and no webhooks are sent. Its deliveries stay as a record.",
    )
}

pub(super) fn secret_killed(client: &Value) -> String {
    let title = "The secret and the tokens that were asked for with it are dead.";
    secrets(Details::new(title).member("client id", client, "clientId"), client).finish()
}

pub(super) fn calls(calls: &Value) -> String {
    let mut shown = Details::new(format!("Calls since {}", text(&calls["since"])))
        .member("passed", calls, "passed")
        .member("refused", calls, "refused");
    for reason in items(&calls["byReason"]) {
        shown = shown.line(&format!("refused: {}", text(&reason["reason"])), text(&reason["calls"]));
    }
    for address in items(&calls["byAddress"]) {
        shown = shown.line(&format!("from {}", text(&address["address"])), text(&address["calls"]));
    }
    shown.finish()
}

fn said(client: &Value, what: &str) -> String {
    Details::new(format!("\"{}\" ({}) {what}", text(&client["name"]), text(&client["clientId"]))).finish()
}

fn details(title: &str, client: &Value) -> String {
    let shown = Details::new(title)
        .member("name", client, "name")
        .member("id", client, "id")
        .member("client id", client, "clientId")
        .member("client secret", client, "clientSecret")
        .member("status", client, "status")
        .member("workspaces", client, "workspaces")
        .line("methods", methods(&client["methods"]))
        .member("API version", client, "apiVersion");
    let shown = urls(shown, client)
        .member("payload", client, "payload")
        .line("token lifetime", lifetime(&client["tokenLifetime"]))
        .line("rate limit", limit(&client["rateLimit"]))
        .line("may call from", allowed(&client["allowIps"]))
        .member("secret policy", client, "secretPolicy");
    secrets(shown, client)
        .member("revision", client, "revision")
        .member("created", client, "createdAt")
        .line("last used", last_used(client))
        .finish()
}

fn urls(mut shown: Details, client: &Value) -> Details {
    for url in items(&client["webhookUrls"]) {
        let state = match url["state"].as_str() {
            Some("active") | None => String::new(),
            Some(state) => format!(" ({state}: {})", text(&url["reason"])),
        };
        shown = shown.line("webhook URL", format!("{}{state}", text(&url["url"]))).member(
            "signing secret",
            url,
            "signingSecret",
        );
    }
    shown
}

fn secrets(mut shown: Details, client: &Value) -> Details {
    for secret in items(&client["secrets"]) {
        let end = match &secret["expiresAt"] {
            Value::Null => String::new(),
            at => format!(", until {}", text(at)),
        };
        let used = match &secret["lastUsedAt"] {
            Value::Null => String::from("never used"),
            at => format!("last used {} from {}", text(at), text(&secret["lastUsedFrom"])),
        };
        let line = format!("{} {}{end}, {used}", text(&secret["hint"]), text(&secret["state"]));
        shown = shown.line(&format!("secret #{}", text(&secret["number"])), line);
    }
    shown
}

fn methods(methods: &Value) -> String {
    match items(methods) {
        [] => String::from("none: no webhooks are sent"),
        all if all.len() > MOST_METHODS => format!("{} of them (--json lists them)", all.len()),
        _ => text(methods),
    }
}

fn lifetime(seconds: &Value) -> String {
    seconds.as_u64().map_or_else(|| text(seconds), |seconds| duration::text(Duration::from_secs(seconds)))
}

fn limit(limit: &Value) -> String {
    if limit.is_null() { String::from("the deployment's") } else { format!("{} per hour", text(limit)) }
}

fn allowed(list: &Value) -> String {
    if items(list).is_empty() { String::from("anywhere") } else { text(list) }
}

fn last_used(client: &Value) -> String {
    if client["lastUsedAt"].is_null() {
        return String::from("never");
    }
    format!("{} from {}", text(&client["lastUsedAt"]), text(&client["lastUsedFrom"]))
}
