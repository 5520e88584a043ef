//! How a client is doing, in a chip and a line of reason.

use std::collections::HashMap;

use gatepost_core::client_list::{Row, Standing};
use gatepost_model::{Timestamp, UrlState};

use crate::parts::{Chip, Tone, chip, plain_chip};
use crate::words::{self, count};

/// The chip.
pub(super) const fn chip_of(standing: Standing) -> Chip {
    match standing {
        Standing::WebhookFailing => chip(Tone::Bad, "Webhook failing"),
        Standing::Active => plain_chip(Tone::Ok, "Active"),
        Standing::NeverUsed => chip(Tone::Off, "Never used"),
        Standing::Disabled => chip(Tone::Off, "Disabled"),
        Standing::Revoked => chip(Tone::Revoked, "Revoked"),
    }
}

/// The reason, where there is one to say.
pub(super) fn reason_of(row: &Row, names: &HashMap<String, String>, now: Timestamp) -> Option<String> {
    match row.standing {
        Standing::Active => None,
        Standing::NeverUsed => Some(format!("Created {} ago", words::span(now.since(row.client.created_at)))),
        Standing::WebhookFailing => {
            let disabled = row.client.webhook_urls.iter().filter(|url| url.state == UrlState::Disabled);
            Some(format!("{} disabled", count(disabled.count(), "URL")))
        }
        Standing::Disabled | Standing::Revoked => row
            .stopped
            .as_ref()
            .map(|(actor, at)| format!("By {}, {}", who(actor, names), words::date(*at, now))),
    }
}

/// An actor of the audit trail as people call them.
pub(super) fn who(actor: &str, names: &HashMap<String, String>) -> String {
    match actor.split_once(':') {
        Some(("user", id)) => names.get(id).cloned().unwrap_or_else(|| String::from("a former user")),
        Some(("token", rest)) => {
            let user = rest.split_once("/user:").and_then(|(_, user)| names.get(user));
            format!("an API token of {}", user.map_or("a former user", String::as_str))
        }
        Some((kind, id)) => format!("{kind} {id}"),
        None if actor == "cli" => String::from("the command line"),
        None if actor == "system" => String::from("Gatepost"),
        None if actor == "unknown" => String::from("Unknown"),
        None => actor.to_owned(),
    }
}
