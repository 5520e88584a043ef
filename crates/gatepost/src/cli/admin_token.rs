//! `gatepost admin-token …`

use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Map, Value};

use super::call::{Call, path, put, put_list};
use super::client::duration_text;
use super::show::{Details, items, row, table, text};

/// Admin tokens: what programs and `--server` show to the admin API.
#[derive(Debug, Subcommand)]
pub(super) enum AdminTokenCommand {
    /// Make an admin token for a person, within that person's rights. Prints it, this once.
    ///
    /// On the machine where the server runs only; people make their own in Settings > API manager > API tokens.
    #[command(
        after_help = "Example:\n  gatepost admin-token create --user ines@example.org --name CI --workspace shop \\\n    \
                            --scope clients:read,clients:write --lifetime 720h"
    )]
    Create {
        /// The id or email of the person whose rights it has.
        #[arg(long, value_name = "PERSON", value_parser = NonEmptyStringValueParser::new())]
        user: String,
        /// What people call it.
        #[arg(long, value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// What it may do: clients:read, deliveries:write … (repeated or with commas; a wrong one is answered with all).
        #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', required = true)]
        scopes: Vec<String>,
        /// The subdomains of the workspaces that it reaches.
        #[arg(long = "workspace", value_name = "SUBDOMAIN", value_delimiter = ',', required = true)]
        workspaces: Vec<String>,
        /// How long it is good, 365 days at most [default: 90 days].
        #[arg(long, value_name = "DURATION", value_parser = duration_text)]
        lifetime: Option<String>,
    },
    /// List admin tokens, newest first: yours, and those of others into workspaces that you own.
    #[command(after_help = "Example:\n  gatepost admin-token list --json")]
    List,
    /// Cut a token off. It is dead on every node when this returns.
    #[command(after_help = "Example:\n  gatepost admin-token end adt_01jd8z5m3k7q2x9w4t6y0b1c8e")]
    End {
        /// The token's id.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
}

impl AdminTokenCommand {
    /// What is asked of the admin API.
    #[must_use]
    pub(super) fn call(&self) -> Call {
        match self {
            Self::Create { user, name, scopes, workspaces, lifetime } => {
                let mut body = Map::new();
                put(&mut body, "user", Some(user.as_str()));
                put(&mut body, "name", Some(name.as_str()));
                put_list(&mut body, "scopes", scopes);
                put_list(&mut body, "workspaces", workspaces);
                put(&mut body, "lifetime", lifetime.as_deref());
                Call::post(path(&["admin-tokens"]), body, made).on_the_machine()
            }
            Self::List => Call::get(path(&["admin-tokens"]), list),
            Self::End { id } => Call::post(path(&["admin-tokens", id, "end"]), Map::new(), ended),
        }
    }
}

fn made(token: &Value) -> String {
    let shown = Details::new("Admin token made. It is shown this once, and is as sensitive as a password.")
        .member("admin token", token, "adminToken")
        .member("name", token, "name")
        .member("scopes", token, "scopes")
        .member("ends", token, "expiresAt")
        .member("id", token, "id");
    shown.finish()
}

fn list(tokens: &Value) -> String {
    let members = ["id", "name", "user", "status", "scopes", "expiresAt", "lastUsedAt"];
    let rows = items(tokens).iter().map(|token| row(token, &members));
    let headings = ["ID", "NAME", "PERSON", "STATUS", "SCOPES", "ENDS", "LAST USED"];
    table(&headings, rows.collect(), "There are no admin tokens.")
}

fn ended(token: &Value) -> String {
    format!("\"{}\" is cut off: whoever shows it is refused.", text(&token["name"]))
}
