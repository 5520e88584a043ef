//! The deployment itself: what it knows, how it stands, its database.

use std::path::Path;

use axum::Json;
use axum::extract::State;
use gatepost_core::error::StoreError;
use gatepost_core::{Error, MigrationState, MigrationStatus};
use gatepost_http::Problem;
use http::StatusCode;
use serde_json::{Value, json};

use super::Shared;
use super::access::Administrator;
use super::members::{Members, invalid};

/// `GET /methods`: the checklist.
pub(super) async fn methods(State(gatepost): Shared) -> Json<Vec<String>> {
    Json(gatepost.methods())
}

/// `GET /status`: the release, and where the database stands.
pub(super) async fn status(State(gatepost): Shared) -> Result<Json<Value>, Problem> {
    let migrations = gatepost.store().migration_status().await.map_err(Error::Store)?;
    let applied = migrations.iter().filter(|migration| migration.state != MigrationState::Pending);
    let current = applied.map(|migration| migration.number).max().unwrap_or(0);
    Ok(Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "schema": { "current": current, "migrations": migrations.iter().map(migration).collect::<Value>() },
    })))
}

/// `POST /migrate`: brings the tables to the form that this release needs.
pub(super) async fn migrate(
    State(gatepost): Shared,
    _: Administrator,
    members: Members,
) -> Result<Json<Value>, Problem> {
    members.finish()?;
    let report = gatepost.store().migrate().await.map_err(for_the_operator)?;
    Ok(Json(
        json!({ "applied": report.applied.iter().map(migration).collect::<Value>(), "current": report.current }),
    ))
}

/// `POST /backup`: copies the database to the new file `path` while it is in use.
pub(super) async fn backup(
    State(gatepost): Shared,
    _: Administrator,
    mut members: Members,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let path = members.required_text("path")?;
    members.finish()?;
    if !Path::new(&path).is_absolute() {
        return Err(invalid("path", "must be absolute: the server may run in another folder than you"));
    }
    gatepost.store().backup(Path::new(&path)).await.map_err(for_the_operator)?;
    Ok((StatusCode::CREATED, Json(json!({ "path": path }))))
}

fn migration(migration: &MigrationStatus) -> Value {
    let state = match migration.state {
        MigrationState::Applied => "applied",
        MigrationState::Pending => "pending",
        MigrationState::Changed => "changed",
        MigrationState::Unknown => "unknown",
    };
    json!({ "number": migration.number, "name": migration.name, "state": state })
}

/// Errors of the store whose text is meant for whoever asked for the work on it.
fn for_the_operator(error: StoreError) -> Problem {
    match error {
        StoreError::Backup(_) | StoreError::Migration(_) => {
            Problem::new(StatusCode::CONFLICT, "conflict", error.to_string())
        }
        other => Problem::from(Error::Store(other)),
    }
}
