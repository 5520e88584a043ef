//! The pages of the real server, as a browser without script asks for them.

#[cfg(test)]
mod activity;
#[cfg(test)]
mod api_tokens;
#[cfg(test)]
mod attacks;
mod audit;
#[cfg(test)]
mod client;
#[cfg(test)]
mod client_tabs;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod deliveries;
#[cfg(test)]
mod guarding;
#[cfg(test)]
mod help;
#[cfg(test)]
mod impact;
#[cfg(test)]
mod markup;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod people;
#[cfg(test)]
mod privileges;
#[cfg(test)]
mod replays;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod signing_in;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod standing;
#[cfg(test)]
mod styles;
#[cfg(test)]
mod support;
#[cfg(test)]
mod theirs;
#[cfg(test)]
mod urls;
