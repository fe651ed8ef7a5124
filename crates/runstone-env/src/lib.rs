//! The software and the machine underneath a run, read directly.
//!
//! [`capture()`] reads what package managers, interpreters and the system keep about themselves
//! below a [`Root`], and makes of it an [`Environment`]: facts, sorted and without times, whose
//! canonical form has a digest. A thousand runs on one machine describe one environment. What
//! differs from one capture to the next (how long it took, what went wrong, which job it was) is
//! its [`CaptureRecord`], which is never hashed. [`diff()`] says in rows what is different between
//! two environments.
//!
//! ```text
//! Root ──▶ one file a source ──▶ Source {state, facts} ──▶ Environment ──▶ digest
//!          (files alone, no                   └─ warnings ──▶ CaptureRecord
//!           program is started)
//! ```
//!
//! With the cargo feature `nvml`, off by default, a capture of the machine itself also loads the
//! library of NVIDIA's driver where that driver is, and asks it.
//!
//! The invariant: **absent is not empty**. Each source has a [`State`], and nothing may be
//! concluded from one that is not [`State::Captured`]. Keeping environments, and joining them to
//! runs, belongs to the ledger.

mod bom;
pub mod capture;
pub mod diff;
pub mod document;
pub mod export;
pub mod git;
mod grammar;
pub mod import;
mod names;
mod order;
mod purl;
pub mod restore;
mod root;
mod stanza;
mod unfinished;
mod url;

pub use capture::{Capture, CaptureRecord, Options, Survey, Warning, capture, survey};
pub use diff::diff;
pub use document::{Environment, Package, Source};
pub use names::{Scope, SourceName, State};
pub use root::{Root, RootError};
