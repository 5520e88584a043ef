//! Descriptions of API clients in few words.

use gatepost_core::clients::NewClient;

/// A client with a name, enabled for these workspaces.
#[must_use]
pub fn client(name: &str, workspaces: &[&str]) -> NewClient {
    NewClient { workspaces: owned(workspaces), ..NewClient::named(name) }
}

/// A client that gets webhooks: these methods to these URLs.
#[must_use]
pub fn subscriber(name: &str, workspaces: &[&str], urls: &[String], methods: &[&str]) -> NewClient {
    NewClient { webhook_urls: urls.to_vec(), methods: owned(methods), ..client(name, workspaces) }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
