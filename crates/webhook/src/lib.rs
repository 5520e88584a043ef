//! The delivery engine: claim, send through the guarded egress, record.

pub mod address;
pub mod dispatch;
pub mod egress;
pub mod target;
pub mod transport;
