//! The settings there are: a name, what it takes, and which file may state it.
//!
//! A project file travels with a folder and may have been written by anybody, so it states only
//! what changes how things look and what runs are called. Everything else belongs to the caller's
//! own file. What a setting does is left to the commands.

use super::environment::Capturing;

/// Which of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// `runstone.toml` of a project.
    Project,
    /// The caller's own.
    User,
}

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One of a few words, listed in words.
    Word(&'static [&'static str], &'static str),
    /// Text that is not empty.
    Text,
    /// The name of a profile, never of a file.
    ProfileName,
    /// A directory, absolute or below `~/`.
    Directory,
    /// Such directories.
    Directories,
    /// A whole number, zero included.
    Count,
}

/// A setting a file may state.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// How it is written.
    pub(super) example: &'static str,
    roles: &'static [Role],
}

pub(super) const COLOR: &str = "color";
pub(super) const ENVIRONMENT: &str = "environment";
pub(super) const ENVIRONMENT_ROOT: &str = "environment_root";
pub(super) const EXPERIMENT: &str = "experiment";
pub(super) const LOG_LINES: &str = "log.lines";
pub(super) const PROFILE: &str = "profile";
pub(super) const SAFE_STORES: &str = "safe_stores";
pub(super) const STORE: &str = "store";

/// Every setting, by name.
pub(super) const KNOWN: [Known; 8] = [
    Known {
        name: COLOR,
        kind: Kind::Word(&["auto", "always", "never"], "`auto`, `always` or `never`"),
        example: "color = \"never\"",
        roles: &[Role::Project, Role::User],
    },
    Known {
        name: ENVIRONMENT,
        kind: Kind::Word(&Capturing::WORDS, "`auto`, `current` or `none`"),
        example: "environment = \"none\"",
        roles: &[Role::Project, Role::User],
    },
    Known {
        name: ENVIRONMENT_ROOT,
        kind: Kind::Directory,
        example: "environment_root = \"/srv/image\"",
        roles: &[Role::User],
    },
    Known {
        name: EXPERIMENT,
        kind: Kind::Text,
        example: "experiment = \"churn\"",
        roles: &[Role::Project],
    },
    Known {
        name: LOG_LINES,
        kind: Kind::Count,
        example: "log.lines = 50",
        roles: &[Role::Project, Role::User],
    },
    Known {
        name: PROFILE,
        kind: Kind::ProfileName,
        example: "profile = \"market\"",
        roles: &[Role::Project],
    },
    Known {
        name: SAFE_STORES,
        kind: Kind::Directories,
        example: "safe_stores = [\"/srv/runs\"]",
        roles: &[Role::User],
    },
    Known {
        name: STORE,
        kind: Kind::Directory,
        example: "store = \"~/runs\"",
        roles: &[Role::User],
    },
];

impl Known {
    pub(super) fn is_for(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// Returns the names of the settings a file may state.
pub(super) fn names_for(role: Role) -> impl Iterator<Item = &'static str> {
    KNOWN
        .iter()
        .filter(move |known| known.is_for(role))
        .map(|known| known.name)
}

/// Returns the name a misspelt one was probably meant to be.
pub(super) fn nearest(name: &str, role: Role) -> Option<&'static str> {
    names_for(role)
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_told_from_one_that_means_something_else() {
        assert_eq!(nearest("colour", Role::User), Some(COLOR));
        assert_eq!(nearest("log.line", Role::Project), Some(LOG_LINES));
        assert_eq!(nearest("safe_store", Role::User), Some(SAFE_STORES));
        assert_eq!(nearest("redact", Role::User), None);
    }
}
