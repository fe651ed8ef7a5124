//! What a profile may say about other names: of fields, of their values, of stages.
//!
//! A name that is read must end somewhere, whatever the order in which aliases are followed. The
//! invariant: no alias stands for another, and none reaches into another. Moving what a
//! document says to the name it is read by belongs to the reading.

use std::collections::BTreeMap;

use super::error::{ProfileError, ProfileFault};
use super::keys::{self, Keys};
use super::role::fixed;
use super::rules::{StageNames, StageRules};
use super::schema::spelled;
use super::source::{Place, Table};
use crate::id::nfc;
use crate::pointer::{Path, Pattern};

/// Reads the other names of fields.
pub(super) fn fields(aliases: &mut Keys) -> Result<BTreeMap<Path, Path>, ProfileError> {
    let Some(node) = aliases.take("fields") else {
        return Ok(BTreeMap::new());
    };
    let mut read: BTreeMap<Path, (Path, Place)> = BTreeMap::new();
    for (alias, (place, node)) in keys::table("fields", node)? {
        let target: Path = keys::path(&alias, &node)?;
        let alias: Path = keys::parsed(&alias, &place)?;
        refuse_fixed(&alias, &target, &place)?;
        read.insert(alias, (target, place));
    }
    for (alias, (target, place)) in &read {
        if read.contains_key(target) {
            return Err(chain(&alias.to_string(), &target.to_string(), place));
        }
        let overlaps = |other: &&Path| {
            target.keys().starts_with(other.keys())
                || other.keys().starts_with(target.keys())
                || (*other != alias && alias.keys().starts_with(other.keys()))
        };
        if let Some(other) = read.keys().find(overlaps) {
            let fault = ProfileFault::AliasOverlap {
                alias: alias.to_string(),
                other: other.to_string(),
            };
            return Err(ProfileError::at(place, fault)
                .hint("let aliases and what they stand for lie beside each other"));
        }
    }
    let named = read.into_iter().map(|(alias, (target, _))| (alias, target));
    Ok(named.collect())
}

/// Reads the other texts for values of fields, each as such values are spelled.
pub(super) fn values(
    aliases: &mut Keys,
    upper: &[Pattern],
) -> Result<BTreeMap<Path, BTreeMap<String, String>>, ProfileError> {
    let Some(node) = aliases.take("values") else {
        return Ok(BTreeMap::new());
    };
    let mut read = BTreeMap::new();
    for (field, (place, node)) in keys::table("values", node)? {
        let path: Path = keys::parsed(&field, &place)?;
        let own = keys::table(&field, node)?.into_iter();
        let table: Table = own
            .map(|(alias, entry)| (spelled(upper, &path, nfc(&alias)), entry))
            .collect();
        let mut values = BTreeMap::new();
        for (alias, (place, node)) in &table {
            let target = spelled(upper, &path, keys::text(alias, node)?);
            refuse_chain(&table, alias, &target, place)?;
            values.insert(alias.clone(), target);
        }
        read.insert(path, values);
    }
    Ok(read)
}

/// Reads the other names of stages. `listed` are the stages there are, if no others are taken.
pub(super) fn stages(
    aliases: &mut Keys,
    names: StageNames,
    listed: Option<&BTreeMap<String, StageRules>>,
) -> Result<BTreeMap<String, String>, ProfileError> {
    let Some(node) = aliases.take("stages") else {
        return Ok(BTreeMap::new());
    };
    let mut read = BTreeMap::new();
    let table: Table = keys::table("stages", node)?
        .into_iter()
        .map(|(alias, entry)| (names.spelled(&alias), entry))
        .collect();
    for (alias, (place, node)) in &table {
        let target = names.spelled(&keys::text(alias, node)?);
        refuse_chain(&table, alias, &target, place)?;
        if let Some(listed) = listed
            && !listed.contains_key(&target)
        {
            let stages: Vec<&str> = listed.keys().map(String::as_str).collect();
            let (alias, target) = (alias.clone(), target);
            let fault = ProfileFault::AliasOfNoStage { alias, target };
            let hint = format!("stages: {}", stages.join(", "));
            return Err(ProfileError::at(&node.place, fault).hint(hint));
        }
        read.insert(alias.clone(), target);
    }
    Ok(read)
}

/// Refuses another name for, or of, a field that is found by its own name whatever the profile
/// says. Metrics have a place of their own in every profile, and may be moved there.
fn refuse_fixed(alias: &Path, target: &Path, place: &Place) -> Result<(), ProfileError> {
    let is_bound = |path: &Path| fixed(path.keys()).filter(|field| *field != "metrics");
    let bound = [(alias, "an alias"), (target, "named by an alias")];
    for (path, role) in bound {
        if let Some(field) = is_bound(path) {
            let fault = ProfileFault::FixedField { field, role };
            return Err(ProfileError::at(place, fault).hint("write it by its own name"));
        }
    }
    Ok(())
}

/// Refuses an alias of an alias, which is also how every cycle begins.
fn refuse_chain(
    aliases: &Table,
    alias: &str,
    target: &str,
    place: &Place,
) -> Result<(), ProfileError> {
    if aliases.contains_key(target) {
        return Err(chain(alias, target, place));
    }
    Ok(())
}

fn chain(alias: &str, target: &str, place: &Place) -> ProfileError {
    let fault = ProfileFault::AliasChain {
        alias: alias.to_owned(),
        target: target.to_owned(),
    };
    ProfileError::at(place, fault).hint("let each alias stand for the name itself")
}
