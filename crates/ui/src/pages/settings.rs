//! A client's settings: name, version, tokens, limits, addresses, policies.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use gatepost_core::clients::ClientChange;
use gatepost_core::{Error, Gatepost};
use gatepost_model::network::Networks;
use gatepost_model::webhook::PayloadShape;
use gatepost_model::{ApiClient, SecretPolicy, duration};
use http::StatusCode;

use super::addresses::{self, CutOff};
use super::client::{address, changeable};
use super::{Answer, changed, conflict, framed, page_with};
use crate::failure::sentence;
use crate::flash::Flash;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::session::Visit;

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage<'a> {
    frame: &'a Frame,
    client: &'a ApiClient,
    values: Values,
    default_limit: u32,
    problem: Option<String>,
    wrong: &'a str,
    cut_off: CutOff,
}

/// The settings as they stand in the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) lifetime: String,
    pub(super) limit: String,
    pub(super) addresses: String,
    pub(super) policy: String,
    pub(super) payload: String,
}

impl Values {
    /// Those of a client.
    pub(super) fn of(client: &ApiClient) -> Self {
        Self {
            name: client.name.clone(),
            version: client.api_version.as_str().to_owned(),
            lifetime: lifetime_text(client.token_lifetime),
            limit: client.rate_limit.map(|limit| limit.to_string()).unwrap_or_default(),
            addresses: client.allow_list.to_texts().join("\n"),
            policy: client.secret_policy.as_str().to_owned(),
            payload: client.payload.as_str().to_owned(),
        }
    }

    /// Those of a client as the admin API shows it.
    pub(super) fn of_view(client: &serde_json::Value) -> Self {
        let text = |name: &str| client[name].as_str().unwrap_or_default().to_owned();
        let lifetime = Duration::from_secs(client["tokenLifetime"].as_u64().unwrap_or(0));
        let addresses = client["allowIps"].as_array().into_iter().flatten();
        let addresses: Vec<&str> = addresses.filter_map(serde_json::Value::as_str).collect();
        Self {
            name: text("name"),
            version: text("apiVersion"),
            lifetime: lifetime_text(lifetime),
            limit: client["rateLimit"].as_u64().map(|limit| limit.to_string()).unwrap_or_default(),
            addresses: addresses.join("\n"),
            policy: text("secretPolicy"),
            payload: text("payload"),
        }
    }

    /// Those that were sent.
    pub(super) fn sent(form: &Form) -> Self {
        let text = |name: &str| form.text(name).trim().to_owned();
        Self {
            name: text("name"),
            version: text("version"),
            // However it was written, so that only what means something else is a change.
            lifetime: duration::parse(form.text("lifetime")).map_or_else(|_| text("lifetime"), lifetime_text),
            limit: text("limit"),
            addresses: form.lines("addresses"),
            policy: text("policy"),
            payload: text("payload"),
        }
    }

    /// Each with its name in the form and what people call it.
    pub(super) fn fields(&self) -> [(&'static str, &'static str, &str); 7] {
        [
            ("name", "Name", &self.name),
            ("version", "API version", &self.version),
            ("lifetime", "Token lifetime", &self.lifetime),
            ("limit", "Rate limit", &self.limit),
            ("addresses", "Addresses", &self.addresses),
            ("policy", "Secret", &self.policy),
            ("payload", "Webhook body", &self.payload),
        ]
    }

    fn change(&self, revision: Option<i64>) -> Result<ClientChange, (&'static str, String)> {
        let limit = match self.limit.as_str() {
            "" => None,
            limit => {
                let wrong =
                    |_| ("limit", String::from("Use a whole number of requests an hour, or leave it empty."));
                Some(limit.parse().map_err(wrong)?)
            }
        };
        let addresses: Vec<&str> = self.addresses.split_whitespace().collect();
        let policy = SecretPolicy::from_name(&self.policy);
        let payload = PayloadShape::from_name(&self.payload);
        Ok(ClientChange {
            revision,
            name: Some(self.name.clone()),
            api_version: Some(self.version.parse().map_err(|error| said("version", &error))?),
            token_lifetime: Some(duration::parse(&self.lifetime).map_err(|error| said("lifetime", &error))?),
            rate_limit: Some(limit),
            allow_list: Some(Networks::parse(&addresses).map_err(|error| said("addresses", &error))?),
            payload: Some(payload.ok_or(("payload", String::from("Choose one of the two.")))?),
            secret_policy: Some(policy.ok_or(("policy", String::from("Choose one of the two.")))?),
            ..ClientChange::default()
        })
    }
}

/// In hours where that is whole, as people think of it.
fn lifetime_text(lifetime: Duration) -> String {
    match lifetime.as_secs() {
        seconds if seconds > 0 && seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        _ => duration::text(lifetime),
    }
}

fn said(field: &'static str, error: &impl std::fmt::Display) -> (&'static str, String) {
    (field, sentence(&error.to_string()))
}

/// `GET /clients/{id}/settings`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    let frame = Frame::new(&visit, Section::Clients);
    let values = Values::of(&client);
    let page = SettingsPage {
        frame: &frame,
        default_limit: gatepost.settings().requests_per_hour,
        problem: None,
        wrong: "",
        cut_off: CutOff::nobody(values.addresses.clone()),
        values,
        client: &client,
    };
    framed(&gatepost, &frame, &page)
}

/// `POST /clients/{id}/settings`
pub(super) async fn send(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    let values = Values::sent(&form);
    if form.revision().is_some_and(|revision| revision != client.revision) {
        return conflict::settings(&gatepost, &visit, &client, &form, &values).await;
    }
    let cut_off = addresses::preview(&gatepost, &visit, &client, values.addresses.clone()).await?;
    let (wrong, problem) = match values.change(form.revision()) {
        Err(wrong) => wrong,
        Ok(_) if cut_off.cuts && form.lines("seen") != values.addresses => {
            ("addresses", String::from("this list cuts callers off. Save again if that is what you want."))
        }
        Ok(change) => match gatepost.update_client(&visit.actor(), &client.id, change).await {
            Ok(_) => return changed(&gatepost, Flash::saved(&gatepost, visit.now), &address(&client)),
            Err(Error::Invalid { field: "tokenLifetime", problem }) => {
                ("lifetime", sentence(&format!("it {problem}")))
            }
            Err(Error::Invalid { problem, .. }) => ("name", sentence(&format!("it {problem}"))),
            Err(error) => return Err(error.into()),
        },
    };
    let frame = Frame::new(&visit, Section::Clients);
    page_with(
        StatusCode::UNPROCESSABLE_ENTITY,
        &SettingsPage {
            frame: &frame,
            values,
            default_limit: gatepost.settings().requests_per_hour,
            problem: Some(problem),
            wrong,
            cut_off,
            client: &client,
        },
    )
}
