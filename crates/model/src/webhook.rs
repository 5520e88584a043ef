//! Methods, webhook URLs, events, deliveries and attempts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::client::ClientNumber;
use crate::custom_header::CustomHeader;
use crate::failure_clock::FailureClock;
use crate::notice::Notice;
use crate::signing::SigningKey;
use crate::time::Timestamp;
use crate::workspace::WorkspaceNumber;

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// It was made.
    Create,
    /// It was changed.
    Edit,
    /// It was removed.
    Remove,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 3] = [Self::Create, Self::Edit, Self::Remove];

    /// As it stands in a method.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Edit => "edit",
            Self::Remove => "remove",
        }
    }
}

/// A method: an entity type and a verb, `task.edit` (contract A20). That the entity type exists is for the catalog to say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Method(String);

/// A text that cannot be a method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a method; methods look like task.create, task.edit and task.remove")]
pub struct InvalidMethod(String);

impl Method {
    /// `entity_type.verb`.
    #[must_use]
    pub fn new(entity_type: &str, verb: Verb) -> Self {
        Self(format!("{entity_type}.{}", verb.as_str()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the dot.
    #[must_use]
    pub fn entity_type(&self) -> &str {
        self.0.rsplit_once('.').map_or("", |(entity, _)| entity)
    }
}

impl FromStr for Method {
    type Err = InvalidMethod;

    fn from_str(text: &str) -> Result<Self, InvalidMethod> {
        let parts = text.rsplit_once('.');
        let good = parts.is_some_and(|(entity, verb)| {
            !entity.is_empty()
                && entity.len() <= 64
                && entity.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
                && Verb::ALL.iter().any(|known| known.as_str() == verb)
        });
        if good || Notice::from_name(text).is_some() {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidMethod(text.chars().take(80).collect()))
        }
    }
}

impl From<Notice> for Method {
    /// A notice goes where the method of other events does.
    fn from(notice: Notice) -> Self {
        Self(notice.as_str().to_owned())
    }
}

impl TryFrom<String> for Method {
    type Error = InvalidMethod;

    fn try_from(text: String) -> Result<Self, InvalidMethod> {
        text.parse()
    }
}

impl From<Method> for String {
    fn from(method: Method) -> Self {
        method.0
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a webhook's body is (contract.md H).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PayloadShape {
    /// The record, in its REST shape.
    Record,
    /// `{"type", "timestamp", "data"}` around it.
    Envelope,
}

impl PayloadShape {
    /// As it stands in JSON and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Envelope => "envelope",
        }
    }

    /// From the store's text.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        [Self::Record, Self::Envelope].into_iter().find(|shape| shape.as_str() == text)
    }

    /// The body of a webhook, as JSON text. The record is JSON text already: it is spliced in, not read.
    #[must_use]
    pub fn body(self, method: &Method, at: Timestamp, record: &str) -> String {
        match self {
            Self::Record => record.to_owned(),
            Self::Envelope => {
                format!(r#"{{"type":"{method}","timestamp":"{}","data":{record}}}"#, at.iso())
            }
        }
    }
}

/// Whether webhooks are sent to a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UrlState {
    /// They are.
    Active,
    /// A person holds them back: deliveries are made, and stay pending until they resume.
    Paused,
    /// They are not: the receiver answered 410 Gone, or has taken nothing for too long.
    Disabled,
}

impl UrlState {
    /// As it stands in JSON and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    /// From the store's text.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        [Self::Active, Self::Paused, Self::Disabled].into_iter().find(|state| state.as_str() == text)
    }
}

/// A URL that gets a client's webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookUrl {
    /// `whu_…`.
    pub id: String,
    /// The URL as it was given, query and all.
    pub url: String,
    /// Whether webhooks are sent to it.
    pub state: UrlState,
    /// Why it is disabled.
    pub reason: Option<String>,
    /// The clock that runs while every attempt fails, as it was read. It goes on while a client is in memory: only who reads
    /// the client from the store sees it as it is. It stands still in a URL that it has disabled.
    pub failing: Option<FailureClock>,
    /// The keys that sign, newest first; each that has not ended adds a signature.
    pub signing_keys: Vec<SigningKey>,
    /// Headers that are sent along, in the order of their names.
    pub headers: Vec<CustomHeader>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// Something that happened to a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `evt_…`, time-ordered; also the `webhook-id`.
    pub id: String,
    /// Where it happened.
    pub workspace: WorkspaceNumber,
    /// What happened.
    pub method: Method,
    /// To which record.
    pub record_id: String,
    /// The record after the change, or before it for a removal: JSON text.
    pub record: String,
    /// Who caused it: a client's id, `user:…` or `system`.
    pub caused_by: String,
    /// When.
    pub at: Timestamp,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// To be tried.
    Pending,
    /// The receiver took it.
    Delivered,
    /// Every try failed.
    Failed,
    /// A person called it off.
    Cancelled,
    /// Consent was gone at send time.
    Skipped,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Delivered, Self::Failed, Self::Cancelled, Self::Skipped];

    /// As it stands in JSON and on pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }

    /// From its name.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// As the store keeps it: 0 is pending, so that a partial index can name it.
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Pending => 0,
            Self::Delivered => 1,
            Self::Failed => 2,
            Self::Cancelled => 3,
            Self::Skipped => 4,
        }
    }

    /// From the store's number.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// One event for one webhook URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// `dlv_…`, time-ordered.
    pub id: String,
    /// The event.
    pub event_id: String,
    /// The webhook URL.
    pub url_id: String,
    /// Whose URL it is.
    pub client: ClientNumber,
    /// Where the event happened.
    pub workspace: WorkspaceNumber,
    /// What happened.
    pub method: Method,
    /// Where it stands.
    pub state: DeliveryState,
    /// Why it stands there, when that needs a word.
    pub reason: Option<String>,
    /// Tries so far.
    pub attempts: u32,
    /// When it is next tried; for one in flight, when its lease ends.
    pub due_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it came to its end.
    pub ended_at: Option<Timestamp>,
    /// The delivery that this one replays.
    pub replay_of: Option<String>,
    /// The replay that made it, if one did.
    pub replay_id: Option<String>,
}

/// How one try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A status from 200 to 299.
    Delivered,
    /// Another status.
    Status,
    /// No whole answer in time.
    Timeout,
    /// The name could not be resolved.
    Dns,
    /// No connection could be made.
    Connect,
    /// TLS failed.
    Tls,
    /// The connection broke or spoke no HTTP.
    Protocol,
    /// The guard refused the target.
    Blocked,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 8] = [
        Self::Delivered,
        Self::Status,
        Self::Timeout,
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Protocol,
        Self::Blocked,
    ];

    /// As it stands in JSON, in the store and on pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Status => "status",
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::Blocked => "blocked",
        }
    }

    /// From the store's text.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// One HTTP try of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which delivery.
    pub delivery_id: String,
    /// From 1.
    pub number: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in microseconds.
    pub duration_us: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// What went wrong, for the URL's owner.
    pub error: Option<String>,
    /// The address that was dialled.
    pub address: Option<String>,
    /// The request's headers as a JSON object; signatures are kept, they prove what was sent.
    pub request_headers: String,
    /// The answer's headers as a JSON object.
    pub response_headers: Option<String>,
    /// The answer's body, cut to the cap.
    pub reply: Option<String>,
    /// The client's revision in force.
    pub client_revision: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_have_an_entity_type_and_a_verb() {
        let method: Method = "form-response.create".parse().unwrap();
        assert_eq!(method.entity_type(), "form-response");
        assert_eq!(Method::new("task", Verb::Edit).as_str(), "task.edit");
        for bad in ["", "task", "task.update", ".create", "Task.create", "task.create.", "a b.edit"] {
            assert!(bad.parse::<Method>().is_err(), "{bad}");
        }
    }

    #[test]
    fn states_and_outcomes_survive_the_store() {
        for state in DeliveryState::ALL {
            assert_eq!(DeliveryState::from_code(state.code()), Some(state));
            assert_eq!(DeliveryState::from_name(state.as_str()), Some(state));
        }
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::from_name(outcome.as_str()), Some(outcome));
        }
    }
}
