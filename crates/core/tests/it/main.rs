//! The use cases on a real store.

#[cfg(test)]
mod access;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod people;
#[cfg(test)]
mod records;
#[cfg(test)]
mod support;
