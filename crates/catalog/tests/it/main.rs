//! The catalog and the query language against the contract.

#[cfg(test)]
mod bodies;
#[cfg(test)]
mod builtin;
#[cfg(test)]
mod operators;
#[cfg(test)]
mod patterns;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod text;
