//! Records of the built-in backend.
