//! The explicit list of conda: what each address says of the archive behind it.
//!
//! # Source
//! `url_pat` in `conda/misc.py`: an address that ends in `name-version-build.conda` or `.tar.bz2`,
//! and behind `#` its MD5, or its SHA-256.

use super::lines::{BadLine, lines, without_comment};
use super::{Format, NotImported, Read};
use crate::document::Package;
use crate::grammar;
use crate::names::SourceName;

/// The line by which such a list is known.
pub(super) const MARK: &[u8] = b"@EXPLICIT";
/// How archives are called.
const ARCHIVES: [&str; 2] = [".conda", ".tar.bz2"];

pub(super) fn read(bytes: &[u8]) -> Result<Read, NotImported> {
    let mut read = Read::default();
    let mut bad = Vec::new();
    for (number, line) in lines(bytes)? {
        // A hash stands behind the same mark as a comment does, without a blank.
        let line = without_comment(&line);
        if line.is_empty() || line.as_bytes() == MARK {
            continue;
        }
        match package(line) {
            Ok(package) => read.package(format!("line {number}"), SourceName::Conda, package),
            Err(reason) => bad.push(BadLine::new(number, line, reason)),
        }
    }
    if bad.is_empty() {
        read.without_doubles();
        return Ok(read);
    }
    Err(NotImported::Lines {
        format: Format::Conda,
        lines: bad,
    })
}

fn package(line: &str) -> Result<Package, &'static str> {
    let (address, hash) = match line.split_once('#') {
        Some((address, hash)) => (address, Some(hash)),
        None => (line, None),
    };
    if !address.contains("://") || address.contains(char::is_whitespace) {
        return Err("it is no address of an archive");
    }
    let address = crate::url::stripped(address);
    let (folder, file) = address.rsplit_once('/').ok_or("it names no archive")?;
    let named = ARCHIVES.iter().find_map(|it| file.strip_suffix(it));
    let named = named.ok_or("it names no archive of conda")?;
    let parts = named.rsplit_once('-').and_then(|(rest, build)| {
        let (name, version) = rest.rsplit_once('-')?;
        Some((name, version, build))
    });
    let (name, version, build) =
        parts.ok_or("its file is not called by name, version and build")?;
    let mut package = Package::new(name, version);
    let mut tell = |name: &str, value: &str| {
        package.facts.insert(name.to_owned(), value.into());
    };
    tell("build", build);
    if let Some((_, subdir)) = folder.rsplit_once('/') {
        tell("subdir", subdir);
    }
    tell("url", &address);
    match hash.map(|it| it.strip_prefix("sha256:").unwrap_or(it)) {
        None => {}
        Some(hash) if grammar::is_hex(hash, 32..=32) => tell("md5", hash),
        Some(hash) if grammar::is_hex(hash, 64..=64) => tell("sha256", hash),
        Some(_) => return Err("what follows the `#` is no MD5 and no SHA-256"),
    }
    Ok(package)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn address_says_name_version_build_and_where_it_came_from() {
        let md5 = "0".repeat(32);
        let line = format!(
            "https://conda.anaconda.org/t/tk-1-secret/conda-forge/linux-64/ca-certificates-2024.7.4-hbcca054_0.conda#{md5}"
        );
        let package = package(&line).unwrap();
        assert_eq!(package.name, "ca-certificates");
        assert_eq!(package.version, "2024.7.4");
        let expected = json!({
            "build": "hbcca054_0",
            "md5": md5,
            "subdir": "linux-64",
            "url": "https://conda.anaconda.org/conda-forge/linux-64/ca-certificates-2024.7.4-hbcca054_0.conda",
        });
        assert_eq!(Value::Object(package.facts), expected);
    }

    #[test]
    fn what_is_no_archive_is_refused_with_its_line() {
        let text = b"@EXPLICIT\n/srv/a-1-0.conda\nhttps://h/a.sh\nhttps://h/x/a-1-0.conda#zz\nhttps://h/x/a.conda\n";
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
                (2, "it is no address of an archive"),
                (3, "it names no archive of conda"),
                (4, "what follows the `#` is no MD5 and no SHA-256"),
                (5, "its file is not called by name, version and build"),
            ]
        );
    }
}
