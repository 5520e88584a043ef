//! The guarded egress against real sockets.

#![expect(clippy::unwrap_used, reason = "a helper that cannot set up its test ends the test")]

mod egress;
mod resolver;
mod ssrf_table;
mod support;
mod tls;
