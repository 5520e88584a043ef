//! `gatepost client …`

mod arguments;
mod show;

use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use http::Method;
use serde_json::{Map, Value};

use super::call::{Call, Needs, path, put, with_query};
pub(super) use arguments::duration_text;
use arguments::{Create, Update};
pub(super) use show::updated;

/// API clients: the credentials of external tools, their workspaces, webhooks and API version.
///
/// ID is a client's id (cli_…) or its client id (gpc_…).
#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Make an API client. Prints its secret and the signing secrets of its webhook URLs.
    #[command(
        after_help = "Examples:\n  gatepost client create --name \"CRM sync\" --workspace the-ceramic-school\n  \
                            gatepost client create --name Billing --workspace a,b --webhook-url https://hooks.example.com/x \\\n    \
                            --method task.create,invoice.* --api-version v1.11 --json"
    )]
    Create(Create),
    /// List clients, in the order in which they were made, unless another is asked for.
    #[command(
        after_help = "Examples:\n  gatepost client list --json\n  gatepost client list --status attention --sort last-used"
    )]
    List {
        /// Only those with this in their name, client id or webhook URL.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Only those enabled for this workspace.
        #[arg(long, value_name = "SUBDOMAIN")]
        workspace: Option<String>,
        /// Only those of this version of the API.
        #[arg(long)]
        api_version: Option<String>,
        /// Only those that are doing so.
        #[arg(long, value_parser = ["attention", "active", "never-used", "disabled", "revoked"])]
        status: Option<String>,
        /// Sorted by this.
        #[arg(long, value_parser = ["created", "standing", "name", "version", "last-used"])]
        sort: Option<String>,
        /// Only those after this one: the last id of the page before.
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Show a client, without its secrets.
    #[command(after_help = "Example:\n  gatepost client show gpc_4kXbJw0Q2m7sT9vYcLdE")]
    Show(Which),
    /// Change a client. What is not named stays as it is.
    #[command(
        after_help = "Examples:\n  gatepost client update gpc_4kXbJw0Q2m7sT9vYcLdE --add-workspace second-shop --remove-method 'task.*'\n  \
                            gatepost client update gpc_4kXbJw0Q2m7sT9vYcLdE --token-lifetime 24h --rate-limit 5000 --allow-ip 203.0.113.0/24"
    )]
    Update(Box<Update>),
    /// Show a client's secret and the signing secrets of its webhook URLs once more.
    #[command(after_help = "Example:\n  gatepost client reveal gpc_4kXbJw0Q2m7sT9vYcLdE --json")]
    Reveal(Which),
    /// Show how many calls of a client passed and how many were refused, and why.
    #[command(after_help = "Example:\n  gatepost client calls gpc_4kXbJw0Q2m7sT9vYcLdE --since 2026-03-12")]
    Calls {
        #[command(flatten)]
        which: Which,
        /// Only from then on: a date, or a time in ISO 8601 [default: the last 7 days].
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
    },
    /// Make a new secret. The present ones end after --overlap, so that the tool can be moved over in peace.
    ///
    /// When a secret ends, so do the tokens that were asked for with it.
    #[command(after_help = "Example:\n  gatepost client rotate gpc_4kXbJw0Q2m7sT9vYcLdE --overlap 24h")]
    Rotate {
        #[command(flatten)]
        which: Which,
        /// How long the present secrets stay good, 90 days at most.
        #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = arguments::duration_text)]
        overlap: String,
    },
    /// Stop a client until it is enabled again.
    #[command(after_help = "Example:\n  gatepost client disable gpc_4kXbJw0Q2m7sT9vYcLdE")]
    Disable(Which),
    /// Let a disabled client act again.
    #[command(after_help = "Example:\n  gatepost client enable gpc_4kXbJw0Q2m7sT9vYcLdE")]
    Enable(Which),
    /// Cut a client off for good. Its tokens are dead when this returns.
    #[command(after_help = "Example:\n  gatepost client revoke gpc_4kXbJw0Q2m7sT9vYcLdE")]
    Revoke(Which),
    /// Delete a client. Its tokens are dead when this returns; its deliveries stay as a record.
    #[command(after_help = "Example:\n  gatepost client delete gpc_4kXbJw0Q2m7sT9vYcLdE")]
    Delete(Which),
    /// Cut off one secret, for one that leaked: it and the tokens asked for with it are dead at once, the others not touched.
    #[command(after_help = "Example:\n  gatepost client rotate gpc_4kXbJw0Q2m7sT9vYcLdE --overlap 24h\n  \
                            gatepost client kill-secret gpc_4kXbJw0Q2m7sT9vYcLdE 1")]
    KillSecret {
        #[command(flatten)]
        which: Which,
        /// The secret's number, as `client show` prints it.
        number: u16,
    },
}

/// Names a client.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Which {
    /// The client's id or client id.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    id: String,
}

impl Which {
    fn path(&self, more: &[&str]) -> String {
        path(&[&["clients", self.id.as_str()], more].concat())
    }
}

impl ClientCommand {
    /// What is asked of the admin API.
    #[must_use]
    pub(super) fn call(&self) -> Call {
        let act = |which: &Which, what: &str, show| Call::post(which.path(&[what]), Map::new(), show);
        match self {
            Self::Create(create) => {
                Call::post(path(&["clients"]), create.body(), show::made).needing(Needs::Nothing)
            }
            Self::List { search, workspace, api_version, status, sort, after, limit } => {
                let count = limit.to_string();
                let parameters = [
                    ("q", search.as_deref()),
                    ("workspace", workspace.as_deref()),
                    ("version", api_version.as_deref()),
                    ("status", status.as_deref()),
                    ("sort", sort.as_deref()),
                    ("after", after.as_deref()),
                    ("limit", Some(count.as_str())),
                ];
                Call::get(with_query(path(&["clients"]), &parameters), show::list).in_pages(*limit)
            }
            Self::Show(which) => Call::get(which.path(&[]), show::whole),
            Self::Update(update) => {
                Call::post(update.which.path(&[]), update.body(), updated).with_verb(Method::PATCH)
            }
            Self::Reveal(which) => act(which, "reveal", show::revealed),
            Self::Rotate { which, overlap } => {
                let mut body = Map::new();
                put(&mut body, "overlap", Some(Value::from(overlap.as_str())));
                Call::post(which.path(&["rotate"]), body, show::rotated)
            }
            Self::Calls { which, since } => {
                let parameters = [("since", since.as_deref())];
                Call::get(with_query(which.path(&["calls"]), &parameters), show::calls)
            }
            Self::Disable(which) => act(which, "disable", show::disabled),
            Self::Enable(which) => act(which, "enable", show::enabled),
            Self::Revoke(which) => act(which, "revoke", show::revoked),
            Self::Delete(which) => Call::get(which.path(&[]), show::deleted).with_verb(Method::DELETE),
            Self::KillSecret { which, number } => {
                let number = number.to_string();
                Call::post(which.path(&["secrets", &number, "kill"]), Map::new(), show::secret_killed)
            }
        }
    }
}
