//! The explicit list of conda: an address and a hash a package, which nothing has to be solved for.
//!
//! # Source
//! `url_pat` in `conda/gateways/disk/read.py` and `conda/misc.py`: the address of an archive, and
//! behind `#` its MD5, or its SHA-256.

use super::{Export, one_a_line};
use crate::document::{Package, Source};
use crate::grammar;
use crate::names::SourceName;

const SCHEMES: [&str; 3] = ["file", "http", "https"];
/// How archives are called.
const ARCHIVES: [&str; 2] = [".conda", ".tar.bz2"];

pub(super) fn export(source: &Source) -> Export {
    let mut text = String::new();
    let platforms = source.packages.iter().filter_map(|it| fact(it, "subdir"));
    let mut platforms = platforms.filter(|it| *it != "noarch" && grammar::is_path_below(it));
    if let Some(platform) = platforms.next() {
        text.push_str("# platform: ");
        text.push_str(platform);
        text.push('\n');
    }
    text.push_str("@EXPLICIT\n");
    let left_out = one_a_line(SourceName::Conda, source.packages.iter(), line, &mut text);
    Export::of_one("explicit.txt", text, left_out)
}

fn line(package: &Package) -> Result<String, &'static str> {
    let address = fact(package, "url").ok_or("its address is not known")?;
    let is_archive = ARCHIVES.iter().any(|it| address.ends_with(it));
    if !is_archive || !grammar::is_address(address, &SCHEMES) {
        return Err("its address is none of an archive");
    }
    let md5 = fact(package, "md5").filter(|it| grammar::is_hex(it, 32..=32));
    let sha256 = fact(package, "sha256").filter(|it| grammar::is_hex(it, 64..=64));
    // Old releases know the first alone.
    let hash = md5.or(sha256).ok_or("no hash of its archive is known")?;
    Ok(format!("{address}#{hash}"))
}

fn fact<'p>(package: &'p Package, name: &str) -> Option<&'p str> {
    package.facts.get(name)?.as_str()
}
