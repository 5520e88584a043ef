//! How a client is doing, in a chip and a line of reason.

use std::collections::HashMap;

use gatepost_core::gate::Check;
use gatepost_core::standing::{Standing, Stopped};
use gatepost_model::Timestamp;

use crate::BASE;
use crate::parts::{Chip, Tone, chip, plain_chip};
use crate::session::Visit;
use crate::words::{self, count, number};

/// The chip.
pub(super) const fn chip_of(standing: Standing) -> Chip {
    match standing {
        Standing::UrlDisabled { .. } | Standing::WebhookFailing { .. } => chip(Tone::Bad, "Webhook failing"),
        Standing::NoWorkspace { .. } => chip(Tone::Warn, "No workspace header"),
        Standing::ForeignWorkspace { .. } => chip(Tone::Warn, "Workspace not enabled"),
        Standing::OldSecret { .. } => chip(Tone::Warn, "Old secret in use"),
        Standing::SecretEnds { .. } => chip(Tone::Warn, "Secret ends soon"),
        Standing::OverLimit { .. } => chip(Tone::Warn, "Rate limit reached"),
        Standing::Active => plain_chip(Tone::Ok, "Active"),
        Standing::NeverUsed => chip(Tone::Off, "Never used"),
        Standing::Disabled => chip(Tone::Off, "Disabled"),
        Standing::Revoked => chip(Tone::Revoked, "Revoked"),
    }
}

/// The reason, where there is one to say. A workspace that the reader does not administer is not named.
pub(super) fn reason_of(
    standing: Standing,
    created_at: Timestamp,
    stopped: Option<&Stopped>,
    names: &HashMap<String, String>,
    visit: &Visit,
) -> Option<String> {
    match standing {
        Standing::Active => None,
        Standing::UrlDisabled { urls } => Some(format!("{} disabled", count(urls, "URL"))),
        Standing::WebhookFailing { failed, attempts } => {
            Some(format!("{} of {} failed in 24 h", number(failed), count(attempts, "attempt")))
        }
        Standing::NoWorkspace { calls } => Some(format!("{} refused in 24 h", number(calls))),
        Standing::ForeignWorkspace { calls, workspace } => {
            let known = visit.user().administered().find(|known| Some(known.number) == workspace);
            let place = known.map(|known| format!(" for {}", known.subdomain)).unwrap_or_default();
            Some(format!("{} refused{place} in 24 h", number(calls)))
        }
        Standing::OldSecret { calls } => Some(format!("{} in 2 h", count(calls, "call"))),
        Standing::SecretEnds { at } => {
            Some(format!("Ends in {}, still used", words::span(at.since(visit.now))))
        }
        Standing::OverLimit { calls } => Some(format!("{} refused in 24 h", count(calls, "call"))),
        Standing::NeverUsed => Some(format!("Created {} ago", words::span(visit.now.since(created_at)))),
        Standing::Disabled | Standing::Revoked => {
            stopped.map(|(actor, at)| format!("By {}, {}", who(actor, names), words::date(*at, visit.now)))
        }
    }
}

/// What a person does about it, and where.
pub(super) struct Remedy {
    pub(super) text: &'static str,
    pub(super) label: &'static str,
    pub(super) address: String,
}

/// What to do about the trouble of a client.
pub(super) fn remedy_of(standing: Standing, client: &str) -> Option<Remedy> {
    let page = format!("{BASE}/clients/{client}");
    let refused = |check: Check| super::requests::address_of(client, check.as_str());
    let (text, label, address) = match standing {
        Standing::UrlDisabled { .. } => (
            "Look at what the receiver answered, then enable the URL again.",
            "See its URLs",
            format!("{page}#urls"),
        ),
        Standing::WebhookFailing { .. } => (
            "What was not delivered is tried again for about four days.",
            "See the deliveries",
            format!("{BASE}/deliveries?client={client}&state=failed"),
        ),
        Standing::NoWorkspace { .. } => (
            "The tool has to send the business header with every call. Its ID, secret and token are right.",
            "See the calls",
            refused(Check::Workspace),
        ),
        Standing::ForeignWorkspace { .. } => (
            "Tick the workspace below, or correct the header in the tool. Its ID, secret and token are right.",
            "See the calls",
            refused(Check::Workspace),
        ),
        Standing::OldSecret { .. } | Standing::SecretEnds { .. } => (
            "Give the tool the newest secret, and let it ask for a new token, before you end the old one.",
            "See its secrets",
            format!("{page}#credentials"),
        ),
        Standing::OverLimit { .. } => (
            "Have the tool wait as long as Retry-After says, or raise the limit.",
            "Change the limit",
            format!("{page}/settings"),
        ),
        Standing::Active | Standing::NeverUsed | Standing::Disabled | Standing::Revoked => return None,
    };
    Some(Remedy { text, label, address })
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
