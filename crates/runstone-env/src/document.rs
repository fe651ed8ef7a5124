//! The environment as a document: what each source found, and the digests that name it.
//!
//! Made by the capture or read back from JSON, and compared by `diff`. The invariant: equal
//! environments have equal bytes. Everything is sorted, and nothing in it is a time, a duration or
//! the number of a job. What the fields of a package mean belongs to the source that found it.

use std::collections::BTreeMap;
use std::ops::Range;

use runstone_core::canon;
use runstone_core::digest::Digest;
use serde_json::{Map, Value, json};

use crate::names::{Scope, SourceName, State};

/// The schema of a document, by which readers know it.
pub const SCHEMA: &str = "runstone.environment/1";
/// The member that an exported document has beside its own: the digest of those.
pub(crate) const DIGEST: &str = "digest";

/// Room for all of a document but its packages, in bytes, and for each of these. Chosen: one of 814
/// packages has 71,715 bytes, 88 a package; growing is copying.
const FACTS_BYTES: usize = 16 * 1024;
const PACKAGE_BYTES: usize = 128;

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
            source.packages.sort_unstable_by(|one, other| {
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
        // Each source is written once, where it stands: the canonical bytes of an object are those
        // of its members, and what lies about a source is hashed around it.
        let packages: usize = self.sources.values().map(|it| it.packages.len()).sum();
        let mut document = Vec::with_capacity(FACTS_BYTES + packages * PACKAGE_BYTES);
        document.extend_from_slice(br#"{"schema":"#);
        canon::write(&SCHEMA, &mut document);
        document.extend_from_slice(br#","sources":{"#);
        let names = self.sources.keys().map(|name| (name.as_str(), *name));
        let names: BTreeMap<&str, SourceName> = names.collect();
        let mut places: Vec<Range<usize>> = Vec::with_capacity(names.len());
        for (position, word) in names.keys().enumerate() {
            document.extend_from_slice(before_name(position));
            document.extend_from_slice(word.as_bytes());
            document.extend_from_slice(br#"":"#);
            let start = document.len();
            canon::write(&json["sources"][*word], &mut document);
            places.push(start..document.len());
        }
        document.extend_from_slice(b"}}");
        let mut sources = BTreeMap::new();
        let mut by_scope: BTreeMap<Scope, Vec<[&[u8]; 4]>> = BTreeMap::new();
        for ((word, name), place) in names.into_iter().zip(places) {
            let bytes = &document[place];
            sources.insert(name, Digest::of_named(word, bytes));
            let members = by_scope.entry(name.scope()).or_default();
            members.push([before_name(members.len()), word.as_bytes(), br#"":"#, bytes]);
        }
        let scopes = by_scope.into_iter().map(|(scope, members)| {
            let name = format!("scope.{}", scope.as_str());
            let members = members.iter().flatten().copied();
            let parts = [b"{".as_slice()]
                .into_iter()
                .chain(members)
                .chain([b"}".as_slice()]);
            (scope, Digest::of_parts(&name, parts))
        });
        let digests = Digests {
            environment: Digest::of(&document),
            scopes: scopes.collect(),
            sources,
        };
        (document, digests)
    }
}

/// Returns what stands before the name of a member, which is a plain word.
fn before_name(position: usize) -> &'static [u8] {
    if position == 0 { br#"""# } else { br#",""# }
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
    fn digest_of_a_scope_is_the_one_of_all_its_sources() {
        let mut environment = environment();
        for name in [SourceName::Apt, SourceName::Npm, SourceName::Rpm] {
            let source = Source::without_facts(State::Absent);
            environment.sources.insert(name, source);
        }
        let (bytes, digests) = environment.written(&environment.to_json());
        let json = environment.to_json();
        assert_eq!(bytes, canon::bytes(&json));
        for (scope, digest) in digests.scopes {
            let names = environment
                .sources
                .keys()
                .map(|name| (name.scope(), name.as_str()));
            let here = names.filter(|(of, _)| *of == scope);
            let members: Map<String, Value> = here
                .map(|(_, name)| (name.to_owned(), json["sources"][name].clone()))
                .collect();
            let name = format!("scope.{}", scope.as_str());
            assert_eq!(digest, Digest::of_named(&name, &canon::bytes(&members)));
        }
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
