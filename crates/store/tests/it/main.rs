//! The store as its callers know it.

#[cfg(test)]
mod backups;
#[cfg(test)]
mod copy;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod deliveries;
#[cfg(test)]
mod delivery_list;
#[cfg(test)]
mod event_feed;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod feed;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod log;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod outages;
#[cfg(test)]
#[path = "../../../testkit/src/postgres.rs"]
#[expect(unreachable_pub, dead_code, reason = "it is a public part of the test kit")]
mod postgres;
#[cfg(test)]
mod reads;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod runtimes;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod support;
#[cfg(test)]
mod then;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod uncertain;
#[cfg(test)]
mod upgrade;
#[cfg(test)]
mod url_clocks;
