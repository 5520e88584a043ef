//! The store as its callers know it.

#[cfg(test)]
mod backups;
#[cfg(test)]
mod crash;
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
mod reads;
#[cfg(test)]
mod runtimes;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod support;
