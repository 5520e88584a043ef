-- The first schema. Times are microseconds since the epoch; ids begin with the time, so that rows which arrive together
-- lie together (docs/adr/0001-store.md). {tokens} are filled in for the engine by dialect.rs.
-- What is compared or sorted as a key is {id}, so that its order is that of its bytes whatever the database's language.

CREATE TABLE counter (
    name {id} NOT NULL PRIMARY KEY,
    value {int} NOT NULL
) {narrow};

CREATE TABLE workspace (
    number {int} NOT NULL PRIMARY KEY,
    id {id} NOT NULL UNIQUE,
    subdomain {id} NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at {ts} NOT NULL
) {table};

CREATE TABLE api_client (
    number {int} NOT NULL PRIMARY KEY,
    id {id} NOT NULL UNIQUE,
    client_id {id} NOT NULL UNIQUE,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    api_version TEXT NOT NULL,
    secret_policy TEXT NOT NULL,
    payload TEXT NOT NULL,
    token_lifetime_seconds {int} NOT NULL,
    rate_limit {int},
    allow_list {json} NOT NULL,
    not_before {ts} NOT NULL,
    revision {int} NOT NULL,
    created_by TEXT NOT NULL,
    created_at {ts} NOT NULL
) {table};

-- Apart from api_client, so that noting a use never touches what the gate trusts.
CREATE TABLE client_use (
    client_number {int} NOT NULL PRIMARY KEY,
    at {ts} NOT NULL,
    address TEXT NOT NULL,
    workspace TEXT
) {table};

CREATE TABLE secret_use (
    client_number {int} NOT NULL,
    number {int} NOT NULL,
    at {ts} NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (client_number, number)
) {table};

CREATE TABLE client_secret (
    client_number {int} NOT NULL,
    number {int} NOT NULL,
    hint TEXT NOT NULL,
    verifier {blob} NOT NULL,
    sealed {blob},
    created_by TEXT NOT NULL,
    created_at {ts} NOT NULL,
    expires_at {ts},
    killed_at {ts},
    PRIMARY KEY (client_number, number)
) {table};

CREATE TABLE revoked_token (
    client_number {int} NOT NULL,
    token_id {blob} NOT NULL,
    expires_at {ts} NOT NULL,
    PRIMARY KEY (client_number, token_id)
) {narrow};

CREATE TABLE client_workspace (
    client_number {int} NOT NULL,
    workspace_number {int} NOT NULL,
    PRIMARY KEY (client_number, workspace_number)
) {narrow};

CREATE INDEX client_workspace_by_workspace ON client_workspace (workspace_number, client_number);

CREATE TABLE client_method (
    client_number {int} NOT NULL,
    method {id} NOT NULL,
    PRIMARY KEY (client_number, method)
) {narrow};

-- A URL that was taken off its client stays for the sake of the delivery log, without its keys.
CREATE TABLE webhook_url (
    id {id} NOT NULL PRIMARY KEY,
    client_number {int} NOT NULL,
    url TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    created_at {ts} NOT NULL,
    removed_at {ts}
) {table};

CREATE INDEX webhook_url_by_client ON webhook_url (client_number, id);

CREATE TABLE signing_key (
    url_id {id} NOT NULL,
    number {int} NOT NULL,
    sealed {blob} NOT NULL,
    expires_at {ts},
    PRIMARY KEY (url_id, number)
) {table};

-- Who gets which event: what the clients' workspaces, methods and URLs come to, so that a write reads it in one step.
CREATE TABLE subscription (
    workspace_number {int} NOT NULL,
    method {id} NOT NULL,
    url_id {id} NOT NULL,
    client_number {int} NOT NULL,
    PRIMARY KEY (workspace_number, method, url_id)
) {narrow};

CREATE INDEX subscription_by_client ON subscription (client_number);

CREATE TABLE record (
    workspace_number {int} NOT NULL,
    entity_type {id} NOT NULL,
    id {id} NOT NULL,
    body {json} NOT NULL,
    PRIMARY KEY (workspace_number, entity_type, id)
) {table};

CREATE TABLE event (
    id {id} NOT NULL,
    workspace_number {int} NOT NULL,
    method {id} NOT NULL,
    record_id {id} NOT NULL,
    record {json} NOT NULL,
    caused_by TEXT NOT NULL,
    at {ts} NOT NULL,
    PRIMARY KEY ({key workspace_number, id})
) {table} {by_day id};

-- While a delivery is in flight it is leased and due_at is when the lease ends: one index finds both what is to be
-- tried and what a crash left behind. The fence counts the claims; only the claim that it names may record.
CREATE TABLE delivery (
    id {id} NOT NULL,
    workspace_number {int} NOT NULL,
    event_id {id} NOT NULL,
    url_id {id} NOT NULL,
    client_number {int} NOT NULL,
    method {id} NOT NULL,
    state {int} NOT NULL,
    reason TEXT,
    attempts {int} NOT NULL,
    due_at {ts} NOT NULL,
    leased {bool} NOT NULL,
    fence {int} NOT NULL,
    created_at {ts} NOT NULL,
    ended_at {ts},
    replay_of {id},
    PRIMARY KEY ({key workspace_number, id})
) {narrow};

CREATE INDEX delivery_due ON delivery (due_at) WHERE state = 0;
CREATE INDEX delivery_by_client ON delivery (client_number, id);
-- A replay may be of an old event, which must not go before the replay has come to its end.
CREATE INDEX delivery_replayed ON delivery (event_id) WHERE state = 0 AND replay_of IS NOT NULL;
-- On SQLite the key itself begins with the id.
-- @postgres
CREATE INDEX delivery_by_id ON delivery (id);
-- @both

CREATE TABLE attempt (
    workspace_number {int} NOT NULL,
    delivery_id {id} NOT NULL,
    number {int} NOT NULL,
    started_at {ts} NOT NULL,
    duration_us {int} NOT NULL,
    outcome TEXT NOT NULL,
    status {int},
    error TEXT,
    address TEXT,
    request_headers {json} NOT NULL,
    response_headers {json},
    reply TEXT,
    client_revision {int} NOT NULL,
    PRIMARY KEY ({key workspace_number, delivery_id, number})
) {table} {by_day delivery_id};

CREATE TABLE audit (
    id {id} NOT NULL PRIMARY KEY,
    at {ts} NOT NULL,
    actor TEXT NOT NULL,
    address TEXT,
    action TEXT NOT NULL,
    subject_id {id} NOT NULL,
    before {json},
    after {json}
) {table};

CREATE INDEX audit_by_subject ON audit (subject_id, id);

-- Refused requests, kept a while so that they can be explained: no bodies, no secrets.
CREATE TABLE refused_request (
    id {id} NOT NULL PRIMARY KEY,
    at {ts} NOT NULL,
    client_number {int},
    workspace TEXT,
    verb TEXT NOT NULL,
    path TEXT NOT NULL,
    status {int} NOT NULL,
    refused_by TEXT NOT NULL,
    detail TEXT NOT NULL,
    address TEXT NOT NULL
) {table} {by_day id};

-- Rows of days that have no partition of their own. There are none unless the upkeep failed for days or a clock is wrong.
-- @postgres
CREATE TABLE event_default PARTITION OF event DEFAULT;
CREATE TABLE attempt_default PARTITION OF attempt DEFAULT;
CREATE TABLE refused_request_default PARTITION OF refused_request DEFAULT;
-- @both

-- One row while another database is being copied into this one: nobody may take a part for the whole.
CREATE TABLE unfinished_copy (
    started_at {ts} NOT NULL PRIMARY KEY
) {table};

-- What nodes have taken in advance of a client's rate-limit window.
CREATE TABLE rate_window (
    client_number {int} NOT NULL PRIMARY KEY,
    started {ts} NOT NULL,
    given {int} NOT NULL
) {table};
