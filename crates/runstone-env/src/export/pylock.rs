//! `pylock.toml`: what a package manager is asked to lock, and its answer held against that.
//!
//! What is installed does not know the hashes of its archives, the index does. So the lock itself
//! is made by uv or pip, and here is what is decided of it: which distributions are asked for, in
//! which words, and whether the answer is one to that. Starting a program is left to the ledger.
//! The invariant: a lock names what was asked for, each at its version, and nothing else; what an
//! index cannot vouch for (a working folder, a repository, an address) is left out and named.
//!
//! # Source
//! PEP 751; `uv pip compile --help` of uv 0.13, `pip lock --help` of pip 25.1.

use std::collections::BTreeSet;

use runstone_core::digest::Digest;
use serde::Deserialize;
use serde_json::Value;

use super::requirements::line;
use super::{Export, LeftOut, NotExported, source};
use crate::document::{Environment, Package, Source};
use crate::grammar;
use crate::names::{SourceName, State};

/// The word that stands for the format.
pub const WORD: &str = "pylock";
/// How such a file is called.
const FILE: &str = "pylock.toml";
/// The newest version of glibc for which uv knows a platform by name.
const GLIBC_MINOR_MAX: u32 = 40;
/// The oldest one.
const GLIBC_MINOR_MIN: u32 = 17;

/// What is to be locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The environment.
    digest: Digest,
    is_partial: bool,
    /// The version of its Python, as far as it is known.
    python: Option<String>,
    /// The platform, as uv calls it.
    platform: Option<String>,
    wanted: BTreeSet<Wanted>,
    left_out: Vec<LeftOut>,
}

/// A distribution at a version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    name: String,
    version: String,
}

/// Why an answer is no lock of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotLocked {
    /// It is no `pylock.toml`.
    #[error("line {line} is not as expected in a `pylock.toml`: {what}")]
    NotRead {
        /// Its line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// It names something else.
    #[error("{item} is {what}")]
    Other {
        /// What.
        item: String,
        /// How it stands to what was asked for.
        what: &'static str,
    },
}

impl Lock {
    /// Returns what is to be locked of an environment.
    ///
    /// # Errors
    /// [`NotExported`] if its Python was not read.
    pub fn of(environment: &Environment) -> Result<Self, NotExported> {
        let python = source(environment, WORD, SourceName::Python)?;
        let mut lock = Self {
            digest: environment.digests().environment,
            is_partial: python.state == State::Partial,
            python: fact(python, "version")
                .filter(|it| grammar::is_python_version(it))
                .map(ToOwned::to_owned),
            platform: platform(environment),
            wanted: BTreeSet::new(),
            left_out: Vec::new(),
        };
        for package in &python.packages {
            if package.facts.get("shadowed") == Some(&Value::Bool(true)) {
                continue;
            }
            match wanted(package) {
                Ok(wanted) => {
                    lock.wanted.insert(wanted);
                }
                Err(reason) => lock.leave_out(&package.name, &package.version, reason),
            }
        }
        Ok(lock)
    }

    /// Tells whether there is nothing to ask for.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Returns what is asked for, one to a line.
    pub fn requirements(&self) -> String {
        self.wanted.iter().map(|it| it.words() + "\n").collect()
    }

    /// Returns the words for uv, which reads what is asked for on its standard input. Nothing is
    /// resolved beyond it, and nothing is built: that would run code of the distributions.
    pub fn words_for_uv(&self) -> Vec<String> {
        let mut words = [
            "pip",
            "compile",
            "--no-deps",
            "--format",
            "pylock.toml",
            "--only-binary",
            ":all:",
            "--no-header",
            "--no-annotate",
            "--no-python-downloads",
            "--quiet",
            "--color",
            "never",
        ]
        .map(ToOwned::to_owned)
        .to_vec();
        for (option, value) in [
            ("--python-version", &self.python),
            ("--python-platform", &self.platform),
        ] {
            if let Some(value) = value {
                words.extend([option.to_owned(), value.clone()]);
            }
        }
        words.push("-".to_owned());
        words
    }

    /// Returns the words for pip.
    pub fn words_for_pip(&self) -> Vec<String> {
        let mut words = [
            "lock",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--no-input",
            "--disable-pip-version-check",
            "--quiet",
            "--output",
            "-",
            "--",
        ]
        .map(ToOwned::to_owned)
        .to_vec();
        words.extend(self.wanted.iter().map(Wanted::words));
        words
    }

    /// Tells whether a pip that says `version` of itself can lock this: it locks for the Python it
    /// runs in and no other, and cannot lock at all before 25.1.
    pub fn suits_pip(&self, version: &str) -> bool {
        // `pip 25.1.1 from /usr/lib/… (python 3.12)`
        let mut words = version.split_whitespace().skip(1);
        let release = words.next().unwrap_or_default();
        let python = version.rsplit_once("(python ").map(|(_, it)| it.trim_end());
        let python = python.and_then(|it| it.strip_suffix(')'));
        let mut numbers = release.split('.').map_while(|it| it.parse::<u32>().ok());
        let release = (numbers.next(), numbers.next().unwrap_or(0));
        let locks = release.0.is_some_and(|major| (major, release.1) >= (25, 1));
        locks && python.is_some() && python == self.python.as_deref().and_then(minor)
    }

    /// Leaves out what no index has, named as a manager names it: `numpy==2.1.0`. Returns whether
    /// that was asked for.
    pub fn is_gone(&mut self, item: &str) -> bool {
        let found = self.wanted.iter().find(|it| it.is_called(item)).cloned();
        let Some(found) = found else {
            return false;
        };
        self.wanted.remove(&found);
        let reason = "no index that was asked has a wheel of it for this Python and platform";
        self.leave_out(&found.name, &found.version, reason);
        true
    }

    /// Returns the export, given what a manager answered; `by` names it.
    ///
    /// # Errors
    /// [`NotLocked`] if the answer is none, or one to something else.
    pub fn answered(mut self, by: &str, answer: &str) -> Result<Export, NotLocked> {
        let mut missing = self.wanted.clone();
        for found in read(answer)? {
            let words = found.words();
            let asked = missing.iter().find(|it| it.is_called(&words)).cloned();
            if !asked.is_some_and(|it| missing.remove(&it)) {
                return Err(NotLocked::Other {
                    item: words.escape_debug().to_string(),
                    what: "locked, and was not asked for",
                });
            }
        }
        if let Some(lacking) = missing.pop_first() {
            return Err(NotLocked::Other {
                item: lacking.words(),
                what: "asked for, and is not locked",
            });
        }
        self.left_out.sort();
        Ok(Export::of_one(
            FILE,
            self.heading(by) + answer,
            self.left_out,
        ))
    }

    /// Returns the export of an environment of which nothing can be locked.
    pub fn of_nothing(mut self) -> Export {
        self.left_out.sort();
        let text = "lock-version = \"1.0\"\ncreated-by = \"runstone\"\npackages = []\n";
        Export::of_one(FILE, self.heading("nobody") + text, self.left_out)
    }

    fn heading(&self, by: &str) -> String {
        let partly = if self.is_partial {
            ", of which not everything was read"
        } else {
            ""
        };
        format!("# environment {}{partly}\n# locked by {by}\n", self.digest)
    }

    fn leave_out(&mut self, name: &str, version: &str, reason: &str) {
        self.left_out.push(LeftOut {
            source: SourceName::Python,
            item: format!("{name} {version}"),
            reason: reason.to_owned(),
        });
    }
}

impl Wanted {
    fn words(&self) -> String {
        format!("{}=={}", self.name, self.version)
    }

    /// Tells whether a manager means this one: it writes names and versions in its own form.
    fn is_called(&self, item: &str) -> bool {
        let (name, version) = item.split_once("==").unwrap_or((item, &self.version));
        grammar::python_name(name.trim()) == self.name && is_same(version.trim(), &self.version)
    }
}

/// Returns what is asked for of a distribution, or why nothing is.
fn wanted(package: &Package) -> Result<Wanted, &'static str> {
    // What no list may say is not asked for either.
    line(package)?;
    let has = |name: &str| package.facts.contains_key(name);
    if package.facts.get("editable") == Some(&Value::Bool(true)) {
        return Err("it is a folder that somebody works in, which has no archive");
    }
    if has("vcs") {
        return Err("it came from a repository, and locking it would build it");
    }
    if has("url") {
        return Err("it came from an address, which is not asked");
    }
    Ok(Wanted {
        name: package.name.clone(),
        version: package.version.clone(),
    })
}

/// Returns the platform as uv calls it. `None`: uv takes the one it runs on.
fn platform(environment: &Environment) -> Option<String> {
    let of = |source, name| {
        environment
            .sources
            .get(&source)
            .and_then(|it| fact(it, name))
    };
    let machine = of(SourceName::Kernel, "machine")?;
    let (major, minor) = of(SourceName::Os, "libc_version")?.split_once('.')?;
    let minor = minor.split('.').next()?.parse::<u32>().ok()?;
    let is_known = matches!(machine, "x86_64" | "aarch64")
        && of(SourceName::Os, "libc") == Some("glibc")
        && major == "2"
        && minor >= GLIBC_MINOR_MIN;
    is_known.then(|| {
        let minor = match minor.min(GLIBC_MINOR_MAX) {
            ..28 => GLIBC_MINOR_MIN,
            28..31 => 28,
            minor => minor,
        };
        format!("{machine}-manylinux_2_{minor}")
    })
}

fn fact<'s>(source: &'s Source, name: &str) -> Option<&'s str> {
    source.facts.get(name).and_then(Value::as_str)
}

/// Returns `3.11` of `3.11.7`.
fn minor(version: &str) -> Option<&str> {
    let (major, rest) = version.split_once('.')?;
    let minor = rest.split('.').next()?;
    version.get(..major.len() + 1 + minor.len())
}

/// Tells whether two texts are the same version: `1.0` is `1.0.0`.
fn is_same(one: &str, other: &str) -> bool {
    let read = |text: &str| text.parse::<pep440_rs::Version>();
    one == other || matches!((read(one), read(other)), (Ok(one), Ok(other)) if one == other)
}

/// What of a `pylock.toml` is held against what was asked for. The rest is the manager's.
#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(rename = "lock-version")]
    lock_version: String,
    #[serde(default)]
    packages: Vec<Answered>,
}

/// A distribution of it.
#[derive(Debug, Deserialize)]
struct Answered {
    name: String,
    version: Option<String>,
}

/// Reads which distributions a lock names.
fn read(answer: &str) -> Result<Vec<Wanted>, NotLocked> {
    let read: Answer = toml::from_str(answer).map_err(|error| {
        let before = error.span().and_then(|it| answer.get(..it.start));
        NotLocked::NotRead {
            line: before.unwrap_or_default().lines().count().max(1),
            what: error.message().to_owned(),
        }
    })?;
    if !read.lock_version.starts_with("1.") {
        return Err(NotLocked::NotRead {
            line: 1,
            what: format!(
                "its version is {}, and 1 is known",
                read.lock_version.escape_debug()
            ),
        });
    }
    let wanted = |it: Answered| Wanted {
        name: it.name,
        version: it.version.unwrap_or_default(),
    };
    Ok(read.packages.into_iter().map(wanted).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn distribution(name: &str, version: &str, facts: Value) -> Package {
        Package {
            facts: serde_json::from_value(facts).unwrap(),
            ..Package::new(name, version)
        }
    }

    fn machine(packages: Vec<Package>) -> Environment {
        let captured = |facts: Value| Source {
            facts: serde_json::from_value(facts).unwrap(),
            ..Source::without_facts(State::Captured)
        };
        let python = Source {
            packages,
            ..captured(json!({ "version": "3.11.7" }))
        };
        let sources = [
            (SourceName::Python, python),
            (SourceName::Kernel, captured(json!({ "machine": "x86_64" }))),
            (
                SourceName::Os,
                captured(json!({ "libc": "glibc", "libc_version": "2.36" })),
            ),
        ];
        Environment {
            sources: sources.into(),
        }
    }

    fn two() -> Lock {
        Lock::of(&machine(vec![
            distribution("numpy", "2.1.0", json!({})),
            distribution("attrs", "23.2", json!({})),
        ]))
        .unwrap()
    }

    const ANSWER: &str = "lock-version = \"1.0\"\ncreated-by = \"uv\"\n\
        [[packages]]\nname = \"attrs\"\nversion = \"23.2.0\"\n\
        wheels = [{ url = \"https://files/attrs.whl\", hashes = { sha256 = \"00\" } }]\n\
        [[packages]]\nname = \"numpy\"\nversion = \"2.1.0\"\n";

    #[test]
    fn only_what_an_index_can_vouch_for_is_asked_for() {
        let commit = "9f3c1ab".repeat(6)[..40].to_owned();
        let lock = Lock::of(&machine(vec![
            distribution("numpy", "2.1.0", json!({})),
            distribution("attrs", "23.2.0", json!({ "shadowed": true })),
            distribution(
                "mine",
                "1",
                json!({ "url": "file:///srv/mine", "editable": true }),
            ),
            distribution(
                "forked",
                "2",
                json!({ "url": "https://host/x.git", "vcs": "git", "commit_id": commit }),
            ),
            distribution("wheel", "3", json!({ "url": "https://host/wheel-3.whl" })),
            distribution("--index-url=https://x", "1", json!({})),
        ]))
        .unwrap();
        assert_eq!(lock.requirements(), "numpy==2.1.0\n");
        let left_out: Vec<&str> = lock.left_out.iter().map(|it| it.item.as_str()).collect();
        assert_eq!(
            left_out,
            ["mine 1", "forked 2", "wheel 3", "--index-url=https://x 1"]
        );
    }

    #[test]
    fn uv_is_told_the_python_and_the_platform_of_the_environment() {
        let words = two().words_for_uv().join(" ");
        assert!(
            words.ends_with("--python-version 3.11.7 --python-platform x86_64-manylinux_2_36 -"),
            "{words}"
        );
        assert!(words.contains("--only-binary :all:"), "{words}");
        // Of another C library uv takes the platform it runs on.
        let mut musl = machine(Vec::new());
        let os = musl.sources.get_mut(&SourceName::Os).unwrap();
        os.facts.insert("libc".to_owned(), json!("musl"));
        let words = Lock::of(&musl).unwrap().words_for_uv().join(" ");
        assert!(!words.contains("--python-platform"), "{words}");
    }

    #[test]
    fn pip_is_asked_where_it_can_lock_and_runs_in_the_same_python() {
        let said = |release: &str, python: &str| {
            format!("pip {release} from /usr/lib/python3/pip (python {python})\n")
        };
        let lock = two();
        assert!(lock.suits_pip(&said("25.1", "3.11")));
        assert!(lock.suits_pip(&said("26.0.1", "3.11")));
        assert!(!lock.suits_pip(&said("25.0.1", "3.11")));
        assert!(!lock.suits_pip(&said("23.2.1", "3.11")));
        assert!(!lock.suits_pip(&said("25.1", "3.12")));
        assert!(!lock.suits_pip("pip something else"));
        assert!(lock.words_for_pip().ends_with(&[
            "--".to_owned(),
            "attrs==23.2".to_owned(),
            "numpy==2.1.0".to_owned()
        ]));
    }

    #[test]
    fn answer_is_a_lock_of_what_was_asked_for_or_none() {
        let export = two().answered("uv 0.13", ANSWER).unwrap();
        let text = &export.parts[0].text;
        assert!(text.starts_with("# environment "), "{text}");
        assert!(
            text.ends_with(&format!("# locked by uv 0.13\n{ANSWER}")),
            "{text}"
        );
        let said = |lock: Lock, answer: &str| lock.answered("uv", answer).unwrap_err().to_string();
        let shorter = ANSWER.rsplit_once("[[packages]]").unwrap().0;
        assert_eq!(
            said(two(), shorter),
            "numpy==2.1.0 is asked for, and is not locked"
        );
        let more = format!("{ANSWER}[[packages]]\nname = \"evil\"\nversion = \"1\"\n");
        assert_eq!(
            said(two(), &more),
            "evil==1 is locked, and was not asked for"
        );
        let other = ANSWER.replace("2.1.0", "2.1.1");
        assert_eq!(
            said(two(), &other),
            "numpy==2.1.1 is locked, and was not asked for"
        );
        let no_table = "lock-version = \"1.0\"\npackages = 7\n";
        assert!(said(two(), no_table).starts_with("line 2 is not as expected"));
        let newer = ANSWER.replace("\"1.0\"", "\"2.0\"");
        assert!(said(two(), &newer).ends_with("its version is 2.0, and 1 is known"));
    }

    #[test]
    fn what_no_index_has_is_left_out_and_named() {
        let mut lock = two();
        assert!(lock.is_gone("Attrs==23.2.0"));
        assert!(!lock.is_gone("attrs==23.2.0"));
        assert!(!lock.is_gone("numpy==1.0"));
        assert_eq!(lock.requirements(), "numpy==2.1.0\n");
        assert!(lock.is_gone("numpy"));
        assert!(lock.is_empty());
        let export = lock.of_nothing();
        let items: Vec<&str> = export.left_out.iter().map(|it| it.item.as_str()).collect();
        assert_eq!(items, ["attrs 23.2", "numpy 2.1.0"]);
        assert_eq!(read(&export.parts[0].text), Ok(Vec::new()));
    }
}
