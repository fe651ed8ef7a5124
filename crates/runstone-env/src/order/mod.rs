//! Which of two versions is the later one, by the rule of their ecosystem.
//!
//! Where the rule is not known here, versions are the same or they are not: a wrong "upgraded" is
//! worse than "changed".

mod conda;
mod debian;

use std::cmp::Ordering;

pub(crate) use self::conda::is_version as is_conda_version;
use crate::names::SourceName;

/// Compares two versions of one package. `None`: nobody here knows.
pub(crate) fn compare(source: SourceName, left: &str, right: &str) -> Option<Ordering> {
    match source {
        SourceName::Conda => conda::compare(left, right),
        SourceName::Dpkg => debian::compare(left, right),
        SourceName::Python => {
            let left: pep440_rs::Version = left.parse().ok()?;
            let right: pep440_rs::Version = right.parse().ok()?;
            Some(left.cmp(&right))
        }
        SourceName::Npm | SourceName::Pnpm | SourceName::Yarn => {
            let left = semver::Version::parse(left).ok()?;
            let right = semver::Version::parse(right).ok()?;
            Some(left.cmp(&right))
        }
        _ => None,
    }
}
