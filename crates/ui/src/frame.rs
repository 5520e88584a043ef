//! What stands around every page: navigation, who is signed in, theme, flash.

use std::fmt;

use gatepost_core::Gatepost;
use gatepost_core::client_list::MOST_COUNTED;
use gatepost_model::{Role, Timestamp};
use http::HeaderMap;

use crate::cookies::{self, SetCookie};
use crate::flash::Flash;
use crate::session::Visit;

const THEME: &str = "gatepost-theme";
const A_YEAR: u32 = 365 * 24 * 3600;

/// Light or dark, if somebody chose; otherwise the system decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

impl Theme {
    /// As it stands in the cookie and in `data-theme`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// From a form or a cookie.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Light, Self::Dark].into_iter().find(|theme| theme.as_str() == name)
    }

    /// What the browser was told to keep.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        Self::from_name(cookies::read(headers, THEME)?)
    }

    /// Has the browser keep it.
    pub(crate) fn set(self, gatepost: &Gatepost) -> SetCookie {
        cookies::set_word(gatepost, THEME, self.as_str(), A_YEAR)
    }

    /// The other one.
    pub(crate) fn other(theme: Option<Self>) -> Self {
        if theme == Some(Self::Dark) { Self::Light } else { Self::Dark }
    }
}

/// The part of the navigation that a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Clients,
    Workspaces,
    Deliveries,
    Requests,
    People,
    Audit,
    Troubleshooting,
    Tokens,
    ClientHelp,
    WebhookHelp,
    Reference,
    Account,
}

/// What the layout shows.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) theme: Option<Theme>,
    pub(crate) flash: Option<Flash>,
    pub(crate) now: Timestamp,
    pub(crate) name: String,
    clients: u64,
    pub(crate) workspaces: usize,
    standing: String,
    section: Section,
}

impl Frame {
    pub(crate) fn new(visit: &Visit, section: Section) -> Self {
        let user = &visit.visitor.user;
        let role = [Role::Owner, Role::Admin, Role::Member]
            .into_iter()
            .find(|role| user.memberships.iter().any(|held| held.role == *role));
        let many = user.memberships.len();
        let standing = match role {
            Some(Role::Owner) => format!("Owner, {}", crate::words::count(many, "workspace")),
            Some(Role::Admin) => format!("Admin, {}", crate::words::count(many, "workspace")),
            Some(Role::Member) => format!("Member, {}", crate::words::count(many, "workspace")),
            None => String::from("No workspace yet"),
        };
        Self {
            theme: visit.theme,
            flash: visit.flash,
            now: visit.now,
            name: user.name.clone(),
            clients: visit.clients,
            workspaces: user.administered().count(),
            standing,
            section,
        }
    }

    /// How many clients the user manages, as far as they were counted.
    pub(crate) fn client_count(&self) -> String {
        let most = u64::from(MOST_COUNTED);
        let more = if self.clients > most { "+" } else { "" };
        format!("{}{more}", crate::words::number(self.clients.min(most)))
    }

    /// Marks the entry of the navigation that the page belongs to.
    pub(crate) const fn here(&self, section: Section) -> Here {
        Here(self.section as u8 == section as u8)
    }

    /// The other theme, for the switch.
    pub(crate) fn other_theme(&self) -> &'static str {
        Theme::other(self.theme).as_str()
    }

    /// What the user is, and of how many workspaces.
    pub(crate) fn standing(&self) -> &str {
        &self.standing
    }

    /// The first letters of the first two names.
    pub(crate) fn initials(&self) -> String {
        let letters = self.name.split_whitespace().filter_map(|word| word.chars().next()).take(2);
        letters.flat_map(char::to_uppercase).collect()
    }
}

/// The attribute of the current entry.
pub(crate) struct Here(bool);

impl fmt::Display for Here {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 { f.write_str(" aria-current=\"page\"") } else { Ok(()) }
    }
}

impl askama::filters::HtmlSafe for Here {}
