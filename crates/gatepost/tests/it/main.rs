//! The product from outside: the real server over HTTP, and the built program as people run it.

#[cfg(test)]
mod acceptance;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod security;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod support;
