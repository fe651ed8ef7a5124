//! What `apt-get --simulate` says.
//!
//! # Source
//! `apt-get(8)`, `--simulate`: `Inst`, `Conf`, `Remv` and `Purg`, the installed version in square
//! brackets, the one to come in round ones, a foreign architecture behind the name.

use super::super::manager::Manager;
use super::{Announced, Effect, Unclear};

pub(super) fn announced(
    stdout: &str,
    native_arch: Option<&str>,
) -> Result<Vec<Announced>, Unclear> {
    let lines = stdout.lines().filter_map(|line| {
        let (verb, rest) = line.split_once(' ')?;
        matches!(verb, "Inst" | "Conf" | "Remv" | "Purg").then_some((line, verb, rest))
    });
    let announced = lines.map(|(line, verb, rest)| {
        let unclear = || Unclear {
            manager: Manager::Apt,
            line: line.to_owned(),
        };
        let name = rest.split(' ').next().filter(|it| !it.is_empty());
        let name = name.ok_or_else(unclear)?;
        let (name, arch) = match name.split_once(':') {
            Some((name, arch)) => (name, Some(arch)),
            None => (name, native_arch),
        };
        let effect = match verb {
            "Inst" => Effect::Put {
                version: coming(rest).ok_or_else(unclear)?.to_owned(),
            },
            "Conf" if coming(rest).is_some() => Effect::Configure,
            "Conf" => return Err(unclear()),
            _ => Effect::Remove,
        };
        Ok(Announced {
            name: name.to_owned(),
            arch: arch.map(ToOwned::to_owned),
            effect,
        })
    });
    announced.collect()
}

/// Returns the version in round brackets.
fn coming(rest: &str) -> Option<&str> {
    let (_, coming) = rest.split_once(" (")?;
    let version = coming.split([' ', ')']).next()?;
    (!version.is_empty()).then_some(version)
}
