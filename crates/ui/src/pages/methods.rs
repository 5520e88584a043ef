//! The method checklist: which events are sent to a client's webhook URLs. It limits nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use gatepost_catalog::Entity;
use gatepost_core::Gatepost;
use gatepost_core::clients::{ClientChange, ListChange};
use gatepost_model::webhook::Verb;
use gatepost_model::{ApiClient, Method};

use super::untick::Untick;
use super::{Answer, client, conflict};
use crate::flash::Flash;
use crate::form::Form;
use crate::session::Visit;

/// One part of the checklist.
#[derive(Clone, Debug)]
pub(super) struct Area {
    pub(super) name: String,
    pub(super) types: Vec<EntityType>,
}

/// The methods of one entity type.
#[derive(Clone, Debug)]
pub(super) struct EntityType {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) methods: Vec<Tick>,
}

/// One method.
#[derive(Clone, Debug)]
pub(super) struct Tick {
    pub(super) method: Method,
    pub(super) verb: &'static str,
    pub(super) ticked: bool,
}

impl Area {
    /// How many methods it has.
    pub(super) fn len(&self) -> usize {
        self.types.iter().map(|entity| entity.methods.len()).sum()
    }

    /// How many of them are ticked.
    pub(super) fn ticked(&self) -> usize {
        self.types.iter().flat_map(|entity| &entity.methods).filter(|tick| tick.ticked).count()
    }
}

/// The whole checklist, in the order of the catalog.
pub(super) fn areas(gatepost: &Gatepost, client: &ApiClient) -> Vec<Area> {
    let mut areas: Vec<Area> = Vec::new();
    for entity in gatepost.catalog().entities().iter().filter(|entity| entity.webhooks) {
        let of_type = entity_type(entity, client);
        match areas.iter_mut().find(|area| area.name == entity.group) {
            Some(area) => area.types.push(of_type),
            None => areas.push(Area { name: entity.group.clone(), types: vec![of_type] }),
        }
    }
    areas
}

fn entity_type(entity: &Entity, client: &ApiClient) -> EntityType {
    let tick = |verb: Verb| {
        let method = Method::new(&entity.entity_type, verb);
        Tick { ticked: client.methods.contains(&method), verb: verb.as_str(), method }
    };
    EntityType {
        name: entity.entity_type.clone(),
        label: entity.label.to_lowercase(),
        methods: Verb::ALL.map(tick).to_vec(),
    }
}

/// `POST /clients/{id}/methods`: what is ticked, and the button that was used: all or none of one entity type.
pub(super) async fn send(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    let before = client::changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    let methods = chosen(&form);
    if form.revision().is_some_and(|revision| revision != before.revision) {
        let lists = [("methods", "method", methods.as_slice())];
        return conflict::lists(&gatepost, &visit, &before, &form, &lists).await;
    }
    let impact = gatepost.impact(before.number).await?;
    if let Some(question) = Untick::methods(&before, methods.clone(), &impact, &form) {
        let over = question.over()?;
        return client::page_of(&gatepost, &visit, before, &over).await;
    }
    let change = ClientChange {
        revision: form.revision(),
        methods: ListChange { set: Some(methods), ..ListChange::default() },
        ..ClientChange::default()
    };
    gatepost.update_client(&visit.actor(), &before.id, change).await?;
    super::changed(
        &gatepost,
        Flash::saved(&gatepost, visit.now),
        &format!("{}#methods", client::address(&before)),
    )
}

fn chosen(form: &Form) -> Vec<String> {
    let mut methods: BTreeSet<String> = form.all("method").into_iter().collect();
    if let Some((entity, set)) = form.text("set").split_once(':') {
        for method in Verb::ALL.map(|verb| Method::new(entity, verb)) {
            if set == "all" {
                methods.insert(method.into());
            } else {
                methods.remove(method.as_str());
            }
        }
    }
    methods.into_iter().collect()
}
