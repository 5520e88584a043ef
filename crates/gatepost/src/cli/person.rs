//! `gatepost person …`

use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use http::Method;
use serde_json::{Map, Value};

use super::call::{Call, path, put};
use super::show::{Details, items, row, table, text};

/// The roles that a person can have.
pub(super) const ROLES: [&str; 3] = ["owner", "admin", "member"];

/// People: who belongs to which workspaces. ID is a person's id (usr_…).
#[derive(Debug, Subcommand)]
pub(super) enum PersonCommand {
    /// List everyone, by email.
    #[command(after_help = "Example:\n  gatepost person list --json")]
    List,
    /// Show one person.
    #[command(after_help = "Example:\n  gatepost person show usr_01jd8z5m3k7q2x9w4t6y0b1c8e")]
    Show(Who),
    /// Give somebody another role in a workspace to which they belong.
    #[command(after_help = "Example:\n  gatepost person role usr_01jd8z5m3k7q2x9w4t6y0b1c8e shop admin")]
    Role {
        #[command(flatten)]
        who: Who,
        /// The workspace.
        subdomain: String,
        /// The role from now on.
        #[arg(value_parser = ROLES)]
        role: String,
    },
    /// Take somebody out of a workspace. Whoever belongs to none is signed out.
    #[command(after_help = "Example:\n  gatepost person remove usr_01jd8z5m3k7q2x9w4t6y0b1c8e shop")]
    Remove {
        #[command(flatten)]
        who: Who,
        /// The workspace.
        subdomain: String,
    },
    /// Make a link with which somebody sets a new password. It works once, within 24 hours.
    #[command(after_help = "Example:\n  gatepost person password-link usr_01jd8z5m3k7q2x9w4t6y0b1c8e")]
    PasswordLink(Who),
    /// List where somebody is signed in.
    #[command(after_help = "Example:\n  gatepost person sessions usr_01jd8z5m3k7q2x9w4t6y0b1c8e")]
    Sessions(Who),
    /// Sign somebody out everywhere, or end one session.
    #[command(after_help = "Example:\n  gatepost person sign-out usr_01jd8z5m3k7q2x9w4t6y0b1c8e")]
    SignOut {
        #[command(flatten)]
        who: Who,
        /// Only this session.
        #[arg(long, value_name = "ID")]
        session: Option<String>,
    },
}

/// Names a person.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Who {
    /// The person's id.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    id: String,
}

impl Who {
    fn path(&self, more: &[&str]) -> String {
        path(&[&["people", self.id.as_str()], more].concat())
    }
}

impl PersonCommand {
    /// What is asked of the admin API.
    #[must_use]
    pub(super) fn call(&self) -> Call {
        match self {
            Self::List => Call::get(path(&["people"]), list),
            Self::Show(who) => Call::get(who.path(&[]), show),
            Self::Role { who, subdomain, role } => {
                let mut body = Map::new();
                put(&mut body, "role", Some(role.as_str()));
                Call::post(who.path(&["memberships", subdomain]), body, changed).with_verb(Method::PUT)
            }
            Self::Remove { who, subdomain } => {
                Call::get(who.path(&["memberships", subdomain]), removed).with_verb(Method::DELETE)
            }
            Self::PasswordLink(who) => Call::post(who.path(&["password-link"]), Map::new(), link),
            Self::Sessions(who) => Call::get(who.path(&["sessions"]), sessions),
            Self::SignOut { who, session: None } => {
                Call::post(who.path(&["sessions", "end"]), Map::new(), signed_out)
            }
            Self::SignOut { who, session: Some(session) } => {
                Call::post(who.path(&["sessions", session, "end"]), Map::new(), signed_out)
            }
        }
    }
}

fn list(people: &Value) -> String {
    let rows = items(people).iter().map(|person| {
        let mut cells = row(person, &["id", "email", "name"]);
        cells.push(roles(person));
        cells.extend(row(person, &["hasSecondFactor", "lastSeenAt"]));
        cells
    });
    let headings = ["ID", "EMAIL", "NAME", "ROLES", "SECOND FACTOR", "LAST SEEN"];
    table(&headings, rows.collect(), "There is nobody yet. The link of the first start makes the owner.")
}

fn roles(person: &Value) -> String {
    let held = items(&person["memberships"]).iter();
    let named = held.map(|held| format!("{} of {}", text(&held["role"]), text(&held["workspace"])));
    named.collect::<Vec<_>>().join(", ")
}

fn show(person: &Value) -> String {
    Details::new(text(&person["name"]))
        .member("email", person, "email")
        .member("id", person, "id")
        .line("roles", roles(person))
        .member("second factor", person, "hasSecondFactor")
        .member("last seen", person, "lastSeenAt")
        .finish()
}

fn changed(held: &Value) -> String {
    format!("They are {} of {} now.", text(&held["role"]), text(&held["workspace"]))
}

fn removed(held: &Value) -> String {
    format!("They belong to {} no more.", text(&held["workspace"]))
}

fn link(link: &Value) -> String {
    Details::new("Send this link to nobody else: whoever opens it sets the password.")
        .member("link", link, "link")
        .member("ends", link, "expiresAt")
        .finish()
}

fn sessions(sessions: &Value) -> String {
    let rows = items(sessions).iter().map(|one| row(one, &["id", "address", "createdAt", "lastSeenAt"]));
    table(&["ID", "FROM", "SINCE", "LAST SEEN"], rows.collect(), "They are signed in nowhere.")
}

fn signed_out(ended: &Value) -> String {
    format!("Sessions ended: {}.", text(&ended["endedSessions"]))
}
