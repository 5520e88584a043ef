//! `gatepost webhook-url …`

use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Map, Value};

use super::call::{Call, path, put};
use super::client::{duration_text, updated};
use super::show::{Details, items, text};

/// Webhook URLs of a client: trying them, holding deliveries back, their addresses and signing keys.
///
/// CLIENT is a client's id or client id, URL a webhook URL's id (whu_…), as `client show --json` tells.
#[derive(Debug, Subcommand)]
pub(super) enum WebhookUrlCommand {
    /// Show a webhook URL, and what waits for it.
    #[command(
        after_help = "Example:\n  gatepost webhook-url show gpc_4kXbJw0Q2m7sT9vYcLdE whu_01jd8z5m3k7q2x9w4t6y0b1c8e"
    )]
    Show(Which),
    /// Send a sample and print the answer.
    #[command(
        after_help = "Example:\n  gatepost webhook-url test gpc_4kXbJw0Q2m7sT9vYcLdE whu_01jd8z5m3k7q2x9w4t6y0b1c8e"
    )]
    Test(Which),
    /// Hold deliveries back until it is resumed.
    #[command(
        after_help = "Example:\n  gatepost webhook-url pause gpc_4kXbJw0Q2m7sT9vYcLdE whu_01jd8z5m3k7q2x9w4t6y0b1c8e"
    )]
    Pause(Which),
    /// Send to a paused one again.
    #[command(
        after_help = "Example:\n  gatepost webhook-url resume gpc_4kXbJw0Q2m7sT9vYcLdE whu_01jd8z5m3k7q2x9w4t6y0b1c8e --deliveries newest"
    )]
    Resume(Again),
    /// Send to a disabled one again.
    #[command(
        after_help = "Example:\n  gatepost webhook-url enable gpc_4kXbJw0Q2m7sT9vYcLdE whu_01jd8z5m3k7q2x9w4t6y0b1c8e --deliveries all"
    )]
    Enable(Again),
    /// Give it another address. Its keys, its state and its log remain.
    #[command(
        after_help = "Example:\n  gatepost webhook-url move gpc_4kXbJw0Q2m7sT9vYcLdE whu_01jd8z5m3k7q2x9w4t6y0b1c8e https://hooks.example.com/new"
    )]
    Move {
        #[command(flatten)]
        which: Which,
        /// The new address.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        address: String,
    },
    /// Make a new signing key and print it. The old one signs beside it for as long as --overlap says.
    #[command(
        after_help = "Example:\n  gatepost webhook-url rotate-key gpc_4kXbJw0Q2m7sT9vYcLdE whu_01jd8z5m3k7q2x9w4t6y0b1c8e --overlap 24h"
    )]
    RotateKey {
        #[command(flatten)]
        which: Which,
        /// How long the old key signs too, 7 days at most.
        #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration_text)]
        overlap: String,
    },
    /// End every signing key but the newest.
    #[command(
        after_help = "Example:\n  gatepost webhook-url end-old-keys gpc_4kXbJw0Q2m7sT9vYcLdE whu_01jd8z5m3k7q2x9w4t6y0b1c8e"
    )]
    EndOldKeys(Which),
    /// Show its newest signing key.
    #[command(
        after_help = "Example:\n  gatepost webhook-url reveal-key gpc_4kXbJw0Q2m7sT9vYcLdE whu_01jd8z5m3k7q2x9w4t6y0b1c8e"
    )]
    RevealKey(Which),
}

/// Names a webhook URL.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Which {
    /// The client's id or client id.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    client: String,
    /// The webhook URL's id.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    url: String,
}

/// Names a webhook URL that is to be sent to again.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Again {
    #[command(flatten)]
    which: Which,
    /// What becomes of the deliveries that were held back: of each record the newest, all or none is sent.
    #[arg(long, value_parser = ["all", "newest", "nothing"])]
    deliveries: String,
}

impl Which {
    fn path(&self, more: &[&str]) -> String {
        path(&[&["clients", self.client.as_str(), "webhook-urls", self.url.as_str()], more].concat())
    }
}

impl WebhookUrlCommand {
    /// What is asked of the admin API.
    #[must_use]
    pub(super) fn call(&self) -> Call {
        let act = |which: &Which, what: &[&str], show| Call::post(which.path(what), Map::new(), show);
        let with = |which: &Which, what: &[&str], (name, value): (&str, &str), show| {
            let mut body = Map::new();
            put(&mut body, name, Some(value));
            Call::post(which.path(what), body, show)
        };
        match self {
            Self::Show(which) => Call::get(which.path(&[]), show),
            Self::Test(which) => act(which, &["test"], tested),
            Self::Pause(which) => act(which, &["pause"], updated),
            Self::Resume(Again { which, deliveries }) => {
                with(which, &["resume"], ("deliveries", deliveries), sent_again)
            }
            Self::Enable(Again { which, deliveries }) => {
                with(which, &["enable"], ("deliveries", deliveries), sent_again)
            }
            Self::Move { which, address } => with(which, &["move"], ("url", address), updated),
            Self::RotateKey { which, overlap } => {
                with(which, &["signing-key", "rotate"], ("overlap", overlap), rotated)
            }
            Self::EndOldKeys(which) => act(which, &["signing-key", "end-old"], updated),
            Self::RevealKey(which) => act(which, &["signing-key", "reveal"], revealed),
        }
    }
}

fn show(status: &Value) -> String {
    let url = &status["url"];
    Details::new(text(&url["url"]))
        .member("id", url, "id")
        .member("state", url, "state")
        .member("reason", url, "reason")
        .line("signing keys", items(&url["signingKeys"]).len().to_string())
        .member("pending deliveries", status, "pendingDeliveries")
        .member("no answer since", status, "silentSince")
        .member("next probe", status, "nextProbeAt")
        .finish()
}

fn tested(answer: &Value) -> String {
    Details::new(format!("The test ended as: {}", text(&answer["outcome"])))
        .member("status", answer, "status")
        .member("error", answer, "error")
        .member("address", answer, "address")
        .line("took", format!("{} ms", text(&answer["durationMs"])))
        .member("reply", answer, "reply")
        .finish()
}

fn sent_again(resumed: &Value) -> String {
    format!("It is sent to again. Deliveries cancelled: {}.", text(&resumed["cancelledDeliveries"]))
}

fn rotated(client: &Value) -> String {
    let changed = items(&client["webhookUrls"]).iter().find(|url| url["signingSecret"].is_string());
    let title = "A new signing key was made. Give it to the receiver before the old one ends.";
    Details::new(title).member("signing secret", changed.unwrap_or(&Value::Null), "signingSecret").finish()
}

fn revealed(key: &Value) -> String {
    Details::new("Revealed; the audit trail says so.").member("signing secret", key, "signingSecret").finish()
}
