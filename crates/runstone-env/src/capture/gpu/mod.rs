//! Graphics processors and their drivers.
//!
//! ```text
//! files     versions and models, as the kernel's modules tell
//! library   memory and CUDA, asked of the driver's library (cargo feature `nvml`)
//! waiting   for its answers, within a time          answers   what it said, as facts
//! ```
//!
//! A machine without a driver is `absent`, which is no error. The invariant: what names one piece
//! of hardware and no other (its serial number, its UUID, where it is plugged in) is not kept. What
//! CUDA a program *uses* comes with its packages.

#[cfg(any(feature = "nvml", test))]
mod answers;
mod files;
#[cfg(feature = "nvml")]
mod library;
#[cfg(any(feature = "nvml", test))]
mod waiting;

#[cfg(feature = "nvml")]
use self::library::with_answers;
use super::found::Found;
use crate::root::Root;

pub(super) fn read(root: &Root) -> Found {
    if root.is_host() {
        with_answers(root, files::told(root))
    } else {
        Found::skipped("another root has no driver of its own")
    }
}

/// Adds nothing: this build asks nobody.
#[cfg(not(feature = "nvml"))]
fn with_answers(_root: &Root, found: Found) -> Found {
    found
}
