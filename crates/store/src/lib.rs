//! All SQL: the store, its engines, its tables.
