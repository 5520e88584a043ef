-- Links by which people join workspaces. As with every link, only the hash of its random value is kept.
CREATE TABLE invitation (
    id {id} NOT NULL PRIMARY KEY,
    hash {blob} NOT NULL UNIQUE,
    email {id} NOT NULL,
    role TEXT NOT NULL,
    invited_by {id} NOT NULL,
    expires_at {ts} NOT NULL
) {table};

CREATE TABLE invitation_workspace (
    invitation_id {id} NOT NULL,
    workspace_number {int} NOT NULL,
    PRIMARY KEY (invitation_id, workspace_number)
) {narrow};

-- When somebody was last seen, give or take a minute: sessions are dropped after a while.
ALTER TABLE user_account ADD COLUMN seen_at {ts};
