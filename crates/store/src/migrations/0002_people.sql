-- People who sign in to the manager. Nothing in here lets anybody in by itself: passwords are slow hashes, sessions,
-- links and recovery codes are hashes of random values, and second factors are sealed under a key outside the database.

CREATE TABLE user_account (
    id {id} NOT NULL PRIMARY KEY,
    email {id} NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password TEXT NOT NULL,
    created_at {ts} NOT NULL
) {table};

CREATE TABLE membership (
    user_id {id} NOT NULL,
    workspace_number {int} NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (user_id, workspace_number)
) {narrow};

CREATE INDEX membership_by_workspace ON membership (workspace_number, user_id);

-- last_step is the newest step of time whose code was taken, so that no code is taken twice.
CREATE TABLE second_factor (
    user_id {id} NOT NULL PRIMARY KEY,
    sealed {blob} NOT NULL,
    confirmed {bool} NOT NULL,
    last_step {int} NOT NULL
) {table};

CREATE TABLE recovery_code (
    user_id {id} NOT NULL,
    hash {blob} NOT NULL,
    PRIMARY KEY (user_id, hash)
) {narrow};

-- complete is false between the password and the second factor: such a session opens no page but the one that asks.
CREATE TABLE session (
    hash {blob} NOT NULL PRIMARY KEY,
    user_id {id} NOT NULL,
    complete {bool} NOT NULL,
    created_at {ts} NOT NULL,
    seen_at {ts} NOT NULL,
    checked_at {ts} NOT NULL,
    address TEXT NOT NULL
) {narrow};

CREATE INDEX session_by_user ON session (user_id);
CREATE INDEX session_by_age ON session (created_at);

CREATE TABLE one_time_link (
    hash {blob} NOT NULL PRIMARY KEY,
    purpose {id} NOT NULL,
    expires_at {ts} NOT NULL
) {narrow};
