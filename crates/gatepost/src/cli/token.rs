//! `gatepost token`

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Map, Value};

use super::call::{Call, path};
use super::show::text;

/// Issue an access token for an API client, to try things out.
///
/// Prints the token and nothing else. It is a token as the client itself would get one from /oauth/token.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  TOKEN=$(gatepost token gpc_4kXbJw0Q2m7sT9vYcLdE)\n  curl -H \"Authorization: Bearer $TOKEN\" \
                        -H \"business: the-ceramic-school\" http://127.0.0.1:8080/v1.11/tasks"
)]
pub(super) struct TokenCommand {
    /// The client's id or client id.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    id: String,
}

impl TokenCommand {
    /// What is asked of the admin API.
    #[must_use]
    pub(super) fn call(&self) -> Call {
        Call::post(path(&["clients", &self.id, "token"]), Map::new(), |issued: &Value| {
            text(&issued["accessToken"])
        })
    }
}
