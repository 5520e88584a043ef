//! The JSON faces: token endpoint, REST API, admin API.

pub mod admin;
pub mod oauth;
pub mod rest;
