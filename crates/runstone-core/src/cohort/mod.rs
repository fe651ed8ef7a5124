//! Cohorts: which runs may honestly be compared.
//!
//! A [`CohortKey`] is everything that must be equal for two runs to be comparable; its canonical
//! bytes decide, and its [`CohortId`] is the name under which the store keeps the cohort's log. Two
//! runs are comparable if and only if their keys are equal; [`compare`] says why not. Keeping the
//! log belongs to the store.

mod compare;
mod name;

use std::collections::BTreeMap;
use std::fmt;

pub use compare::{Comparability, Mismatch, compare};
pub(crate) use name::part;
pub use name::{run_directory, stage_directory};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::canon;
use crate::digest::{Digest, NotADigest};
use crate::id::{IllegalName, Stage};
use crate::profile::Policy;

/// Hex digits of the digest in a cohort's id.
const ID_DIGITS: usize = 16;

/// Everything that must be equal for two runs to be comparable.
#[derive(Debug, Clone, PartialEq)]
pub struct CohortKey {
    /// Version of the fingerprints.
    pub schema: u32,
    /// Name of the profile.
    pub profile: String,
    /// Digest of the profile's identity rules for this stage.
    pub rules: Digest,
    /// Whether factors were free or part of the identity.
    pub policy: Policy,
    /// The stage.
    pub stage: Stage,
    /// The readable parts of the id, after the stage.
    pub name: Vec<String>,
    /// Group → path → normalized value.
    pub groups: BTreeMap<String, BTreeMap<String, Value>>,
}

/// The name of a cohort: `<stage>.<name>.<16 hex>`, safe as a file name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CohortId(String);

impl CohortId {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CohortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl CohortKey {
    /// Returns the key as JSON.
    pub fn document(&self) -> Value {
        json!(self.described())
    }

    /// Returns the canonical bytes: equal keys, equal bytes.
    pub fn bytes(&self) -> Vec<u8> {
        canon::bytes(&self.described())
    }

    fn described(&self) -> Described<'_> {
        Described {
            fingerprint_schema_version: self.schema,
            groups: &self.groups,
            name: &self.name,
            policy: self.policy.as_str(),
            profile: DescribedProfile {
                identity_rules: self.rules,
                name: &self.profile,
            },
            stage: &self.stage,
        }
    }

    /// Returns the digest of the canonical bytes.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes())
    }

    /// Returns the name of the cohort.
    pub fn id(&self) -> CohortId {
        self.id_with(&self.digest())
    }

    /// Returns the name of the cohort, of which this is the digest.
    pub(crate) fn id_with(&self, digest: &Digest) -> CohortId {
        let mut id = part(self.stage.as_str());
        for name in &self.name {
            id.push('.');
            id.push_str(name);
        }
        id.push('.');
        id.push_str(&digest.prefix(ID_DIGITS));
        CohortId(id)
    }

    /// Reads the bytes that [`CohortKey::bytes`] made.
    ///
    /// # Errors
    /// [`CohortKeyError`] if they are not JSON, lack a member, or are not the canonical form of
    /// what they say: then this release does not know everything that makes these runs
    /// comparable.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CohortKeyError> {
        // Canonical text is read leniently: 2^64 prints as 18446744073709552000. That nothing was
        // read amiss is what the comparison of bytes shows.
        let document = serde_json::from_slice(bytes).map_err(CohortKeyError::NotJson)?;
        let Value::Object(document) = canon::settle(document) else {
            return Err(CohortKeyError::NotCanonical);
        };
        let key = Self::from_document(&document)?;
        if key.bytes() == bytes {
            Ok(key)
        } else {
            Err(CohortKeyError::NotCanonical)
        }
    }

    fn from_document(document: &Map<String, Value>) -> Result<Self, CohortKeyError> {
        let member = |pointer: &'static str| {
            let found = pointer
                .split('.')
                .try_fold(None, |object: Option<&Value>, key| {
                    let object = object.map_or(Some(document), Value::as_object)?;
                    Some(Some(object.get(key)?))
                })
                .flatten();
            found.ok_or(CohortKeyError::Member { member: pointer })
        };
        let text = |pointer| {
            member(pointer)?
                .as_str()
                .ok_or(CohortKeyError::Member { member: pointer })
        };
        let refuse = |member| move || CohortKeyError::Member { member };
        let schema = member("fingerprint_schema_version")?.as_u64();
        let name = member("name")?.as_array().ok_or_else(refuse("name"))?;
        let groups = member("groups")?.as_object().ok_or_else(refuse("groups"))?;
        Ok(Self {
            schema: schema
                .and_then(|schema| u32::try_from(schema).ok())
                .ok_or_else(refuse("fingerprint_schema_version"))?,
            profile: text("profile.name")?.to_owned(),
            rules: text("profile.identity_rules")?
                .parse()
                .map_err(CohortKeyError::Rules)?,
            policy: Policy::from_word(text("policy")?).ok_or_else(refuse("policy"))?,
            stage: Stage::new(text("stage")?).map_err(CohortKeyError::Stage)?,
            name: name
                .iter()
                .map(|part| part.as_str().map(ToOwned::to_owned))
                .collect::<Option<_>>()
                .ok_or_else(refuse("name"))?,
            groups: groups
                .iter()
                .map(|(group, fields)| {
                    let fields = fields.as_object()?.clone().into_iter().collect();
                    Some((group.clone(), fields))
                })
                .collect::<Option<_>>()
                .ok_or_else(refuse("groups"))?,
        })
    }
}

/// The members of a key, in their order there.
#[derive(Serialize)]
struct Described<'k> {
    fingerprint_schema_version: u32,
    groups: &'k BTreeMap<String, BTreeMap<String, Value>>,
    name: &'k [String],
    policy: &'static str,
    profile: DescribedProfile<'k>,
    stage: &'k Stage,
}

#[derive(Serialize)]
struct DescribedProfile<'k> {
    identity_rules: Digest,
    name: &'k str,
}

/// Bytes are not a cohort's key.
#[derive(Debug, thiserror::Error)]
pub enum CohortKeyError {
    /// They are not JSON.
    #[error("the key of the cohort cannot be read")]
    NotJson(#[source] serde_json::Error),
    /// A member is absent or of the wrong type.
    #[error("the key of the cohort has no legal `{member}`")]
    Member {
        /// The member, as a dotted path.
        member: &'static str,
    },
    /// The digest of the rules is none.
    #[error("the key of the cohort has no legal `profile.identity_rules`")]
    Rules(#[source] NotADigest),
    /// The stage is none.
    #[error("the key of the cohort has no legal `stage`")]
    Stage(#[source] IllegalName),
    /// They say more than this release knows, or were not written by one.
    #[error("the key of the cohort is not in canonical form")]
    NotCanonical,
}
