//! Randomness, as an argument.
//!
//! Nonces and store identities need bits nobody else has. They come through [`Entropy`], so that a
//! test can say which bits they are. The invariant guarded here: no call returns the bits of an
//! earlier one. What the bits are used for is left to those who ask.

use std::fmt::Debug;

use rustix::io::retry_on_intr;
use rustix::rand::{GetRandomFlags, getrandom};

/// A source of random bits.
pub trait Entropy: Send + Sync + Debug {
    /// Returns 128 bits that were never returned before, here or elsewhere.
    fn nonce(&self) -> [u8; 16];
}

/// The kernel's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn nonce(&self) -> [u8; 16] {
        let mut bits = [0; 16];
        let mut filled = 0;
        while filled < bits.len() {
            let rest = &mut bits[filled..];
            filled += retry_on_intr(|| getrandom(&mut *rest, GetRandomFlags::empty()))
                .expect("the kernel gives random bits to everyone");
        }
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_nonces_differ() {
        assert_ne!(SystemEntropy.nonce(), SystemEntropy.nonce());
    }
}
