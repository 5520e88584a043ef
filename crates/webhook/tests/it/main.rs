//! The guarded egress against real sockets, and the dispatcher behind it.

#![expect(clippy::unwrap_used, reason = "a helper that cannot set up its test ends the test")]

mod dispatch;
mod egress;
mod resolver;
mod ssrf_table;
mod support;
mod tls;
