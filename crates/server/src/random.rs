//! Randomness as a parameter: the system's, or a fixed sequence for tests.

use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// Where ids, salts and secrets come from.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes`; unpredictable outside of tests.
    fn fill(&self, bytes: &mut [u8]);

    /// A new random id.
    fn uuid(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// `bytes` random bytes as lower-case hex.
    fn hex(&self, bytes: usize) -> String {
        let mut buffer = vec![0; bytes];
        self.fill(&mut buffer);
        hex::encode(buffer)
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        rand::Rng::fill_bytes(&mut rand::rng(), bytes);
    }
}

/// 1, 2, 3 … spread over the bytes; for tests that show ids.
#[derive(Debug, Default)]
pub struct CountingRandom(AtomicU64);

impl Random for CountingRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        bytes.fill(0);
        for (to, from) in bytes.iter_mut().rev().zip(number.to_le_bytes()) {
            *to = from;
        }
    }
}
