//! The many flags of making and changing a client.

use clap::Args;
use gatepost_model::network::Networks;
use gatepost_model::{ApiVersion, duration};
use serde_json::{Map, Value};

use super::super::call::{put, put_list};
use super::Which;

/// What a new client is to be. Lists: repeat the flag, or separate by commas.
#[derive(Args, Debug)]
pub(in crate::cli) struct Create {
    /// What people call it.
    #[arg(long)]
    name: String,
    /// A workspace that it is enabled for, by subdomain.
    #[arg(long = "workspace", value_name = "SUBDOMAIN", value_delimiter = ',')]
    workspaces: Vec<String>,
    /// Where its webhooks go.
    #[arg(long = "webhook-url", value_name = "URL")]
    webhook_urls: Vec<String>,
    /// An event that is sent there, such as task.edit; task.* and * stand for several.
    #[arg(long = "method", value_name = "METHOD", value_delimiter = ',')]
    methods: Vec<String>,
    /// Its version of the API [default: the newest].
    #[arg(long, value_name = "VERSION")]
    api_version: Option<ApiVersion>,
    /// Whether its secret can be seen again (revealable), or is shown this once only.
    #[arg(long, value_parser = ["revealable", "once"])]
    secret_policy: Option<String>,
    /// How long its tokens live, from 1m to 72h [default: 72h].
    #[arg(long, value_name = "DURATION", value_parser = duration_text)]
    token_lifetime: Option<String>,
    /// Requests per hour [default: the deployment's].
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    rate_limit: Option<u32>,
    /// An address or network that it may call from [default: anywhere].
    #[arg(long = "allow-ip", value_name = "NETWORK", value_delimiter = ',', value_parser = network)]
    allow_ips: Vec<String>,
}

impl Create {
    /// The body of the call.
    #[must_use]
    pub(super) fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        put(&mut body, "name", Some(self.name.as_str()));
        put_list(&mut body, "workspaces", &self.workspaces);
        put_list(&mut body, "webhookUrls", &self.webhook_urls);
        put_list(&mut body, "methods", &self.methods);
        put(&mut body, "apiVersion", self.api_version.map(ApiVersion::as_str));
        put(&mut body, "secretPolicy", self.secret_policy.as_deref());
        put(&mut body, "tokenLifetime", self.token_lifetime.as_deref());
        put(&mut body, "rateLimit", self.rate_limit);
        put_list(&mut body, "allowIps", &self.allow_ips);
        body
    }
}

/// How a client is to change. Lists: repeat the flag, or separate by commas.
#[derive(Args, Debug)]
pub(in crate::cli) struct Update {
    #[command(flatten)]
    pub(super) which: Which,
    /// A new name.
    #[arg(long)]
    name: Option<String>,
    /// Enable it for a workspace.
    #[arg(long, value_name = "SUBDOMAIN", value_delimiter = ',')]
    add_workspace: Vec<String>,
    /// Take a workspace from it.
    #[arg(long, value_name = "SUBDOMAIN", value_delimiter = ',')]
    remove_workspace: Vec<String>,
    /// Add a webhook URL; its signing secret is printed.
    #[arg(long, value_name = "URL")]
    add_webhook_url: Vec<String>,
    /// Remove a webhook URL: the URL or its id.
    #[arg(long, value_name = "URL")]
    remove_webhook_url: Vec<String>,
    /// Tick a method; task.* and * stand for several.
    #[arg(long, value_name = "METHOD", value_delimiter = ',')]
    add_method: Vec<String>,
    /// Untick a method.
    #[arg(long, value_name = "METHOD", value_delimiter = ',')]
    remove_method: Vec<String>,
    /// Another version of the API, in force for the next request and webhook.
    #[arg(long, value_name = "VERSION")]
    api_version: Option<ApiVersion>,
    /// How long tokens issued from now on live, from 1m to 72h.
    #[arg(long, value_name = "DURATION", value_parser = duration_text)]
    token_lifetime: Option<String>,
    /// Requests per hour, or `default` for the deployment's.
    #[arg(long, value_name = "NUMBER", value_parser = rate_limit)]
    rate_limit: Option<RateLimit>,
    /// The addresses and networks that it may call from, instead of those before; `any` for anywhere.
    #[arg(long = "allow-ip", value_name = "NETWORK", value_delimiter = ',', value_parser = network_or_any)]
    allow_ips: Vec<String>,
    /// What its webhooks' bodies are: the record, or an envelope of type, timestamp and data.
    #[arg(long, value_parser = ["record", "envelope"])]
    payload: Option<String>,
    /// `once` destroys the copies of its secrets that could be revealed.
    #[arg(long, value_parser = ["revealable", "once"])]
    secret_policy: Option<String>,
    /// Change it only if this is still its revision.
    #[arg(long, value_name = "NUMBER")]
    revision: Option<i64>,
}

impl Update {
    /// The body of the call.
    #[must_use]
    pub(super) fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        put(&mut body, "name", self.name.as_deref());
        put_list(&mut body, "addWorkspaces", &self.add_workspace);
        put_list(&mut body, "removeWorkspaces", &self.remove_workspace);
        put_list(&mut body, "addWebhookUrls", &self.add_webhook_url);
        put_list(&mut body, "removeWebhookUrls", &self.remove_webhook_url);
        put_list(&mut body, "addMethods", &self.add_method);
        put_list(&mut body, "removeMethods", &self.remove_method);
        put(&mut body, "apiVersion", self.api_version.map(ApiVersion::as_str));
        put(&mut body, "tokenLifetime", self.token_lifetime.as_deref());
        put(&mut body, "rateLimit", self.rate_limit.map(|limit| limit.0));
        if !self.allow_ips.is_empty() {
            let networks = self.allow_ips.iter().filter(|text| *text != ANYWHERE);
            body.insert(String::from("allowIps"), networks.map(String::as_str).collect());
        }
        put(&mut body, "payload", self.payload.as_deref());
        put(&mut body, "secretPolicy", self.secret_policy.as_deref());
        put(&mut body, "revision", self.revision);
        body
    }
}

/// Stands for an empty allow list.
const ANYWHERE: &str = "any";

/// A limit of the client's own, or none.
#[derive(Clone, Copy, Debug)]
struct RateLimit(Option<u32>);

fn rate_limit(text: &str) -> Result<RateLimit, String> {
    if text == "default" {
        return Ok(RateLimit(None));
    }
    let number = text.parse().ok().filter(|number| *number > 0);
    number.map(|number| RateLimit(Some(number))).ok_or_else(|| {
        String::from("must be a whole number from 1 up, or `default` for the deployment's limit")
    })
}

/// Checks a duration; the admin API reads the same text.
pub(in super::super) fn duration_text(text: &str) -> Result<String, String> {
    duration::parse(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

fn network(text: &str) -> Result<String, String> {
    Networks::parse(&[text]).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

fn network_or_any(text: &str) -> Result<String, String> {
    if text == ANYWHERE { Ok(text.to_owned()) } else { network(text) }
}
