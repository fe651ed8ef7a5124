//! The package managers that a restore goes through, in the order in which they act.
//!
//! The invariant: what others are built on comes first. What each does is in its own file.

use crate::names::{SourceName, words};

words! {
    /// A package manager.
    Manager {
        /// Packages of Debian and its likes.
        Apt = "apt",
        /// Packages of a conda prefix.
        Conda = "conda",
        /// Distributions of a Python environment, by uv or pip.
        Pip = "pip",
        /// Global packages of npm.
        Npm = "npm",
    }
}

impl Manager {
    /// Returns the source that says what it has installed.
    pub const fn source(self) -> SourceName {
        match self {
            Self::Apt => SourceName::Dpkg,
            Self::Conda => SourceName::Conda,
            Self::Pip => SourceName::Python,
            Self::Npm => SourceName::Npm,
        }
    }

    /// Tells whether it changes what belongs to one user, and not the system under all.
    pub const fn is_per_user(self) -> bool {
        !matches!(self, Self::Apt)
    }
}
