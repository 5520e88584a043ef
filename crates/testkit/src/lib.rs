//! Test harness: the real server on a random port, actors that speak HTTP to it, and a receiver of webhooks.
//!
//! Used by tests only. Nothing here waits for a fixed time: waiting is for something to happen, with a deadline that
//! fails the test.

pub mod admin;
pub mod api;
pub mod app;
pub mod authority;
pub mod books;
pub mod browser;
pub mod bulk;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod described;
pub mod disk;
pub mod engine;
pub mod folder;
pub mod http;
pub mod make;
pub mod names;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod receiver;
pub mod standby;

pub use api::Api;
pub use app::{App, Builder, TestClient};
pub use browser::Browser;
pub use bulk::Bulk;
pub use cli::{Cli, Ran};
pub use cluster::Cluster;
pub use folder::Folder;
pub use http::{Answer, Http};
pub use names::Names;
pub use process::Process;
pub use proxy::{Proxy, Traffic};
pub use receiver::{Received, Receiver};
