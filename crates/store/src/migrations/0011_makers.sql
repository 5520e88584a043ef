-- Who made a client manages it while it is in no workspace: few clients are, of all that were made by somebody else.
CREATE INDEX api_client_by_maker ON api_client (created_by);
