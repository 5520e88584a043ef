//! Test harness: the real server on a random port, actors, a scripted receiver.
