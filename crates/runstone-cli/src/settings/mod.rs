//! What the caller has said once and for all, beside each command.
//!
//! ```text
//! known     the settings there are, and which file may state which
//! environment  which environment runs are recorded with
//! file      reads a settings file, with line and column of what is wrong
//! places    where the two files are, and whom they must belong to
//! settled   option > environment > project file > user file > default
//! store     the store a command works on, named or found
//! own       the caller's own store, for environments where no other is
//! ```
//!
//! The invariant guarded here: a file that came with someone else's folder never decides where runs
//! go, what is taken out of them, or what is executed. What a setting does is left to the command
//! that asks for it.

mod environment;
mod error;
mod file;
mod known;
mod own;
mod places;
mod settled;
mod store;

pub(crate) use self::environment::Asked;
pub(crate) use self::error::SettingsError;
pub(crate) use self::own::Purpose;
pub(crate) use self::places::Places;
pub(crate) use self::settled::{Given, Origin, Setting, Settings, When};
pub(crate) use self::store::{STORE_DIR, directory};
