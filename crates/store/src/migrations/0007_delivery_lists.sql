-- Deliveries that ended otherwise than delivered are few among many, and what people look for: of one client, and of all.
-- What is pending or was delivered has no entry here, so that these cost nothing where all goes well.
CREATE INDEX delivery_not_delivered ON delivery (client_number, state, id) WHERE state > 1;
CREATE INDEX delivery_of_all_not_delivered ON delivery (state, id) WHERE state > 1;
