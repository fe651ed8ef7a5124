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
        /// Global packages of pnpm.
        Pnpm = "pnpm",
        /// Global packages of yarn.
        Yarn = "yarn",
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
            Self::Pnpm => SourceName::Pnpm,
            Self::Yarn => SourceName::Yarn,
        }
    }

    /// Tells whether it changes nothing, and is asked by itself only where both sides know what it
    /// has installed.
    pub(super) const fn is_told_alone(self) -> bool {
        matches!(self, Self::Pnpm | Self::Yarn)
    }

    /// Tells whether it changes what belongs to one user, and not the system under all.
    pub const fn is_per_user(self) -> bool {
        !matches!(self, Self::Apt)
    }
}
