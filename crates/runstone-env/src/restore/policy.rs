//! What a restore may do, as whoever asks for it says.
//!
//! The invariant: nothing is allowed that was not named. An address is allowed by its beginning,
//! which ends where a part of the address ends: `https://host/team` allows nothing of
//! `https://host/teammate`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::manager::Manager;
use crate::grammar;

/// The schemes that an address may have.
pub(super) const SCHEMES: [&str; 2] = ["https", "ssh"];

/// What a restore may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The managers that are asked; none: every one of which something was captured.
    pub only: BTreeSet<Manager>,
    /// Whether what the target lacks is removed.
    pub prune: bool,
    /// Whether managers of one user may restore what was captured on another system.
    pub allow_foreign: bool,
    /// From where items may come that are in no index.
    pub allow_source: Vec<SourcePrefix>,
    /// The folder in which a Python environment is made anew, instead of changing the one at hand.
    pub into: Option<String>,
}

/// The beginning of addresses that are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePrefix(String);

/// Why a text is no beginning of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no address that begins with https:// or ssh:// and a host")]
pub struct NotAPrefix {
    /// The text as given.
    pub text: String,
}

/// Why a value is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{member}` of the policy is missing or is none")]
pub struct NotAPolicy {
    /// The member.
    pub member: &'static str,
}

impl SourcePrefix {
    /// Reads a prefix.
    ///
    /// # Errors
    /// [`NotAPrefix`] if it names no host behind one of the two schemes.
    pub fn new(text: &str) -> Result<Self, NotAPrefix> {
        let not_one = || NotAPrefix {
            text: text.to_owned(),
        };
        let (_, rest) = text.split_once("://").ok_or_else(not_one)?;
        let host = rest.split('/').next().unwrap_or_default();
        if host.is_empty() || !grammar::is_address(text, &SCHEMES) || leads_up(text) {
            return Err(not_one());
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether an address begins with it, and a part of the address ends there.
    pub fn allows(&self, address: &str) -> bool {
        if !grammar::is_address(address, &SCHEMES) || leads_up(address) {
            return false;
        }
        let Some(rest) = address.strip_prefix(self.0.as_str()) else {
            return false;
        };
        self.0.ends_with('/') || rest.is_empty() || rest.starts_with('/') || rest == ".git"
    }
}

/// Tells whether a part of an address leads up again, plainly or in disguise.
fn leads_up(address: &str) -> bool {
    let path = address.to_ascii_lowercase().replace("%2e", ".");
    path.contains("%2f")
        || path
            .split(['/', '?'])
            .any(|part| matches!(part, "." | ".."))
}

/// Tells whether a path is absolute and leads where it says: every part is a name, and no name is
/// one for a terminal.
pub(super) fn is_plain(path: &str) -> bool {
    let parts = path.strip_prefix('/').map(|it| it.split('/'));
    parts.is_some_and(|mut it| it.all(|part| !matches!(part, "" | "." | "..")))
        && !path.chars().any(char::is_control)
}

impl Policy {
    /// Tells whether an address may be asked for something.
    pub(super) fn allows(&self, address: &str) -> bool {
        self.allow_source.iter().any(|it| it.allows(address))
    }

    /// Returns the policy as a plan holds it.
    pub fn to_json(&self) -> Value {
        let only: Vec<&str> = self.only.iter().map(|it| it.as_str()).collect();
        let allow_source: Vec<&str> = self.allow_source.iter().map(SourcePrefix::as_str).collect();
        json!({
            "only": only,
            "prune": self.prune,
            "allow_foreign": self.allow_foreign,
            "allow_source": allow_source,
            "into": self.into,
        })
    }

    /// Reads the policy of a plan.
    ///
    /// # Errors
    /// [`NotAPolicy`] with the member that is none.
    pub fn from_json(value: &Value) -> Result<Self, NotAPolicy> {
        let flag = |member: &'static str| {
            let value = value.get(member).and_then(Value::as_bool);
            value.ok_or(NotAPolicy { member })
        };
        let texts = |member: &'static str| {
            let texts = value.get(member).and_then(Value::as_array);
            let texts = texts.ok_or(NotAPolicy { member })?.iter();
            let texts = texts.map(|it| it.as_str().ok_or(NotAPolicy { member }));
            texts.collect::<Result<Vec<&str>, _>>()
        };
        let only = texts("only")?.into_iter();
        let only = only.map(|it| Manager::from_word(it).ok_or(NotAPolicy { member: "only" }));
        let only = only.collect::<Result<_, _>>()?;
        let allow_source = texts("allow_source")?.into_iter().map(|it| {
            SourcePrefix::new(it).map_err(|_none| NotAPolicy {
                member: "allow_source",
            })
        });
        let into = match value.get("into") {
            Some(Value::Null) => None,
            Some(Value::String(into)) if is_plain(into) => Some(into.clone()),
            _ => return Err(NotAPolicy { member: "into" }),
        };
        Ok(Self {
            only,
            prune: flag("prune")?,
            allow_foreign: flag("allow_foreign")?,
            allow_source: allow_source.collect::<Result<_, _>>()?,
            into,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_ends_where_a_part_of_an_address_ends() {
        let prefix = SourcePrefix::new("https://host/team").unwrap();
        for allowed in [
            "https://host/team",
            "https://host/team/a",
            "https://host/team.git",
        ] {
            assert!(prefix.allows(allowed), "{allowed}");
        }
        for other in [
            "https://host/teammate",
            "https://host/team@evil/a",
            "https://host/team/../evil",
            "https://host/team/%2e%2E/evil",
            "https://host/team/..%2fevil",
            "http://host/team/a",
            "ssh://host/team",
        ] {
            assert!(!prefix.allows(other), "{other}");
        }
        let host = SourcePrefix::new("https://host").unwrap();
        assert!(host.allows("https://host/a"));
        assert!(!host.allows("https://host.evil/a"));
        assert!(!host.allows("https://host:1@evil/a"));
    }

    #[test]
    fn what_has_no_host_or_another_scheme_is_no_prefix() {
        for text in [
            "",
            "https://",
            "https:///a",
            "http://host",
            "file:///srv",
            "-x",
            "host/team",
        ] {
            assert!(SourcePrefix::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fresh_environment_has_an_absolute_path_of_plain_parts() {
        for into in [
            "",
            "/",
            "env",
            "-x",
            "/srv/../env",
            "/srv/./env",
            "/srv//env",
            "/srv/env/",
            "/a\nb",
        ] {
            let mut policy = Policy::default().to_json();
            policy["into"] = into.into();
            let error = Policy::from_json(&policy).unwrap_err();
            assert_eq!(error.member, "into", "{into:?}");
        }
    }

    #[test]
    fn policy_is_read_as_it_was_written() {
        let policy = Policy {
            only: [Manager::Pip, Manager::Npm].into(),
            prune: true,
            allow_foreign: false,
            allow_source: vec![SourcePrefix::new("ssh://git@host/team/").unwrap()],
            into: Some("/srv/env".to_owned()),
        };
        assert_eq!(Policy::from_json(&policy.to_json()), Ok(policy));
        let error = Policy::from_json(&json!({ "only": ["rm"] })).unwrap_err();
        assert_eq!(error.member, "only");
    }
}
