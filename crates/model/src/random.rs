//! Where random bytes come from.

use std::cell::RefCell;
use std::sync::Mutex;

/// A source of random bytes.
pub trait Random: Send + Sync + 'static {
    /// Fills `buffer` with random bytes.
    fn fill(&self, buffer: &mut [u8]);

    /// A random 64-bit number.
    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// The operating system's generator, asked for many bytes at a time: a call for each request id would cost more than
/// the id. Bytes that were handed out are wiped.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemRandom;

/// What one thread has fetched ahead.
struct Pool {
    bytes: [u8; 1024],
    /// Where the bytes begin that were not handed out yet.
    next: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; 1024], next: 1024 }) };
}

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        POOL.with_borrow_mut(|pool| {
            if buffer.len() > pool.bytes.len() - pool.next {
                if buffer.len() > pool.bytes.len() / 4 {
                    return from_the_system(buffer);
                }
                from_the_system(&mut pool.bytes);
                pool.next = 0;
            }
            let taken = &mut pool.bytes[pool.next..pool.next + buffer.len()];
            buffer.copy_from_slice(taken);
            taken.fill(0);
            pool.next += buffer.len();
        });
    }
}

/// # Panics
/// If the operating system has no randomness to give: nothing safe can be done without it.
#[expect(clippy::panic, reason = "a secret made without randomness would be worse than a stop")]
#[expect(clippy::disallowed_methods, reason = "the one place that asks the operating system")]
fn from_the_system(buffer: &mut [u8]) {
    if let Err(error) = getrandom::fill(buffer) {
        panic!("the operating system gave no random bytes: {error}");
    }
}

/// A repeatable sequence for tests (SplitMix64). Never for secrets.
#[derive(Debug)]
pub struct SeededRandom {
    state: Mutex<u64>,
}

impl SeededRandom {
    /// The sequence that starts from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: Mutex::new(seed) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in buffer.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nothing_is_handed_out_twice() {
        let mut seen = HashSet::new();
        for length in [8, 16, 300, 9, 16, 1024, 2000].into_iter().cycle().take(2_000) {
            let mut bytes = vec![0u8; length];
            SystemRandom.fill(&mut bytes);
            assert!(seen.insert(bytes[..8].to_vec()), "eight bytes came twice");
            assert!(bytes.iter().any(|byte| *byte != 0));
        }
    }
}
