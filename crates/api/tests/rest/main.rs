//! The REST API through its handler, gate and store included.

#[cfg(test)]
mod nonsense;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod support;
#[cfg(test)]
mod web;
