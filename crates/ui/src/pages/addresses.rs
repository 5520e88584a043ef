//! Whom a list of addresses would cut off, while it is written and before it is saved.

use std::net::IpAddr;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use gatepost_core::calls::SHOWN;
use gatepost_core::{Gatepost, impact};
use gatepost_model::ApiClient;
use gatepost_model::network::Networks;

use super::client::changeable;
use super::{Answer, page};
use crate::failure::{Failure, sentence};
use crate::form::Form;
use crate::session::Visit;
use crate::words::{count, number};

/// So many callers are named.
const NAMED: usize = 5;

/// What stands below the list.
#[derive(Template)]
#[template(path = "parts/cut_off.html")]
pub(super) struct CutOff {
    /// The list that this is about: whoever has seen this need not be asked again.
    list: String,
    /// What it would do; nothing if there is nothing to say.
    said: String,
    is_bad: bool,
    /// Whether somebody is cut off.
    pub(super) cuts: bool,
    /// Whether it leaves out whoever writes it, and calls came from there.
    is_yours: bool,
}

impl CutOff {
    /// Nothing to say about a list.
    pub(super) const fn nobody(list: String) -> Self {
        Self { list, said: String::new(), is_bad: false, cuts: false, is_yours: false }
    }

    fn of(list: String, cut_off: &[(IpAddr, u64)], callers: usize, own: IpAddr) -> Self {
        let said = match (cut_off.len(), callers) {
            (0, 0) => String::from("Nobody called in the last 7 days."),
            (0, _) => format!("Lets in all {} of the last 7 days.", count(callers, "caller")),
            (many, _) => {
                let named = cut_off.iter().take(NAMED);
                let named = named.map(|(address, calls)| format!("{address}, {}", count(*calls, "call")));
                let rest = match many.saturating_sub(NAMED) {
                    0 => String::new(),
                    rest => format!("; and {} more", number(rest)),
                };
                let named = named.collect::<Vec<_>>().join("; ");
                format!("Would cut off {} of the last 7 days: {named}{rest}.", count(many, "caller"))
            }
        };
        let is_yours = cut_off.iter().any(|(address, _)| address.to_canonical() == own.to_canonical());
        let cuts = !cut_off.is_empty();
        Self { list, said, is_bad: cuts, cuts, is_yours }
    }
}

/// Says whom a list would cut off of those who called in the time that pages look back.
pub(super) async fn preview(
    gatepost: &Gatepost,
    visit: &Visit,
    client: &ApiClient,
    list: String,
) -> Result<CutOff, Failure> {
    let texts: Vec<&str> = list.split_whitespace().collect();
    let networks = match Networks::parse(&texts) {
        Ok(networks) => networks,
        Err(error) => {
            let said = sentence(&error.to_string());
            return Ok(CutOff { said, is_bad: true, ..CutOff::nobody(list) });
        }
    };
    if networks.is_empty() {
        return Ok(CutOff::nobody(list));
    }
    let callers = gatepost.calls_by_address(client.number, visit.now.minus(SHOWN)).await?;
    let cut_off = impact::cut_off(&callers, &client.allow_list, &networks);
    Ok(CutOff::of(list, &cut_off, callers.len(), visit.visitor.address))
}

/// `GET /clients/{id}/settings/addresses`: the preview alone, for the list in the query.
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    let list = Form::query(query.as_deref()).lines("addresses");
    page(&preview(&gatepost, &visit, &client, list).await?)
}
