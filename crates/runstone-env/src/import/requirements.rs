//! `requirements.txt`: distributions of Python, each at its version.
//!
//! A wish (`numpy>=2`) is no environment, and refuses the file, with its line. A pin that says no
//! version (a commit, an editable folder), or that holds under a condition alone, is left out and
//! named. Options about where packages come from are passed over: they say nothing of what is
//! installed. The invariant: no other file that a line names is read.
//!
//! # Source
//! <https://pip.pypa.io/en/stable/reference/requirements-file-format/>; PEP 440, 508, 427 and 625
//! (names of archives).

use std::collections::BTreeMap;

use serde_json::json;

use super::lines::{BadLine, lines, quoted, without_comment};
use super::{Format, NotImported, Read};
use crate::document::Package;
use crate::names::SourceName;
use crate::{grammar, url};

/// Options that say where packages come from and how they are installed.
const PASSED_OVER: [&str; 13] = [
    "--extra-index-url",
    "--find-links",
    "--index-url",
    "--no-binary",
    "--no-index",
    "--only-binary",
    "--pre",
    "--prefer-binary",
    "--require-hashes",
    "--trusted-host",
    "--use-feature",
    "-f",
    "-i",
];
/// Options that name another file.
const OTHER_FILES: [&str; 4] = ["--constraint", "--requirement", "-c", "-r"];
/// Options before a folder that is worked on.
const EDITABLE: [&str; 2] = ["--editable", "-e"];
/// How archives of sources are called.
const SOURCES: [&str; 3] = [".tar.bz2", ".tar.gz", ".zip"];

/// What a line says.
#[derive(Debug, PartialEq)]
enum Said {
    /// A distribution at its version.
    Pin(Package),
    /// A distribution, and why it cannot be taken over.
    NotTaken(&'static str),
    /// Nothing about what is installed.
    Nothing,
}

pub(super) fn read(bytes: &[u8]) -> Result<Read, NotImported> {
    let mut read = Read::default();
    let mut bad = Vec::new();
    let mut seen: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for (number, line) in lines(bytes)? {
        let line = without_comment(&line);
        let place = format!("line {number}");
        match said(line) {
            Ok(Said::Nothing) => {}
            Ok(Said::NotTaken(reason)) => read.lacks(place, quoted(line), reason),
            Ok(Said::Pin(package)) => match seen.get(&package.name) {
                Some((version, _)) if *version == package.version => {}
                Some((version, first)) => bad.push(BadLine::new(
                    number,
                    line,
                    format!("line {first} pins it to {version}"),
                )),
                None => {
                    seen.insert(package.name.clone(), (package.version.clone(), number));
                    read.package(place, SourceName::Python, package);
                }
            },
            Err(reason) => bad.push(BadLine::new(number, line, reason)),
        }
    }
    if bad.is_empty() {
        return Ok(read);
    }
    Err(NotImported::Lines {
        format: Format::Requirements,
        lines: bad,
    })
}

fn said(line: &str) -> Result<Said, &'static str> {
    if line.is_empty() {
        return Ok(Said::Nothing);
    }
    if line.starts_with('-') {
        return option(line);
    }
    // What follows is about how it is installed, and which archives are allowed.
    let line = [" --", "\t--"].into_iter().fold(line, |line, mark| {
        line.split(mark).next().unwrap_or(line).trim_end()
    });
    let (named, address) = match line.split_once('@') {
        Some((named, address)) if is_named(named) => (named, Some(address.trim())),
        _ => (line, None),
    };
    if let Some(address) = address {
        return of_address(Some(name(named)?), address);
    }
    if line.contains("://") {
        return of_address(None, line);
    }
    let (pin, condition) = match line.split_once(';') {
        Some((pin, condition)) => (pin.trim_end(), Some(condition)),
        None => (line, None),
    };
    let (named, version) = pin
        .split_once("==")
        .ok_or("it is no pin: `name==version`")?;
    let version = version.strip_prefix('=').unwrap_or(version);
    let (named, version) = match (
        named.trim_end().strip_suffix('('),
        version.strip_suffix(')'),
    ) {
        (Some(named), Some(version)) => (named, version),
        _ => (named, version),
    };
    let version = version.trim();
    if !grammar::is_python_version(version) {
        return Err("it is no pin to one version");
    }
    let package = package(name(named)?, version);
    Ok(match condition {
        None => Said::Pin(package),
        Some(_) => Said::NotTaken("it holds under a condition, and nothing is asked here"),
    })
}

fn option(line: &str) -> Result<Said, &'static str> {
    let end = line.find(|it: char| it.is_whitespace() || it == '=');
    let option = &line[..end.unwrap_or(line.len())];
    if PASSED_OVER.contains(&option) {
        Ok(Said::Nothing)
    } else if EDITABLE.contains(&option) {
        Ok(Said::NotTaken(
            "which version is in a folder that is worked on, it does not say",
        ))
    } else if OTHER_FILES.contains(&option) {
        Err("it names another file: import that one by itself")
    } else {
        Err("it is an option that is not known here")
    }
}

/// Returns what an address says: the version stands in the name of the archive, or nowhere.
fn of_address(name: Option<&str>, address: &str) -> Result<Said, &'static str> {
    let (address, condition) = match address.split_once(" ;") {
        Some((address, condition)) => (address.trim_end(), Some(condition)),
        None => (address, None),
    };
    if !address.contains("://") || address.contains(char::is_whitespace) {
        return Err("it is no address");
    }
    if condition.is_some() {
        return Ok(Said::NotTaken(
            "it holds under a condition, and nothing is asked here",
        ));
    }
    let scheme = address.split("://").next().unwrap_or_default();
    if scheme.contains('+') {
        return Ok(Said::NotTaken(
            "which version is at a commit, it does not say",
        ));
    }
    let address = url::stripped(address);
    let (plain, fragment) = match address.split_once('#') {
        Some((plain, fragment)) => (plain, fragment),
        None => (address.as_str(), ""),
    };
    let file = plain.rsplit('/').next().unwrap_or_default();
    let Some((archived, version)) = archive(file) else {
        return Ok(Said::NotTaken(
            "which version is behind its address, it does not say",
        ));
    };
    let archived = grammar::python_name(archived);
    let named = name.map_or_else(|| archived.clone(), grammar::python_name);
    if named != archived || !grammar::is_python_version(version) {
        return Ok(Said::NotTaken(
            "its archive is called like another distribution",
        ));
    }
    let mut package = package(name.unwrap_or(&archived), version);
    package.facts.insert("url".to_owned(), plain.into());
    for part in fragment.split('&') {
        match part.split_once('=') {
            Some(("sha256", hash)) if grammar::is_hex(hash, 64..=64) => {
                package
                    .facts
                    .insert("hashes".to_owned(), json!({ "sha256": hash }));
            }
            Some(("subdirectory", below)) if grammar::is_path_below(below) => {
                package
                    .facts
                    .insert("subdirectory".to_owned(), below.into());
            }
            _ => {}
        }
    }
    Ok(Said::Pin(package))
}

/// Returns name and version of an archive, by what its file is called.
fn archive(file: &str) -> Option<(&str, &str)> {
    if let Some(wheel) = file.strip_suffix(".whl") {
        let mut parts = wheel.split('-');
        let (name, version) = (parts.next()?, parts.next()?);
        return (parts.count() >= 3).then_some((name, version));
    }
    let source = SOURCES.iter().find_map(|it| file.strip_suffix(it))?;
    source.rsplit_once('-')
}

/// Tells whether what stands before an `@` is the name of a distribution, and no address.
fn is_named(named: &str) -> bool {
    !named.contains(['/', ':', '=', '<', '>', '~', '!'])
}

/// Returns the name without extras.
fn name(named: &str) -> Result<&str, &'static str> {
    let named = named.trim();
    let name = named
        .split_once('[')
        .map_or(named, |(name, _)| name)
        .trim_end();
    if grammar::is_python_name(name) {
        Ok(name)
    } else {
        Err("its name is none of Python's")
    }
}

fn package(name: &str, version: &str) -> Package {
    let mut package = Package::new(grammar::python_name(name), version);
    if package.name != name {
        package.facts.insert("raw_name".to_owned(), name.into());
    }
    package
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn pin(line: &str) -> Package {
        match said(line) {
            Ok(Said::Pin(package)) => package,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn pins_of_every_form_are_read() {
        for (line, name, version) in [
            ("numpy==2.1.0", "numpy", "2.1.0"),
            ("Zope.Interface == 5.0", "zope-interface", "5.0"),
            ("requests[security,socks]==2.32.0", "requests", "2.32.0"),
            ("torch===2.4.0+cu121", "torch", "2.4.0+cu121"),
            ("a (==1.0)", "a", "1.0"),
            ("a==1 --hash=sha256:00 --hash=sha256:11", "a", "1"),
            ("a @ https://h/a-1.2-py3-none-any.whl#sha256=00", "a", "1.2"),
            ("https://h/a_b-1.2.tar.gz", "a-b", "1.2"),
        ] {
            let package = pin(line);
            assert_eq!(
                (package.name.as_str(), package.version.as_str()),
                (name, version),
                "{line}"
            );
        }
        let hash = "a".repeat(64);
        let package = pin(&format!(
            "a @ https://u:p@h/x/a-1-py3-none-any.whl#sha256={hash}"
        ));
        let expected = json!({
            "url": "https://h/x/a-1-py3-none-any.whl", "hashes": { "sha256": hash },
        });
        assert_eq!(Value::Object(package.facts), expected);
    }

    #[test]
    fn pin_without_a_version_is_left_out_and_named() {
        for line in [
            "-e git+https://host/x.git@0123456#egg=x",
            "--editable /srv/x",
            "x @ git+https://host/x.git@0123456",
            "x @ https://host/archive/main.zip",
            "x @ https://host/y-1.0.tar.gz",
            "x==1 ; python_version < '3.9'",
        ] {
            assert!(
                matches!(said(line), Ok(Said::NotTaken(_))),
                "{line}: {:?}",
                said(line)
            );
        }
    }

    #[test]
    fn wishes_other_files_and_orders_are_refused_with_their_line() {
        let text = b"numpy>=2\n\nok==1\n-r ../../etc/passwd\nscipy\na==1.*\nb==1,<2\n./x.whl\n--exec=x\n$(id)==1\nok==2\nc==1 d==2\n";
        let Err(NotImported::Lines { lines, .. }) = read(text) else {
            panic!("it was taken");
        };
        let told: Vec<(usize, &str)> = lines
            .iter()
            .map(|it| (it.line, it.reason.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (1, "it is no pin: `name==version`"),
                (4, "it names another file: import that one by itself"),
                (5, "it is no pin: `name==version`"),
                (6, "it is no pin to one version"),
                (7, "it is no pin to one version"),
                (8, "it is no pin: `name==version`"),
                (9, "it is an option that is not known here"),
                (10, "its name is none of Python's"),
                (11, "line 3 pins it to 1"),
                (12, "it is no pin to one version"),
            ]
        );
    }

    #[test]
    fn where_packages_come_from_is_passed_over() {
        for line in [
            "",
            "--index-url https://ann:hunter2@host/simple",
            "--index-url=https://host/simple",
            "-i https://host/simple",
            "--require-hashes",
        ] {
            assert_eq!(said(line), Ok(Said::Nothing), "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_taken_or_refused(line in "[a-z=@#;:/ .<\\-\\[\\](),+é]{0,40}") {
            if let Ok(Said::Pin(package)) = said(without_comment(&line)) {
                proptest::prop_assert!(grammar::is_python_name(&package.name));
                proptest::prop_assert!(grammar::is_python_version(&package.version));
            }
        }
    }
}
