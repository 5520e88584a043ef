//! `gatepost workspace …`

use clap::Subcommand;
use http::Method;
use serde_json::{Map, Value};

use super::call::{Call, Needs, path, put};
use super::show::{Details, items, row, table};

/// Workspaces.
#[derive(Debug, Subcommand)]
pub(super) enum WorkspaceCommand {
    /// Make a workspace.
    ///
    /// API clients can then be enabled for it. Requests name it in the `business` header by its subdomain.
    #[command(
        after_help = "Example:\n  gatepost workspace create the-ceramic-school --name \"The Ceramic School\""
    )]
    Create {
        /// Its name on the wire: 1 to 63 of a-z, 0-9 and -.
        subdomain: String,
        /// What people call it [default: the subdomain].
        #[arg(long)]
        name: Option<String>,
    },
    /// Give a workspace another name. Its subdomain stays.
    #[command(after_help = "Example:\n  gatepost workspace rename the-ceramic-school \"The Ceramic School\"")]
    Rename {
        /// Its subdomain.
        subdomain: String,
        /// What people call it from now on.
        name: String,
    },
    /// List all workspaces.
    #[command(after_help = "Example:\n  gatepost workspace list --json")]
    List,
}

impl WorkspaceCommand {
    /// What is asked of the admin API.
    #[must_use]
    pub(super) fn call(&self) -> Call {
        match self {
            Self::Create { subdomain, name } => {
                let mut body = Map::new();
                put(&mut body, "subdomain", Some(subdomain.as_str()));
                put(&mut body, "name", name.as_deref());
                Call::post(path(&["workspaces"]), body, shown_new).needing(Needs::Nothing).on_the_machine()
            }
            Self::Rename { subdomain, name } => {
                let mut body = Map::new();
                put(&mut body, "name", Some(name.as_str()));
                Call::post(path(&["workspaces", subdomain]), body, renamed).with_verb(Method::PATCH)
            }
            Self::List => Call::get(path(&["workspaces"]), list),
        }
    }
}

fn renamed(workspace: &Value) -> String {
    Details::new("Workspace renamed.")
        .member("subdomain", workspace, "subdomain")
        .member("name", workspace, "name")
        .finish()
}

fn shown_new(workspace: &Value) -> String {
    Details::new("Workspace made.")
        .member("subdomain", workspace, "subdomain")
        .member("name", workspace, "name")
        .member("id", workspace, "id")
        .finish()
}

fn list(workspaces: &Value) -> String {
    let rows = items(workspaces).iter().map(|one| row(one, &["subdomain", "name", "createdAt", "id"]));
    let none = "There are no workspaces. Make one: gatepost workspace create SUBDOMAIN --name NAME";
    table(&["SUBDOMAIN", "NAME", "CREATED", "ID"], rows.collect(), none)
}
