-- Tokens with which a person's programs call the admin API. finder finds the row, verifier is the keyed hash of the
-- whole token. scopes are names, workspaces are numbers, both with spaces between. Rows stay for the audit trail.

CREATE TABLE admin_token (
    id {id} NOT NULL PRIMARY KEY,
    user_id {id} NOT NULL,
    name TEXT NOT NULL,
    finder {id} NOT NULL UNIQUE,
    verifier {blob} NOT NULL,
    hint TEXT NOT NULL,
    scopes TEXT NOT NULL,
    workspaces TEXT NOT NULL,
    created_at {ts} NOT NULL,
    expires_at {ts} NOT NULL,
    ended_at {ts},
    used_at {ts},
    used_from TEXT
) {table};

CREATE INDEX admin_token_by_user ON admin_token (user_id, id);
