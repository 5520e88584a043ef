-- Calls of the REST API, counted. Nodes add to these rows, many at a time; nothing is decided by them.

-- workspace_number is 0 where none was named, or none that exists; verdict is "passed" or the reason of the refusal.
CREATE TABLE call_count (
    hour {ts} NOT NULL,
    client_number {int} NOT NULL,
    workspace_number {int} NOT NULL,
    verdict {id} NOT NULL,
    calls {int} NOT NULL,
    PRIMARY KEY (hour, client_number, workspace_number, verdict)
) {narrow};

CREATE INDEX call_count_by_client ON call_count (client_number, hour);
CREATE INDEX call_count_by_verdict ON call_count (verdict, hour);

-- Calls that passed, by the secret that their token was asked for with.
CREATE TABLE secret_call_count (
    hour {ts} NOT NULL,
    client_number {int} NOT NULL,
    secret_number {int} NOT NULL,
    calls {int} NOT NULL,
    PRIMARY KEY (hour, client_number, secret_number)
) {narrow};

CREATE INDEX secret_call_count_by_client ON secret_call_count (client_number, hour);

-- Calls with a good token, by the address that they came from: a bounded number of addresses a client and day.
CREATE TABLE address_call_count (
    client_number {int} NOT NULL,
    day {ts} NOT NULL,
    address {id} NOT NULL,
    calls {int} NOT NULL,
    PRIMARY KEY (client_number, day, address)
) {narrow};

CREATE INDEX address_call_count_by_day ON address_call_count (day);

-- Refusals of a client, newest first.
CREATE INDEX refused_request_by_client ON refused_request (client_number, id);
