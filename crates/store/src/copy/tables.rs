//! What is copied: every table with its columns, in one place.
//!
//! A test holds this list against the tables that the migrations make, on both engines.

/// A table with all its columns.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The columns of its key, by which it is read in order.
    pub key: &'static [&'static str],
    /// All other columns.
    pub others: &'static [&'static str],
}

impl Table {
    /// All columns, those of the key first.
    pub fn columns(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.key.iter().chain(self.others).copied()
    }
}

const fn table(name: &'static str, key: &'static [&'static str], others: &'static [&'static str]) -> Table {
    Table { name, key, others }
}

/// Tables that are the store's own affair: not copied.
pub const NOT_COPIED: &[&str] = &["change_feed", "schema_migration", "unfinished_copy"];

/// Every other table.
pub const TABLES: &[Table] = &[
    table("counter", &["name"], &["value"]),
    table("workspace", &["number"], &["id", "subdomain", "name", "created_at"]),
    table(
        "api_client",
        &["number"],
        &[
            "id",
            "client_id",
            "name",
            "status",
            "api_version",
            "secret_policy",
            "payload",
            "token_lifetime_seconds",
            "rate_limit",
            "allow_list",
            "not_before",
            "revision",
            "created_by",
            "created_at",
        ],
    ),
    table("client_use", &["client_number"], &["at", "address", "workspace"]),
    table("secret_use", &["client_number", "number"], &["at", "address"]),
    table(
        "client_secret",
        &["client_number", "number"],
        &["hint", "verifier", "sealed", "created_by", "created_at", "expires_at", "killed_at", "told_at"],
    ),
    table("revoked_token", &["client_number", "token_id"], &["expires_at"]),
    table("client_workspace", &["client_number", "workspace_number"], &[]),
    table("client_method", &["client_number", "method"], &[]),
    table(
        "webhook_url",
        &["id"],
        &[
            "client_number",
            "url",
            "state",
            "reason",
            "created_at",
            "removed_at",
            "failing_since",
            "failed_at",
            "disables_at",
            "look_at",
        ],
    ),
    table("signing_key", &["url_id", "number"], &["sealed", "expires_at", "public_key"]),
    table("notice_url", &["workspace_number"], &["id", "url", "sealed", "created_at"]),
    table("webhook_header", &["url_id", "name"], &["sealed"]),
    table("subscription", &["workspace_number", "method", "url_id"], &["client_number"]),
    table("record", &["workspace_number", "entity_type", "id"], &["body"]),
    table("event", &["id", "workspace_number"], &["method", "record_id", "record", "caused_by", "at"]),
    table(
        "delivery",
        &["id", "workspace_number"],
        &[
            "event_id",
            "url_id",
            "client_number",
            "method",
            "state",
            "reason",
            "attempts",
            "due_at",
            "leased",
            "fence",
            "created_at",
            "ended_at",
            "replay_of",
            "replay_id",
        ],
    ),
    table(
        "replay",
        &["id"],
        &[
            "client_number",
            "url_id",
            "since",
            "until",
            "method",
            "which",
            "state",
            "reason",
            "counted_to",
            "is_counted",
            "counted",
            "replayed_to",
            "made",
            "again",
            "gone",
            "due_at",
            "fence",
            "created_by",
            "created_at",
            "ended_at",
        ],
    ),
    table(
        "attempt",
        &["delivery_id", "number", "workspace_number"],
        &[
            "started_at",
            "duration_us",
            "outcome",
            "status",
            "error",
            "address",
            "request_headers",
            "response_headers",
            "reply",
            "client_revision",
        ],
    ),
    table("audit", &["id"], &["at", "actor", "address", "action", "subject_id", "before", "after"]),
    table(
        "refused_request",
        &["id"],
        &["at", "client_number", "workspace", "verb", "path", "status", "refused_by", "detail", "address"],
    ),
    table("call_count", &["hour", "client_number", "workspace_number", "verdict"], &["calls"]),
    table("secret_call_count", &["hour", "client_number", "secret_number"], &["calls"]),
    table("address_call_count", &["client_number", "day", "address"], &["calls"]),
    table("attempt_count", &["client_number", "hour", "url_id", "outcome", "took"], &["attempts"]),
    table("method_delivery_count", &["client_number", "day", "method"], &["deliveries"]),
    table("rate_window", &["client_number"], &["started", "given"]),
    table("user_account", &["id"], &["email", "name", "password", "created_at", "seen_at"]),
    table("membership", &["user_id", "workspace_number"], &["role"]),
    table("second_factor", &["user_id"], &["sealed", "confirmed", "last_step"]),
    table("recovery_code", &["user_id", "hash"], &[]),
    table("session", &["hash"], &["user_id", "complete", "created_at", "seen_at", "checked_at", "address"]),
    table("one_time_link", &["hash"], &["purpose", "expires_at"]),
    table("invitation", &["id"], &["hash", "email", "role", "invited_by", "expires_at"]),
    table("invitation_workspace", &["invitation_id", "workspace_number"], &[]),
    table(
        "admin_token",
        &["id"],
        &[
            "user_id",
            "name",
            "finder",
            "verifier",
            "hint",
            "scopes",
            "workspaces",
            "created_at",
            "expires_at",
            "ended_at",
            "used_at",
            "used_from",
        ],
    ),
];
