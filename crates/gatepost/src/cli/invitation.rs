//! `gatepost invitation …`

use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Map, Value};

use super::call::{Call, path, put, put_list};
use super::person::ROLES;
use super::show::{Details, items, row, table, text};

/// Invitations: links with which people join workspaces.
#[derive(Debug, Subcommand)]
pub(super) enum InvitationCommand {
    /// Invite somebody. Prints the link, this once; Gatepost sends no mail.
    #[command(
        after_help = "Example:\n  gatepost invitation create --email aiko@example.org --workspace shop --role member"
    )]
    Create {
        /// Whom: the link works for this email alone.
        #[arg(long, value_parser = NonEmptyStringValueParser::new())]
        email: String,
        /// The subdomains of the workspaces that they join.
        #[arg(long = "workspace", value_name = "SUBDOMAIN", value_delimiter = ',', required = true)]
        workspaces: Vec<String>,
        /// What they will be there.
        #[arg(long, value_parser = ROLES)]
        role: String,
    },
    /// List invitations that have not been accepted yet, newest first.
    #[command(after_help = "Example:\n  gatepost invitation list")]
    List,
    /// Take an invitation back: its link ends.
    #[command(after_help = "Example:\n  gatepost invitation withdraw inv_01jd8z5m3k7q2x9w4t6y0b1c8e")]
    Withdraw {
        /// The invitation's id.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
}

impl InvitationCommand {
    /// What is asked of the admin API.
    #[must_use]
    pub(super) fn call(&self) -> Call {
        match self {
            Self::Create { email, workspaces, role } => {
                let mut body = Map::new();
                put(&mut body, "email", Some(email.as_str()));
                put_list(&mut body, "workspaces", workspaces);
                put(&mut body, "role", Some(role.as_str()));
                Call::post(path(&["invitations"]), body, made)
            }
            Self::List => Call::get(path(&["invitations"]), list),
            Self::Withdraw { id } => {
                Call::post(path(&["invitations", id, "withdraw"]), Map::new(), withdrawn)
            }
        }
    }
}

fn made(invitation: &Value) -> String {
    Details::new("Send this link: it works once, within 7 days, for this email alone.")
        .member("link", invitation, "link")
        .member("email", invitation, "email")
        .member("role", invitation, "role")
        .member("workspaces", invitation, "workspaces")
        .member("id", invitation, "id")
        .finish()
}

fn list(invitations: &Value) -> String {
    let members = ["id", "email", "role", "workspaces", "invitedBy", "expiresAt"];
    let rows = items(invitations).iter().map(|one| row(one, &members));
    let headings = ["ID", "EMAIL", "ROLE", "WORKSPACES", "BY", "ENDS"];
    table(&headings, rows.collect(), "No invitation waits.")
}

fn withdrawn(invitation: &Value) -> String {
    format!("The link of {} works no more.", text(&invitation["id"]))
}
