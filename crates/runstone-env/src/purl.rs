//! Package URLs: the name by which others know a package.
//!
//! Written where the ecosystem has one name for it everywhere. The invariant: a package that came
//! from a folder of this machine has none, since scanners would take it for another's of that name.
//! Which packages there are is left to the sources.
//!
//! # Source
//! <https://github.com/package-url/purl-spec>, `types/*-definition.json`.

use packageurl::PackageUrl;
use serde_json::Value;

use crate::document::{Environment, Package};
use crate::names::SourceName;

/// Where cargo takes crates from that are known by their name alone.
const CRATES: [&str; 2] = [
    "registry+https://github.com/rust-lang/crates.io-index",
    "sparse+https://index.crates.io/",
];

/// The distribution that packages of a system are named within.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Distribution<'e> {
    pub(crate) id: &'e str,
    pub(crate) release: Option<&'e str>,
}

impl<'e> Distribution<'e> {
    /// Returns the distribution, where the document knows it.
    pub(crate) fn of(environment: &'e Environment) -> Option<Self> {
        let os = environment.sources.get(&SourceName::Os)?;
        let release = os.facts.get("release")?;
        let field = |name: &str| release.get(name).and_then(Value::as_str);
        Some(Self {
            id: field("id").filter(|it| !it.is_empty())?,
            release: field("version_id"),
        })
    }
}

/// Returns the URL of a package, if it has one.
pub(crate) fn of(
    package: &Package,
    source: SourceName,
    distribution: Option<Distribution<'_>>,
) -> Option<String> {
    let purl = match source {
        SourceName::Apk => of_system("apk", package, distribution),
        SourceName::Dpkg => of_system("deb", package, distribution),
        SourceName::Pacman => of_system("alpm", package, distribution),
        SourceName::Rpm => of_rpm(package, distribution),
        SourceName::Cargo => of_cargo(package),
        SourceName::Conda => of_conda(package),
        SourceName::Npm | SourceName::Pnpm | SourceName::Yarn => of_npm(package),
        SourceName::Python => of_python(package),
        SourceName::R => of_r(package),
        SourceName::Apt
        | SourceName::Cpu
        | SourceName::Gpu
        | SourceName::Kernel
        | SourceName::Modules
        | SourceName::Os
        | SourceName::Variables => None,
    }?;
    purl.validate().ok()?;
    Some(purl.to_string())
}

fn plain<'p>(kind: &'static str, name: &'p str, version: &'p str) -> Option<PackageUrl<'p>> {
    let mut purl = PackageUrl::new(kind, name).ok()?;
    if !version.is_empty() {
        purl.with_version(version).ok()?;
    }
    Some(purl)
}

fn of_system<'p>(
    kind: &'static str,
    package: &'p Package,
    distribution: Option<Distribution<'p>>,
) -> Option<PackageUrl<'p>> {
    of_distribution(
        plain(kind, &package.name, &package.version)?,
        package,
        distribution,
    )
}

/// Adds what a package of a distribution is known by beside its name.
fn of_distribution<'p>(
    mut purl: PackageUrl<'p>,
    package: &'p Package,
    distribution: Option<Distribution<'p>>,
) -> Option<PackageUrl<'p>> {
    // Without it nobody knows whose package of that name it is.
    let distribution = distribution?;
    purl.with_namespace(distribution.id).ok()?;
    if let Some(arch) = &package.arch {
        purl.add_qualifier("arch", arch.as_str()).ok()?;
    }
    if let Some(release) = distribution.release {
        let named = format!("{}-{release}", distribution.id);
        purl.add_qualifier("distro", named).ok()?;
    }
    Some(purl)
}

/// The epoch is no part of rpm's version here.
fn of_rpm<'p>(
    package: &'p Package,
    distribution: Option<Distribution<'p>>,
) -> Option<PackageUrl<'p>> {
    let (epoch, version) = match package.version.split_once(':') {
        Some((epoch, version)) => (Some(epoch), version),
        None => (None, package.version.as_str()),
    };
    let mut purl = plain("rpm", &package.name, version)?;
    if let Some(epoch) = epoch {
        purl.add_qualifier("epoch", epoch).ok()?;
    }
    of_distribution(purl, package, distribution)
}

fn of_cargo(package: &Package) -> Option<PackageUrl<'_>> {
    let from = fact(package, "from")?;
    let mut purl = plain("cargo", &package.name, &package.version)?;
    if CRATES.contains(&from) {
        return Some(purl);
    }
    // `git+https://host/x?rev=…#commit`; a folder of this machine (`path+file://`) is no origin.
    let address = from.strip_prefix("git+")?;
    let (address, commit) = address.split_once('#')?;
    let address = address.split('?').next().unwrap_or(address);
    purl.add_qualifier("vcs_url", format!("git+{address}@{commit}"))
        .ok()?;
    Some(purl)
}

fn of_conda(package: &Package) -> Option<PackageUrl<'_>> {
    let mut purl = plain("conda", &package.name, &package.version)?;
    let subdir = fact(package, "subdir");
    for (key, value) in [("build", fact(package, "build")), ("subdir", subdir)] {
        if let Some(value) = value {
            purl.add_qualifier(key, value).ok()?;
        }
    }
    if let Some(channel) = fact(package, "channel") {
        purl.add_qualifier("channel", channel_name(channel, subdir))
            .ok()?;
    }
    let archive = fact(package, "url").unwrap_or_default();
    for kind in ["conda", "tar.bz2"] {
        if archive
            .strip_suffix(kind)
            .is_some_and(|it| it.ends_with('.'))
        {
            purl.add_qualifier("type", kind).ok()?;
        }
    }
    Some(purl)
}

/// Returns the name of a channel that is given by its address.
fn channel_name(channel: &str, subdir: Option<&str>) -> String {
    let name = match channel.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or(rest, |(_, path)| path),
        None => channel,
    };
    let name = name.trim_end_matches('/');
    let without = subdir.and_then(|subdir| name.strip_suffix(subdir)?.strip_suffix('/'));
    without.unwrap_or(name).to_owned()
}

/// A package that was asked for by an address, a folder or another name is not the registry's of
/// that name.
fn of_npm(package: &Package) -> Option<PackageUrl<'_>> {
    if ["link", "from"]
        .iter()
        .any(|it| package.facts.contains_key(*it))
    {
        return None;
    }
    let scoped = package.name.split_once('/');
    let (scope, name) = match scoped {
        Some((scope, name)) => (Some(scope), name),
        None => (None, package.name.as_str()),
    };
    let mut purl = plain("npm", name, &package.version)?;
    if let Some(scope) = scope {
        purl.with_namespace(scope).ok()?;
    }
    Some(purl)
}

fn of_python(package: &Package) -> Option<PackageUrl<'_>> {
    let mut purl = plain("pypi", &package.name, &package.version)?;
    let Some(address) = fact(package, "url") else {
        return Some(purl);
    };
    if package.facts.contains_key("editable") || address.starts_with("file:") {
        return None;
    }
    match (fact(package, "vcs"), fact(package, "commit_id")) {
        (Some(system), Some(commit)) => {
            let address = format!("{system}+{address}@{commit}");
            purl.add_qualifier("vcs_url", address).ok()?;
        }
        (Some(_), None) => return None,
        (None, _) => {
            purl.add_qualifier("download_url", address).ok()?;
            let hash = package.facts.get("hashes").and_then(|it| it.get("sha256"));
            if let Some(hash) = hash.and_then(Value::as_str) {
                let checksum = format!("sha256:{hash}");
                purl.add_qualifier("checksum", checksum).ok()?;
            }
        }
    }
    Some(purl)
}

/// Packages of R that came from CRAN; those of R itself have no repository.
fn of_r(package: &Package) -> Option<PackageUrl<'_>> {
    let is_cran = fact(package, "repository") == Some("CRAN");
    plain("cran", &package.name, &package.version).filter(|_| is_cran)
}

fn fact<'p>(package: &'p Package, name: &str) -> Option<&'p str> {
    package.facts.get(name)?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DEBIAN: Distribution<'_> = Distribution {
        id: "debian",
        release: Some("12"),
    };

    fn package(name: &str, version: &str, arch: Option<&str>, facts: Value) -> Package {
        Package {
            arch: arch.map(ToOwned::to_owned),
            facts: serde_json::from_value(facts).unwrap(),
            ..Package::new(name, version)
        }
    }

    /// Each with the URL that the specification, or a tool that follows it, has for it.
    fn cases() -> Vec<(SourceName, Package, &'static str)> {
        let none = || json!({});
        vec![
            (
                SourceName::Dpkg,
                package("libc6", "2:2.36-9+deb12u9", Some("amd64"), none()),
                "pkg:deb/debian/libc6@2:2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12",
            ),
            (
                SourceName::Dpkg,
                package("g++", "4:12.2.0-3", Some("amd64"), none()),
                "pkg:deb/debian/g%2B%2B@4:12.2.0-3?arch=amd64&distro=debian-12",
            ),
            (
                SourceName::Rpm,
                package("curl", "1:7.50.3-1.fc25", Some("i386"), none()),
                "pkg:rpm/debian/curl@7.50.3-1.fc25?arch=i386&distro=debian-12&epoch=1",
            ),
            (
                SourceName::Python,
                package("ruamel-yaml", "0.18.6+local", None, none()),
                "pkg:pypi/ruamel-yaml@0.18.6%2Blocal",
            ),
            (
                SourceName::Python,
                package(
                    "fromgit",
                    "2.0",
                    None,
                    json!({ "url": "https://host/r.git", "vcs": "git", "commit_id": "0123456" }),
                ),
                "pkg:pypi/fromgit@2.0?vcs_url=git%2Bhttps:%2F%2Fhost%2Fr.git%400123456",
            ),
            (
                SourceName::Conda,
                package(
                    "absl-py",
                    "0.4.1",
                    None,
                    json!({
                        "build": "py36h06a4308_0", "subdir": "linux-64",
                        "channel": "https://repo.anaconda.com/pkgs/main/linux-64",
                        "url": "https://repo.anaconda.com/pkgs/main/linux-64/absl-py-0.4.1.tar.bz2",
                    }),
                ),
                "pkg:conda/absl-py@0.4.1?build=py36h06a4308_0&channel=pkgs%2Fmain&subdir=linux-64&type=tar.bz2",
            ),
            (
                SourceName::Npm,
                package("@angular/animation", "12.3.1", None, none()),
                "pkg:npm/%40angular/animation@12.3.1",
            ),
            (
                SourceName::Pnpm,
                package("cowsay", "1.6.0", None, none()),
                "pkg:npm/cowsay@1.6.0",
            ),
            (
                SourceName::Yarn,
                package("@team/tool", "2.0.0", None, none()),
                "pkg:npm/%40team/tool@2.0.0",
            ),
            (
                SourceName::Cargo,
                package(
                    "just",
                    "1.40.0",
                    None,
                    json!({ "from": "registry+https://github.com/rust-lang/crates.io-index" }),
                ),
                "pkg:cargo/just@1.40.0",
            ),
            (
                SourceName::R,
                package("A3", "1.0.0", None, json!({ "repository": "CRAN" })),
                "pkg:cran/A3@1.0.0",
            ),
        ]
    }

    #[test]
    fn packages_are_called_as_the_specification_calls_them() {
        for (source, package, expected) in cases() {
            assert_eq!(
                of(&package, source, Some(DEBIAN)).as_deref(),
                Some(expected)
            );
        }
    }

    #[test]
    fn what_only_this_machine_has_is_called_nothing() {
        let nameless = [
            (
                SourceName::Python,
                json!({ "url": "file:///srv/mine", "editable": true }),
            ),
            (SourceName::Python, json!({ "url": "file:///srv/a.whl" })),
            (
                SourceName::Python,
                json!({ "url": "https://h/x", "vcs": "git" }),
            ),
            (SourceName::Npm, json!({ "link": true })),
            (
                SourceName::Pnpm,
                json!({ "link": true, "from": "link:/srv/x" }),
            ),
            (SourceName::Yarn, json!({ "from": "file:/srv/x.tgz" })),
            (SourceName::Cargo, json!({ "from": "path+file:///srv/x" })),
            (SourceName::R, json!({})),
            (SourceName::Modules, json!({})),
        ];
        for (source, facts) in nameless {
            let package = package("mine", "1", None, facts);
            assert_eq!(of(&package, source, Some(DEBIAN)), None, "{package:?}");
        }
        let of_nobody = package("libc6", "1", Some("amd64"), json!({}));
        assert_eq!(of(&of_nobody, SourceName::Dpkg, None), None);
    }
}
