//! Commands as transcripts: what was typed, what came back on stdout and stderr, the exit code.
//!
//! Time, paths and the environment are fixed by the scene, so a transcript changes only when an
//! answer does. Read each as the user who will see it.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

mod answers;
mod bad_input;
mod check;
mod control_characters;
mod demo;
mod doctor;
mod env;
mod env_formats;
mod env_processes;
mod env_pylock;
mod environments;
mod export;
mod looking;
mod manual;
mod notes;
mod processes;
mod readonly;
mod report;
mod restore;
mod restore_conda;
mod scene;
mod secrets;
mod sentences;
mod settings;
mod slips;
mod stats;
mod stores;
mod streams;
mod struck;
mod struck_env;
mod table;
mod users;
mod why;
mod widths;
