//! The environment as a document: what each source found, and the digests that name it.
//!
//! Made by the capture or read back from JSON, and compared by `diff`. The invariant: equal
//! environments have equal bytes. Everything is sorted, and nothing in it is a time, a duration or
//! the number of a job. What the fields of a package mean belongs to the source that found it.

use std::collections::BTreeMap;

use runstone_core::canon;
use runstone_core::digest::Digest;
use serde_json::{Map, Value, json};

use crate::names::{Scope, SourceName, State};

/// The schema of a document, by which readers know it.
pub const SCHEMA: &str = "runstone.environment/1";
/// The member that an exported document has beside its own: the digest of those.
pub(crate) const DIGEST: &str = "digest";

/// The software and the machine underneath a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Environment {
    /// What each source found.
    pub sources: BTreeMap<SourceName, Source>,
}

/// What one source found.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// How far it could be read.
    pub state: State,
    /// The packages, by name, architecture and version.
    pub packages: Vec<Package>,
    /// What else is known.
    pub facts: Map<String, Value>,
}

/// An installed package.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// Its name, normalised by the rule of its ecosystem.
    pub name: String,
    /// Its version, as written.
    pub version: String,
    /// Its architecture, where one name may be installed for several.
    pub arch: Option<String>,
    /// What else is known of it.
    pub facts: Map<String, Value>,
}

/// The digests that name an environment and its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    /// Of the whole.
    pub environment: Digest,
    /// Of each scope.
    pub scopes: BTreeMap<Scope, Digest>,
    /// Of each source.
    pub sources: BTreeMap<SourceName, Digest>,
}

/// Why a value is no environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEnvironment {
    /// It says that it is something else, or nothing.
    #[error("`{found}` is not the schema `{SCHEMA}`")]
    Schema {
        /// What it says.
        found: String,
    },
    /// A member is missing or of another type.
    #[error("{pointer} is missing or is not {expected}")]
    Member {
        /// Where.
        pointer: String,
        /// What belongs there.
        expected: &'static str,
    },
}

impl Environment {
    /// Returns the document. Its canonical bytes are what is stored and hashed.
    pub fn to_json(&self) -> Value {
        let sources = self.sources.iter();
        let sources: Map<String, Value> = sources
            .map(|(name, source)| (name.as_str().to_owned(), source.to_json()))
            .collect();
        json!({ "schema": SCHEMA, "sources": sources })
    }

    /// Reads a document. Sources that this release does not know are left out.
    ///
    /// # Errors
    /// [`NotAnEnvironment`] with the place, if it is none.
    pub fn from_json(value: &Value) -> Result<Self, NotAnEnvironment> {
        let schema = value.get("schema").and_then(Value::as_str);
        if schema != Some(SCHEMA) {
            return Err(NotAnEnvironment::Schema {
                found: schema.unwrap_or_default().to_owned(),
            });
        }
        let sources = value.get("sources").and_then(Value::as_object);
        let sources = sources.ok_or_else(|| wrong("/sources".to_owned(), "an object"))?;
        let mut read = BTreeMap::new();
        for (name, source) in sources {
            if let Some(name) = SourceName::from_word(name) {
                read.insert(name, Source::from_json(name, source)?);
            }
        }
        Ok(Self { sources: read })
    }

    /// Puts packages in the one order in which they are held.
    pub(crate) fn put_in_order(&mut self) {
        fn key(it: &Package) -> (&str, Option<&str>, &str) {
            (&it.name, it.arch.as_deref(), &it.version)
        }
        for source in self.sources.values_mut() {
            source.packages.sort_by(|one, other| {
                let by_key = key(one).cmp(&key(other));
                by_key.then_with(|| canon::text(&one.facts).cmp(&canon::text(&other.facts)))
            });
        }
    }

    /// Returns the digests of the whole, of each scope and of each source.
    pub fn digests(&self) -> Digests {
        self.written(&self.to_json()).1
    }

    /// Brings every number into the form in which it is hashed.
    pub(crate) fn settle(&mut self) {
        for source in self.sources.values_mut() {
            let of_packages = source.packages.iter_mut().map(|it| &mut it.facts);
            let all = of_packages.chain([&mut source.facts]);
            all.flat_map(Map::values_mut)
                .for_each(canon::settle_in_place);
        }
    }

    /// Returns the canonical bytes of the document, and the digests of them and of their parts;
    /// `json` is the document.
    pub(crate) fn written(&self, json: &Value) -> (Vec<u8>, Digests) {
        // Each source is written once: canonical objects are made of the bytes of their members.
        let written = self.sources.keys();
        let written: BTreeMap<&str, (SourceName, Vec<u8>)> = written
            .map(|name| {
                let source = &json["sources"][name.as_str()];
                (name.as_str(), (*name, canon::bytes(source)))
            })
            .collect();
        let mut sources = BTreeMap::new();
        let mut by_scope: BTreeMap<Scope, Vec<(&str, &[u8])>> = BTreeMap::new();
        for (word, (name, bytes)) in &written {
            sources.insert(*name, Digest::of_named(word, bytes));
            let scope = by_scope.entry(name.scope()).or_default();
            scope.push((*word, bytes.as_slice()));
        }
        let scopes = by_scope.into_iter().map(|(scope, sources)| {
            let name = format!("scope.{}", scope.as_str());
            (scope, Digest::of_named(&name, &object(sources)))
        });
        let all = written
            .iter()
            .map(|(word, (_, bytes))| (*word, bytes.as_slice()));
        let document = object([
            ("schema", canon::bytes(&SCHEMA).as_slice()),
            ("sources", object(all).as_slice()),
        ]);
        let digests = Digests {
            environment: Digest::of(&document),
            scopes: scopes.collect(),
            sources,
        };
        (document, digests)
    }
}

/// Returns the canonical bytes of an object, given those of its members in order. Names here are
/// plain words, which are written as they are.
fn object<'b>(members: impl IntoIterator<Item = (&'b str, &'b [u8])>) -> Vec<u8> {
    let mut bytes = vec![b'{'];
    for (position, (name, member)) in members.into_iter().enumerate() {
        if position > 0 {
            bytes.push(b',');
        }
        bytes.push(b'"');
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b"\":");
        bytes.extend_from_slice(member);
    }
    bytes.push(b'}');
    bytes
}

impl Source {
    /// Returns a source in which nothing was found.
    pub fn without_facts(state: State) -> Self {
        Self {
            state,
            packages: Vec::new(),
            facts: Map::new(),
        }
    }

    fn to_json(&self) -> Value {
        let mut json = json!({ "state": self.state.as_str() });
        if !self.facts.is_empty() {
            json["facts"] = Value::Object(self.facts.clone());
        }
        if !self.packages.is_empty() {
            json["packages"] = self.packages.iter().map(Package::to_json).collect();
        }
        json
    }

    fn from_json(name: SourceName, value: &Value) -> Result<Self, NotAnEnvironment> {
        let at = |member: &str| format!("/sources/{}/{member}", name.as_str());
        let state = value.get("state").and_then(Value::as_str);
        let state = state
            .and_then(State::from_word)
            .ok_or_else(|| wrong(at("state"), "the word of a state"))?;
        let facts = match value.get("facts") {
            None => Map::new(),
            Some(Value::Object(facts)) => facts.clone(),
            Some(_) => return Err(wrong(at("facts"), "an object")),
        };
        let packages = match value.get("packages") {
            None => &[],
            Some(Value::Array(packages)) => packages.as_slice(),
            Some(_) => return Err(wrong(at("packages"), "a list")),
        };
        let packages = packages.iter().enumerate().map(|(position, package)| {
            let at = at(&format!("packages/{position}"));
            Package::from_json(package).ok_or_else(|| wrong(at, "a package with name and version"))
        });
        Ok(Self {
            state,
            facts,
            packages: packages.collect::<Result<_, _>>()?,
        })
    }
}

impl Package {
    /// Returns a package of which only name and version are known.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            arch: None,
            facts: Map::new(),
        }
    }

    fn to_json(&self) -> Value {
        let mut json = json!({ "name": self.name, "version": self.version });
        if let Some(arch) = &self.arch {
            json["arch"] = Value::from(arch.as_str());
        }
        if !self.facts.is_empty() {
            json["facts"] = Value::Object(self.facts.clone());
        }
        json
    }

    fn from_json(value: &Value) -> Option<Self> {
        let text = |member: &str| value.get(member)?.as_str().map(ToOwned::to_owned);
        let arch = match value.get("arch") {
            None => None,
            Some(arch) => Some(arch.as_str()?.to_owned()),
        };
        let facts = match value.get("facts") {
            None => Map::new(),
            Some(facts) => facts.as_object()?.clone(),
        };
        Some(Self {
            name: text("name")?,
            version: text("version")?,
            arch,
            facts,
        })
    }
}

fn wrong(pointer: String, expected: &'static str) -> NotAnEnvironment {
    NotAnEnvironment::Member { pointer, expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        let mut package = Package::new("libc6", "2.36-9");
        package.arch = Some("amd64".to_owned());
        package.facts.insert("hold".to_owned(), Value::from(true));
        let dpkg = Source {
            packages: vec![package],
            ..Source::without_facts(State::Captured)
        };
        let python = Source::without_facts(State::Absent);
        let sources = [(SourceName::Dpkg, dpkg), (SourceName::Python, python)];
        Environment {
            sources: sources.into(),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let environment = environment();
        assert_eq!(
            Environment::from_json(&environment.to_json()),
            Ok(environment)
        );
    }

    #[test]
    fn change_of_one_source_changes_the_digests_of_its_scope_alone() {
        let before = environment().digests();
        let mut changed = environment();
        changed
            .sources
            .insert(SourceName::Python, Source::without_facts(State::Unreadable));
        let after = changed.digests();
        assert_ne!(before.environment, after.environment);
        assert_ne!(before.scopes[&Scope::Python], after.scopes[&Scope::Python]);
        assert_eq!(before.scopes[&Scope::System], after.scopes[&Scope::System]);
        assert_eq!(
            before.sources[&SourceName::Dpkg],
            after.sources[&SourceName::Dpkg]
        );
    }

    #[test]
    fn digest_is_the_one_of_the_canonical_bytes() {
        let environment = environment();
        let bytes = canon::bytes(&environment.to_json());
        assert_eq!(environment.written(&environment.to_json()).0, bytes);
        let digests = environment.digests();
        assert_eq!(digests.environment, Digest::of(&bytes));
        let json = environment.to_json();
        let dpkg = canon::bytes(&json["sources"]["dpkg"]);
        let expected = Digest::of_named("dpkg", &dpkg);
        assert_eq!(digests.sources[&SourceName::Dpkg], expected);
        let system = canon::bytes(&json!({ "dpkg": json["sources"]["dpkg"] }));
        let expected = Digest::of_named("scope.system", &system);
        assert_eq!(digests.scopes[&Scope::System], expected);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            concat!(
                r#"{"schema":"runstone.environment/1","sources":{"dpkg":{"packages":"#,
                r#"[{"arch":"amd64","facts":{"hold":true},"name":"libc6","version":"2.36-9"}],"#,
                r#""state":"captured"},"python":{"state":"absent"}}}"#
            )
        );
    }

    #[test]
    fn what_is_no_environment_is_refused_with_its_place() {
        let refused = |json: &Value| Environment::from_json(json).unwrap_err().to_string();
        assert_eq!(
            refused(&json!({ "schema": "other/1" })),
            "`other/1` is not the schema `runstone.environment/1`"
        );
        let mut json = environment().to_json();
        json["sources"]["dpkg"]["packages"][0]["version"] = Value::Null;
        assert_eq!(
            refused(&json),
            "/sources/dpkg/packages/0 is missing or is not a package with name and version"
        );
    }
}
