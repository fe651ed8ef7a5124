//! Package URLs, read: whose package it is, and what its URL says of it.
//!
//! The invariant: what a URL does not say is not known of the package. How they are written is
//! left to `purl`.
//!
//! # Source
//! <https://github.com/package-url/purl-spec>, `types/*-definition.json`.

use std::str::FromStr as _;

use packageurl::PackageUrl;
use serde_json::{Map, Value};

use crate::document::Package;
use crate::grammar;
use crate::names::SourceName;

/// The systems of version control that addresses begin with.
const SYSTEMS: [&str; 4] = ["bzr", "git", "hg", "svn"];

/// Why a URL names no package of an environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoPackage {
    #[error("its package URL cannot be read")]
    Unreadable,
    #[error("no source here has packages of `{kind}`")]
    OtherKind { kind: String },
    #[error("its package URL names no version")]
    NoVersion,
}

/// Reads a URL: whose package it is, and what the URL says of it.
pub(super) fn read(text: &str) -> Result<(SourceName, Package), NoPackage> {
    let purl = PackageUrl::from_str(text).map_err(|_what_is_wrong| NoPackage::Unreadable)?;
    let source = match purl.ty() {
        "alpm" => SourceName::Pacman,
        "apk" => SourceName::Apk,
        "cargo" => SourceName::Cargo,
        "conda" => SourceName::Conda,
        "cran" => SourceName::R,
        "deb" => SourceName::Dpkg,
        "npm" => SourceName::Npm,
        "pypi" => SourceName::Python,
        "rpm" => SourceName::Rpm,
        kind => {
            return Err(NoPackage::OtherKind {
                kind: kind.to_owned(),
            });
        }
    };
    let version = purl.version().filter(|it| !it.is_empty());
    let version = version.ok_or(NoPackage::NoVersion)?;
    let qualifier = |name: &str| purl.qualifiers().get(name).map(|value| &**value);
    let name = match (source, purl.namespace()) {
        (SourceName::Npm, Some(scope)) => format!("{scope}/{}", purl.name()),
        (SourceName::Python, _) => grammar::python_name(purl.name()),
        _ => purl.name().to_owned(),
    };
    let mut package = Package::new(name, version);
    match source {
        SourceName::Apk | SourceName::Dpkg | SourceName::Pacman | SourceName::Rpm => {
            package.arch = qualifier("arch").map(ToOwned::to_owned);
        }
        SourceName::Conda => {
            // A channel goes by many names; the address of an archive says which is meant.
            for name in ["build", "subdir"] {
                tell(&mut package.facts, name, qualifier(name));
            }
        }
        SourceName::Python => origin(&mut package.facts, &qualifier),
        _ => {}
    }
    if source == SourceName::Rpm
        && let Some(epoch) = qualifier("epoch").filter(|it| *it != "0")
    {
        package.version = format!("{epoch}:{version}");
    }
    Ok((source, package))
}

/// Adds where a distribution of Python came from, if not from an index.
fn origin<'q>(facts: &mut Map<String, Value>, qualifier: &dyn Fn(&str) -> Option<&'q str>) {
    if let Some(address) = qualifier("vcs_url") {
        let system = address.split_once('+');
        let system = system.filter(|(system, _)| SYSTEMS.contains(system));
        let revision = system.and_then(|(system, address)| {
            let (address, commit) = address.rsplit_once('@')?;
            grammar::is_hex(commit, 7..=64).then_some((system, address, commit))
        });
        if let Some((system, address, commit)) = revision {
            tell(facts, "vcs", Some(system));
            tell(facts, "url", Some(address));
            tell(facts, "commit_id", Some(commit));
        }
    } else if let Some(address) = qualifier("download_url") {
        tell(facts, "url", Some(address));
        let checksum = qualifier("checksum").and_then(|it| it.strip_prefix("sha256:"));
        if let Some(hash) = checksum.filter(|it| grammar::is_hex(it, 64..=64)) {
            facts.insert("hashes".to_owned(), serde_json::json!({ "sha256": hash }));
        }
    }
}

fn tell(facts: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        facts.insert(name.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::{Environment, Source};
    use crate::names::State;
    use crate::purl::{self, Distribution};

    #[test]
    fn url_says_source_name_version_architecture_and_origin() {
        let cases = [
            (
                "pkg:deb/debian/libc6@2:2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12",
                ("dpkg", "libc6", "2:2.36-9+deb12u9", Some("amd64")),
                json!({}),
            ),
            (
                "pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386&epoch=1",
                ("rpm", "curl", "1:7.50.3-1.fc25", Some("i386")),
                json!({}),
            ),
            (
                "pkg:rpm/fedora/curl@7.50.3-1.fc25?epoch=0",
                ("rpm", "curl", "7.50.3-1.fc25", None),
                json!({}),
            ),
            (
                "pkg:pypi/ruamel.yaml@0.18.6",
                ("python", "ruamel-yaml", "0.18.6", None),
                json!({}),
            ),
            (
                "pkg:pypi/a@2.0?vcs_url=git%2Bhttps:%2F%2Fhost%2Fr.git%400123456",
                ("python", "a", "2.0", None),
                json!({ "vcs": "git", "url": "https://host/r.git", "commit_id": "0123456" }),
            ),
            (
                "pkg:pypi/a@2.0?vcs_url=ext%2Bhttps:%2F%2Fhost%2Fr.git%40main",
                ("python", "a", "2.0", None),
                json!({}),
            ),
            (
                "pkg:conda/absl-py@0.4.1?build=py36_0&channel=main&subdir=linux-64",
                ("conda", "absl-py", "0.4.1", None),
                json!({ "build": "py36_0", "subdir": "linux-64" }),
            ),
            (
                "pkg:npm/%40angular/animation@12.3.1",
                ("npm", "@angular/animation", "12.3.1", None),
                json!({}),
            ),
        ];
        for (purl, (source, name, version, arch), facts) in cases {
            let (read_source, package) = read(purl).unwrap();
            let found = (
                read_source.as_str(),
                package.name.as_str(),
                package.version.as_str(),
                package.arch.as_deref(),
            );
            assert_eq!(found, (source, name, version, arch), "{purl}");
            assert_eq!(Value::Object(package.facts), facts, "{purl}");
        }
    }

    #[test]
    fn url_that_names_no_package_says_why() {
        let refused = |text: &str| read(text).unwrap_err().to_string();
        assert_eq!(refused("libc6"), "its package URL cannot be read");
        assert_eq!(
            refused("pkg:golang/x@1"),
            "no source here has packages of `golang`"
        );
        assert_eq!(
            refused("pkg:pypi/numpy"),
            "its package URL names no version"
        );
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_again(
            name in "[ -~\n\u{1}é/]{1,12}", version in "[ -~\n]{1,12}"
        ) {
            let mut os = Source::without_facts(State::Captured);
            os.facts.insert("release".to_owned(), json!({ "id": "debian" }));
            let environment = Environment { sources: [(SourceName::Os, os)].into() };
            let distribution = Distribution::of(&environment);
            let given = Package::new(name.as_str(), version.as_str());
            if let Some(purl) = purl::of(&given, SourceName::Dpkg, distribution) {
                proptest::prop_assert!(purl.bytes().all(|it| it.is_ascii_graphic()), "{purl}");
                let is_same = read(&purl).is_ok_and(|(_, read)| {
                    read.name == given.name.to_lowercase() && read.version == given.version
                });
                // A slash leads elsewhere in a URL; no version and no name of Debian's has one.
                let is_odd = name.contains('/') || version.contains('/');
                proptest::prop_assert!(is_same || is_odd, "{purl}");
            }
        }
    }
}
