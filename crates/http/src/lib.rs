//! Shared web parts: the listener, request ids, problems, extractors.
