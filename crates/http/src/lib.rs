//! Shared web parts: the listener, request ids, the gate before a request, and the one renderer of errors.

mod activity;
pub mod caller;
pub mod counts;
pub mod gate;
pub mod problem;
mod remainder;
pub mod request_id;
pub mod server;

pub use caller::Caller;
pub use counts::RequestCounts;
pub use gate::Admitted;
pub use problem::Problem;
pub use request_id::RequestId;
