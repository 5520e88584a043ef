//! What stopped a refused request, in words, and what to change so that it passes (ui.md 6, Explain).

use askama::Template;
use gatepost_core::gate::Reason;
use gatepost_core::requests::Explained;
use gatepost_http::gate::BUSINESS;
use gatepost_model::{ApiClient, User, Workspace};

/// What to change.
#[derive(Template)]
#[template(path = "parts/advice.html")]
pub(super) struct Advice<'a> {
    client: Option<&'a ApiClient>,
    text: String,
    /// A header that could be sent.
    header: Option<String>,
    act: Act<'a>,
    /// The page to come back to.
    back: Option<String>,
}

/// What can be done about it in here.
enum Act<'a> {
    /// Nothing: the caller has to.
    Nothing,
    /// Let the client act in this workspace.
    EnableWorkspace(&'a Workspace),
    /// Let the client act again.
    EnableClient,
    /// Look at a part of the client's pages.
    Open { label: &'static str, place: &'static str },
}

impl<'a> Advice<'a> {
    pub(super) fn of(explained: &'a Explained, user: &'a User) -> Self {
        let client = explained.client.as_ref();
        let (text, header, act) = match (explained.reason, client) {
            (Reason::ForeignWorkspace, Some(client)) => foreign(explained, client, user),
            (Reason::NoWorkspace, Some(client)) => {
                let first = client.workspaces.first().map(|workspace| workspace.subdomain.as_str());
                let text = "Send this header with every request. The token is right.";
                (text.to_owned(), first.map(header), Act::Nothing)
            }
            (reason, _) => {
                let (text, act) = plain(reason);
                (text.to_owned(), None, act)
            }
        };
        Self { client, text, header, act, back: None }
    }

    /// The same, coming back to this page after a change.
    pub(super) fn back_to(self, page: String) -> Self {
        Self { back: Some(page), ..self }
    }

    /// The workspace that could be enabled.
    pub(super) const fn workspace(&self) -> Option<&'a Workspace> {
        match self.act {
            Act::EnableWorkspace(workspace) => Some(workspace),
            Act::Nothing | Act::EnableClient | Act::Open { .. } => None,
        }
    }
}

fn header(workspace: &str) -> String {
    format!("{BUSINESS}: {workspace}")
}

const fn plain(reason: Reason) -> (&'static str, Act<'static>) {
    match reason {
        Reason::SeveralBusinessHeaders => ("Send it once.", Act::Nothing),
        Reason::KilledSecret | Reason::EndedSecret => (
            "Give the tool the client’s newest secret, and let it ask for a new token.",
            Act::Open { label: "See its secrets", place: "#credentials" },
        ),
        Reason::DisabledClient => ("Enable the client, if it may act again.", Act::EnableClient),
        Reason::RevokedClient => {
            ("A revoked client cannot come back. Create a new one for the tool.", Act::Nothing)
        }
        Reason::ForeignAddress => (
            "Add the address to the client’s allow list, if the tool may call from there.",
            Act::Open { label: "Change its addresses", place: "/settings" },
        ),
        Reason::OverLimit => (
            "Have the tool wait as long as Retry-After says, or raise the client’s rate limit.",
            Act::Open { label: "Change its rate limit", place: "/settings" },
        ),
        other => (other.help(), Act::Nothing),
    }
}

fn foreign<'a>(
    explained: &'a Explained,
    client: &ApiClient,
    user: &User,
) -> (String, Option<String>, Act<'a>) {
    let named = explained.refusal.workspace.as_deref().unwrap_or_default();
    let enabled: Vec<_> = client.workspaces.iter().map(|workspace| workspace.subdomain.as_str()).collect();
    let others = if enabled.is_empty() { String::from("none") } else { enabled.join(", ") };
    match &explained.workspace {
        Some(asked) if enabled.contains(&named) => {
            let (client, asked) = (&client.name, &asked.name);
            let text = format!("{client} is enabled for {asked} meanwhile. Send the request again.");
            (text, None, Act::Nothing)
        }
        Some(asked) => {
            let text = format!(
                "Either let {} act in {}, or send another workspace. It is enabled for: {others}. The ID, secret and token are right; there is no need to make new ones.",
                client.name, asked.name
            );
            (text, None, Act::EnableWorkspace(asked))
        }
        None => {
            let text = format!("Correct the header. {} is enabled for: {others}.", client.name);
            (text, close_to(named, user).map(header), Act::Nothing)
        }
    }
}

/// Why the check failed.
pub(super) fn failure_of(explained: &Explained, user: &User) -> String {
    let refusal = &explained.refusal;
    let named = refusal.workspace.as_deref().unwrap_or_default();
    let plain = match (explained.reason, &explained.client, &explained.workspace) {
        (Reason::ForeignWorkspace, Some(client), Some(_)) => {
            return format!("The header asked for {named}. {} was not enabled there.", client.name);
        }
        (Reason::ForeignWorkspace, ..) => {
            let close = close_to(named, user).map(|close| format!(" Close to it: {close}."));
            return format!("No workspace of yours is called {named}.{}", close.unwrap_or_default());
        }
        (Reason::ForeignAddress, ..) => {
            return format!("{} is not on the client’s allow list.", refusal.address);
        }
        (Reason::NoWorkspace, ..) => "No business header was sent.",
        (Reason::SeveralBusinessHeaders, ..) => "The business header came twice.",
        (Reason::SeveralAuthorizations, ..) => "The Authorization header came twice.",
        (Reason::MalformedAuthorization, ..) => "The Authorization header does not hold Bearer and a token.",
        (Reason::TokenInQuery, ..) => "The token was sent in the query.",
        (Reason::NoToken, ..) => "No token was sent.",
        (Reason::UnknownVersion, ..) => "The path names a version that does not exist.",
        (Reason::UnknownRoute, ..) => "There is no such path, or not with this HTTP method.",
        (other, ..) => other.explanation(),
    };
    plain.to_owned()
}

/// The workspace of the reader whose name is most like this one, if one is.
fn close_to<'u>(named: &str, user: &'u User) -> Option<&'u str> {
    let named = named.to_lowercase();
    user.administered()
        .map(|workspace| workspace.subdomain.as_str())
        .filter(|known| {
            !named.is_empty()
                && (known.contains(&named) || named.contains(known) || steps_between(known, &named) <= 3)
        })
        .min_by_key(|known| steps_between(known, &named))
}

/// How many letters have to be added, dropped or exchanged to make one text of the other.
fn steps_between(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (place, letter) in one.chars().enumerate() {
        let mut diagonal = place;
        let mut left = place + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, wanted) in row.iter_mut().skip(1).zip(other.chars()) {
            let exchanged = diagonal + usize::from(letter != wanted);
            diagonal = *cell;
            *cell = exchanged.min(left + 1).min(diagonal + 1);
            left = *cell;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_as_far_apart_as_there_are_letters_to_change() {
        for (one, other, steps) in
            [("", "", 0), ("a", "", 1), ("kiln", "kiln", 0), ("kiln", "klin", 2), ("studio", "studios", 1)]
        {
            assert_eq!(steps_between(one, other), steps, "{one} {other}");
            assert_eq!(steps_between(other, one), steps, "{other} {one}");
        }
    }
}
