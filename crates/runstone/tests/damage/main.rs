//! Damage costs the damaged snapshot and nothing else, and is named.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed step should stop the test"
)]

mod beside;
mod copies;
mod everything;
mod walk;
