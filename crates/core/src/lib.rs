//! The use cases: API clients, tokens, the gate, records, deliveries.
