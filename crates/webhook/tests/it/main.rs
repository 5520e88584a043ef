//! The guarded egress against real sockets, and the dispatcher behind it.

#![expect(clippy::unwrap_used, reason = "a helper that cannot set up its test ends the test")]

mod dispatch;
mod egress;
#[path = "../../../testkit/src/postgres.rs"]
#[expect(unreachable_pub, dead_code, reason = "it is a public part of the test kit")]
mod postgres;
mod resolver;
mod ssrf_table;
mod support;
mod tls;
