-- Headers that are sent to a webhook URL, and the public halves of keys that sign for it.

CREATE TABLE webhook_header (
    url_id {id} NOT NULL,
    name {id} NOT NULL,
    sealed {blob} NOT NULL,
    PRIMARY KEY (url_id, name)
) {table};

ALTER TABLE signing_key ADD COLUMN public_key TEXT;
