//! What a store says about itself: the content of `runstone.json`.
//!
//! Written once, when the store is made, and read by everyone who opens it. The invariant guarded
//! here: a descriptor of a later format is refused with a clear text, and what a later writer of
//! this format added is kept. What the settings mean is left to those who put them there.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::error::Difference;
use crate::key::StoreId;

/// The newest format of stores and entries known here.
pub const FORMAT: u64 = 1;

/// The description of a store.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptor {
    /// The format of everything in the store.
    pub format: u64,
    /// The identity of the store; every entry carries it.
    pub store: StoreId,
    /// Counts the times a copy of the store was declared a store of its own.
    pub epoch: u64,
    /// When it was made, by its maker's clock.
    pub created: String,
    /// Who may read and write it.
    pub modes: Modes,
    /// How one writer wins a place on this file system.
    pub primitive: Primitive,
    /// What the owner of the store fixed when it was made; opaque here.
    pub settings: Map<String, Value>,
    /// Fields of a later writer.
    pub(crate) other: Map<String, Value>,
}

/// Who may read and write the files of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Modes {
    /// Its owner.
    Private,
    /// The group of its root.
    Shared,
    /// The group writes, everyone reads.
    World,
}

/// The call by which one of many writers wins a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Primitive {
    /// `link(2)`.
    Link,
    /// `renameat2(2)` with `RENAME_NOREPLACE`, where there are no hard links.
    RenameNoreplace,
}

/// A `runstone.json` that cannot be used.
#[derive(Debug, Error)]
pub(crate) enum DescriptorError {
    #[error("format {found} is newer than {FORMAT}")]
    Newer { found: u64 },
    #[error("it is not the JSON of a descriptor")]
    Json(#[from] serde_json::Error),
}

/// The fields as they are written, in their order.
#[derive(Serialize)]
struct Written<'a> {
    format: u64,
    store: StoreId,
    epoch: u64,
    created: &'a str,
    modes: Modes,
    primitive: Primitive,
    settings: &'a Map<String, Value>,
    #[serde(flatten)]
    other: &'a Map<String, Value>,
}

impl Descriptor {
    /// Returns the text of `runstone.json`.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let written = Written {
            format: self.format,
            store: self.store,
            epoch: self.epoch,
            created: &self.created,
            modes: self.modes,
            primitive: self.primitive,
            settings: &self.settings,
            other: &self.other,
        };
        let mut bytes =
            serde_json::to_vec_pretty(&written).expect("a descriptor has only text for keys");
        bytes.push(b'\n');
        bytes
    }

    /// Reads the text of `runstone.json`.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let mut fields: Map<String, Value> = serde_json::from_slice(bytes)?;
        let mut take = |name: &str| fields.remove(name).unwrap_or(Value::Null);
        let format = serde_json::from_value(take("format"))?;
        if format > FORMAT {
            return Err(DescriptorError::Newer { found: format });
        }
        Ok(Self {
            format,
            store: serde_json::from_value(take("store"))?,
            epoch: serde_json::from_value(take("epoch"))?,
            created: serde_json::from_value(take("created"))?,
            modes: serde_json::from_value(take("modes"))?,
            primitive: serde_json::from_value(take("primitive"))?,
            settings: serde_json::from_value(take("settings"))?,
            other: fields,
        })
    }

    /// Returns how the options asked for differ from those the store was made with.
    pub(crate) fn differences(
        &self,
        modes: Modes,
        settings: &Map<String, Value>,
    ) -> Vec<Difference> {
        let text = |value: Option<&Value>| value.map_or("absent".to_owned(), Value::to_string);
        let word = |modes: Modes| serde_json::to_string(&modes).expect("modes are one word");
        let mut differences = Vec::new();
        if modes != self.modes {
            let (asked, found) = (word(modes), word(self.modes));
            differences.push(Difference {
                name: "modes".to_owned(),
                asked,
                found,
            });
        }
        let mut names: Vec<&String> = settings.keys().chain(self.settings.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let (asked, found) = (settings.get(name), self.settings.get(name));
            if asked != found {
                let (asked, found) = (text(asked), text(found));
                differences.push(Difference {
                    name: name.clone(),
                    asked,
                    found,
                });
            }
        }
        differences
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn descriptor() -> Descriptor {
        Descriptor {
            format: FORMAT,
            store: StoreId::from_random([9; 16]),
            epoch: 0,
            created: "2026-11-20T10:15:00Z".to_owned(),
            modes: Modes::Private,
            primitive: Primitive::Link,
            settings: json!({"experiment": "churn"}).as_object().unwrap().clone(),
            other: Map::new(),
        }
    }

    #[test]
    fn descriptor_reads_back_and_keeps_what_a_later_writer_added() {
        let mut later = descriptor();
        later.other.insert("colour".to_owned(), json!("blue"));
        assert_eq!(Descriptor::from_bytes(&later.to_bytes()).unwrap(), later);
    }

    #[test]
    fn newer_format_is_told_from_garbage() {
        let newer = br#"{"format": 2, "nothing": "else is known"}"#;
        let told = Descriptor::from_bytes(newer).unwrap_err();
        assert!(
            matches!(told, DescriptorError::Newer { found: 2 }),
            "{told}"
        );
        for garbage in [&b""[..], b"{", b"[]", b"{}", br#"{"format": 1}"#] {
            let told = Descriptor::from_bytes(garbage).unwrap_err();
            assert!(matches!(told, DescriptorError::Json(_)), "{told}");
        }
    }

    #[test]
    fn differences_name_both_values() {
        let settings = json!({"experiment": "fraud", "views": "none"});
        let told = descriptor().differences(Modes::Shared, settings.as_object().unwrap());
        let told: Vec<_> = told
            .iter()
            .map(|Difference { name, asked, found }| format!("{name}: {found} not {asked}"))
            .collect();
        let expected = [
            "modes: \"private\" not \"shared\"",
            "experiment: \"churn\" not \"fraud\"",
            "views: absent not \"none\"",
        ];
        assert_eq!(told, expected);
        let same = descriptor();
        assert_eq!(same.differences(same.modes, &same.settings), []);
    }
}
