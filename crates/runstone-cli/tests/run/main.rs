//! Commands as runs: real children, real signals, real files left behind.
//!
//! Every promise here is kept with processes that a test started itself and waits for by what they
//! say, never by sleeping.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

#[path = "../cli/scene.rs"]
#[expect(dead_code, reason = "transcripts of every kind share the scene")]
mod scene;

mod before;
mod data;
mod ending;
mod hostile;
mod refused;
mod results;
mod started;
mod terminal;
mod under_way;
mod words;
