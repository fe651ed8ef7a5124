//! The schema of a profile: which keys there are at the top, and what is legal among them.
//!
//! Reads the resolved tree into a [`Profile`]. What one stage may say stands beside it in
//! `stage_schema`.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Digest;
use crate::id::nfc;
use crate::pointer::Path;

use super::error::{ProfileError, ProfileFault};
use super::keys::{self, Keys};
use super::rules::{
    BaselineChoice, BaselineRule, ExperimentRule, FieldRules, Profile, StageNames, StageRules,
};
use super::source::{self, Place, Table};
use super::{extend, stage_schema};

/// The schema this release reads.
const SCHEMA: i64 = 1;

/// Reads a resolved tree.
///
/// # Errors
/// [`ProfileError`] at the first thing that is not legal.
pub(super) fn read(place: Place, table: Table) -> Result<Profile, ProfileError> {
    let text = source::render(&table);
    let mut keys = Keys::of("", place, table);
    check_schema(&mut keys)?;
    let name = keys::text("name", &keys.require("name")?)?;
    let stage_names = keys.word(
        "stage_names",
        &[
            ("as_given", StageNames::AsGiven),
            ("upper_snake", StageNames::UpperSnake),
        ],
        StageNames::AsGiven,
    )?;
    let takes_others = keys.word(
        "other_stages",
        &[("default", true), ("refuse", false)],
        true,
    )?;
    let mut aliases = keys.table("aliases")?;
    let fields = read_fields(&mut keys, &mut aliases)?;
    let stage_aliases = read_stage_aliases(&mut aliases, stage_names)?;
    aliases.finish()?;
    let baseline = read_baseline(&mut keys)?;
    let noise_window = read_noise_window(&mut keys)?;
    refuse_redaction(&mut keys)?;
    let (default, stages) = read_stages(&mut keys, stage_names)?;
    keys.finish()?;
    Ok(Profile {
        name,
        sha256: Digest::of(text.as_bytes()),
        text,
        fields,
        stage_names,
        stage_aliases,
        default: takes_others.then_some(default),
        stages,
        baseline,
        noise_window,
    })
}

impl StageNames {
    /// Returns `name` in this spelling.
    pub(super) fn spelled(self, name: &str) -> String {
        match self {
            Self::AsGiven => nfc(name),
            Self::UpperSnake => nfc(name)
                .trim()
                .to_uppercase()
                .chars()
                .map(|character| {
                    if character.is_whitespace() || character == '-' {
                        '_'
                    } else {
                        character
                    }
                })
                .collect(),
        }
    }
}

fn check_schema(keys: &mut Keys) -> Result<(), ProfileError> {
    let node = keys.require("schema")?;
    match node.form {
        source::Form::Whole(SCHEMA) => Ok(()),
        source::Form::Whole(found) => Err(ProfileError::at(
            &node.place,
            ProfileFault::UnknownSchema { found },
        )
        .hint("a later release of runstone may read it")),
        _ => Err(ProfileError::at(
            &node.place,
            ProfileFault::WrongType {
                key: "schema".to_owned(),
                expected: "a whole number",
                found: node.form.type_of(),
            },
        )),
    }
}

fn read_fields(keys: &mut Keys, aliases: &mut Keys) -> Result<FieldRules, ProfileError> {
    let path = |node: Option<source::Node>, key| {
        node.map(|node| keys::path::<Path>(key, &node)).transpose()
    };
    Ok(FieldRules {
        environment: path(keys.take("environment"), "environment")?,
        code: path(keys.take("code"), "code")?,
        experiment: read_experiment(keys)?,
        times: keys.list("times")?,
        ignore: keys.list("ignore")?,
        integers: keys.list("integers")?,
        sets: keys.list("sets")?,
        upper: keys.list("upper")?,
        tagged: keys.list("tagged")?,
        allowed: read_allowed(keys)?,
        aliases: read_field_aliases(aliases)?,
        value_aliases: read_value_aliases(aliases)?,
    })
}

fn read_experiment(keys: &mut Keys) -> Result<ExperimentRule, ProfileError> {
    let mut experiment = keys.table("experiment")?;
    let path = match experiment.take("path") {
        Some(node) => keys::path("path", &node)?,
        None => "experiment".parse().expect("one part is a path"),
    };
    let from_store = experiment.flag("from_store")?;
    experiment.finish()?;
    Ok(ExperimentRule { path, from_store })
}

fn read_allowed(keys: &mut Keys) -> Result<BTreeMap<Path, Vec<String>>, ProfileError> {
    let Some(node) = keys.take("allowed") else {
        return Ok(BTreeMap::new());
    };
    keys::table("allowed", node)?
        .into_iter()
        .map(|(key, (place, node))| Ok((keys::parsed(&key, &place)?, keys::texts(&key, node)?)))
        .collect()
}

fn read_field_aliases(aliases: &mut Keys) -> Result<BTreeMap<Path, Path>, ProfileError> {
    let Some(node) = aliases.take("fields") else {
        return Ok(BTreeMap::new());
    };
    let table = keys::table("fields", node)?;
    let mut read = BTreeMap::new();
    for (alias, (place, node)) in &table {
        let target = keys::text(alias, node)?;
        refuse_chain(&table, alias, &target, place)?;
        read.insert(
            keys::parsed(alias, place)?,
            keys::parsed(&target, &node.place)?,
        );
    }
    Ok(read)
}

fn read_value_aliases(
    aliases: &mut Keys,
) -> Result<BTreeMap<Path, BTreeMap<String, String>>, ProfileError> {
    let Some(node) = aliases.take("values") else {
        return Ok(BTreeMap::new());
    };
    let mut read = BTreeMap::new();
    for (field, (place, node)) in keys::table("values", node)? {
        let table = keys::table(&field, node)?;
        let mut values = BTreeMap::new();
        for (alias, (place, node)) in &table {
            let target = keys::text(alias, node)?;
            refuse_chain(&table, alias, &target, place)?;
            values.insert(nfc(alias), nfc(&target));
        }
        read.insert(keys::parsed(&field, &place)?, values);
    }
    Ok(read)
}

fn read_stage_aliases(
    aliases: &mut Keys,
    names: StageNames,
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
        read.insert(alias.clone(), target);
    }
    Ok(read)
}

/// Refuses an alias of an alias, which is also how every cycle begins.
fn refuse_chain(
    aliases: &Table,
    alias: &str,
    target: &str,
    place: &Place,
) -> Result<(), ProfileError> {
    if !aliases.contains_key(target) {
        return Ok(());
    }
    let fault = ProfileFault::AliasChain {
        alias: alias.to_owned(),
        target: target.to_owned(),
    };
    Err(ProfileError::at(place, fault).hint("let each alias stand for the name itself"))
}

fn read_baseline(keys: &mut Keys) -> Result<BaselineRule, ProfileError> {
    let mut baseline = keys.table("baseline")?;
    let words = [
        BaselineChoice::Best,
        BaselineChoice::Median,
        BaselineChoice::Pinned,
    ]
    .map(|choice| (choice.as_str(), choice));
    let rule = BaselineRule {
        choice: baseline.word("rule", &words, BaselineChoice::Best)?,
        min_runs: baseline.count("min_runs", 1, 5)?,
        window: baseline.count("window", 1, 10)?,
    };
    baseline.finish()?;
    Ok(rule)
}

fn read_noise_window(keys: &mut Keys) -> Result<u32, ProfileError> {
    let mut verdict = keys.table("verdict")?;
    let window = verdict.count("noise_window", 2, 30)?;
    verdict.finish()?;
    Ok(window)
}

/// A profile that asks for redaction would be believed; so it is refused while nothing redacts.
fn refuse_redaction(keys: &mut Keys) -> Result<(), ProfileError> {
    let mut redact = keys.table("redact")?;
    for key in ["paths", "values", "allow_only"] {
        let Some(node) = redact.take(key) else {
            continue;
        };
        let place = node.place.clone();
        if !keys::list(key, node)?.is_empty() {
            return Err(ProfileError::at(&place, ProfileFault::Redaction)
                .hint("leave the secret out of the document, and `[redact]` out of the profile"));
        }
    }
    redact.finish()
}

type StagesRead = (StageRules, BTreeMap<String, StageRules>);

fn read_stages(keys: &mut Keys, names: StageNames) -> Result<StagesRead, ProfileError> {
    let default_node = keys.require("default")?;
    let default_place = default_node.place.clone();
    let default_table = keys::table("default", default_node)?;
    let (default, default_places) =
        stage_schema::read("default", default_place, default_table.clone())?;
    let mut stages = BTreeMap::new();
    let stage_node = keys.take("stage");
    for (name, (place, node)) in
        stage_node.map_or(Ok(Table::new()), |node| keys::table("stage", node))?
    {
        let own = keys::table(&name, node)?;
        let table = extend::stage_over_default(&default_table, own);
        let (rules, _) = stage_schema::read(&format!("stage.{name}"), place.clone(), table)?;
        if stages.insert(names.spelled(&name), rules).is_some() {
            return Err(ProfileError::at(&place, ProfileFault::Twice { what: name }));
        }
    }
    let all: Vec<&StageRules> = stages.values().chain([&default]).collect();
    let mut named = BTreeSet::new();
    for path in all.iter().flat_map(|rules| &rules.cohort_name) {
        let is_identity = all
            .iter()
            .any(|rules| rules.identity.group_of(path.keys()).is_some());
        if named.insert(path) && !is_identity {
            let fault = ProfileFault::NoIdentity {
                path: path.to_string(),
            };
            return Err(ProfileError::at(&default_places.cohort_name, fault)
                .hint("name a cohort by fields of `identity`"));
        }
    }
    Ok((default, stages))
}
