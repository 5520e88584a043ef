//! The pages of the real server in a real browser, worked with as people do.

#[cfg(test)]
mod acceptance;
#[cfg(test)]
mod charts;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod everywhere;
#[cfg(test)]
mod people;
#[cfg(test)]
mod screenshots;
#[cfg(test)]
mod support;
#[cfg(test)]
mod webhooks;
