//! The delivery engine: claim, send through the guarded egress, record.
