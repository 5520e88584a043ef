//! Entity types as data, and the query language over their records.
