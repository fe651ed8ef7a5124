//! Secrets are gone from everything a run becomes, and what is left still tells runs apart.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

mod apart;
mod gone;
mod refusals;
mod rules;
mod support;
