-- Attempts of deliveries, counted by hour. Nodes add to these rows, many at a time; nothing is decided by them.

-- took is the number of the span in which the answer of a delivered attempt came; 0 for any other.
CREATE TABLE attempt_count (
    client_number {int} NOT NULL,
    hour {ts} NOT NULL,
    url_id {id} NOT NULL,
    outcome {id} NOT NULL,
    took {int} NOT NULL,
    attempts {int} NOT NULL,
    PRIMARY KEY (client_number, hour, url_id, outcome, took)
) {narrow};

CREATE INDEX attempt_count_by_hour ON attempt_count (hour);

-- Deliveries that were delivered, by what they told of.
CREATE TABLE method_delivery_count (
    client_number {int} NOT NULL,
    day {ts} NOT NULL,
    method {id} NOT NULL,
    deliveries {int} NOT NULL,
    PRIMARY KEY (client_number, day, method)
) {narrow};

CREATE INDEX method_delivery_count_by_day ON method_delivery_count (day);
