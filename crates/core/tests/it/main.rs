//! The use cases on a real store.

#[cfg(test)]
mod access;
#[cfg(test)]
mod attempts;
#[cfg(test)]
mod event_feed;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod memberships;
#[cfg(test)]
mod people;
#[cfg(test)]
#[path = "../../../testkit/src/postgres.rs"]
#[expect(unreachable_pub, dead_code, reason = "it is a public part of the test kit")]
mod postgres;
#[cfg(test)]
mod reconciliation;
#[cfg(test)]
mod records;
#[cfg(test)]
mod replays;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod support;
