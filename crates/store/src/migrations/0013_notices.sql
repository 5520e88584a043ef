-- Where notices about a workspace's clients go, and which ends of secrets were told.

CREATE TABLE notice_url (
    workspace_number {int} NOT NULL PRIMARY KEY,
    id {id} NOT NULL,
    url TEXT NOT NULL,
    sealed {blob} NOT NULL,
    created_at {ts} NOT NULL
) {table};

ALTER TABLE client_secret ADD COLUMN told_at {ts};

CREATE INDEX client_secret_ending ON client_secret (expires_at) WHERE expires_at IS NOT NULL AND told_at IS NULL;
