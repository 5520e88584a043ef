//! The REST API through its handler, gate and store included.

#[cfg(test)]
mod feed;
#[cfg(test)]
mod nonsense;
#[cfg(test)]
#[path = "../../../testkit/src/postgres.rs"]
#[expect(unreachable_pub, dead_code, reason = "it is a public part of the test kit")]
mod postgres;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod support;
#[cfg(test)]
mod web;
