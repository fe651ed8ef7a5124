//! The schema of a profile: which keys there are at the top, and what is legal among them.
//!
//! Reads the resolved tree into a [`Profile`]. What one stage may say stands beside it in
//! `stage_schema`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::error::{ProfileError, ProfileFault};
use super::keys::{self, Keys};
use super::known::KnownFields;
use super::rules::{
    BaselineChoice, BaselineRule, ExperimentRule, FieldRules, Profile, StageNames, StageRules,
};
use super::source::{self, Place, Table};
use super::{alias_schema, extend, redact_schema, stage_schema};
use crate::digest::Digest;
use crate::id::nfc;
use crate::pointer::{Path, Pattern};

/// The schema this release reads.
pub(super) const SCHEMA: i64 = 1;

/// Most runs a rule may ask for: no more of them are looked back at.
const RUNS_MAX: u32 = 64;
const _: () = assert!(RUNS_MAX as usize == crate::verdict::LOOK_BACK);

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
    let baseline = read_baseline(&mut keys)?;
    let noise_window = read_noise_window(&mut keys)?;
    let redact = redact_schema::read(&mut keys)?;
    let (mut default, mut stages) = read_stages(&mut keys, stage_names)?;
    for rules in stages.values_mut().chain([&mut default]) {
        for condition in &mut rules.conditions {
            let is = std::mem::take(&mut condition.is);
            condition.is = spelled(&fields.upper, &condition.when, is);
        }
        rules.identity_digest = fields.identity_digest(rules);
        rules.known = KnownFields::of(&fields, rules, &rules.required);
    }
    let listed = (!takes_others).then_some(&stages);
    let stage_aliases = alias_schema::stages(&mut aliases, stage_names, listed)?;
    aliases.finish()?;
    keys.finish()?;
    let all = stages.values().chain(takes_others.then_some(&default));
    let redaction = redact.checked(all)?;
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
        redaction: Arc::new(redaction),
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
    let upper: Vec<Pattern> = keys.list("upper")?;
    Ok(FieldRules {
        environment: path(keys.take("environment"), "environment")?,
        code: path(keys.take("code"), "code")?,
        experiment: read_experiment(keys)?,
        times: keys.list("times")?,
        ignore: keys.unfixed("ignore", "ignored")?,
        integers: keys.list("integers")?,
        sets: keys.list("sets")?,
        tagged: keys.list("tagged")?,
        allowed: read_allowed(keys, &upper)?,
        aliases: alias_schema::fields(aliases)?,
        value_aliases: alias_schema::values(aliases, &upper)?,
        upper,
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

fn read_allowed(
    keys: &mut Keys,
    upper: &[Pattern],
) -> Result<BTreeMap<Path, Vec<String>>, ProfileError> {
    let Some(node) = keys.take("allowed") else {
        return Ok(BTreeMap::new());
    };
    keys::table("allowed", node)?
        .into_iter()
        .map(|(key, (place, node))| {
            let path: Path = keys::parsed(&key, &place)?;
            let texts = keys::texts(&key, node)?;
            let texts = texts.into_iter().map(|text| spelled(upper, &path, text));
            let texts = texts.collect();
            Ok((path, texts))
        })
        .collect()
}

/// Returns a text of the profile as the values of a field are spelled.
pub(super) fn spelled(upper: &[Pattern], path: &Path, text: String) -> String {
    if upper.iter().any(|pattern| pattern.matches(path.keys())) {
        nfc(&text.to_uppercase())
    } else {
        text
    }
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
        min_runs: baseline.count("min_runs", 1..=RUNS_MAX, 5)?,
        window: baseline.count("window", 1..=RUNS_MAX, 10)?,
    };
    baseline.finish()?;
    Ok(rule)
}

fn read_noise_window(keys: &mut Keys) -> Result<u32, ProfileError> {
    let mut verdict = keys.table("verdict")?;
    let window = verdict.count("noise_window", 2..=RUNS_MAX, 30)?;
    verdict.finish()?;
    Ok(window)
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
            let spelled = names.spelled(&name);
            return Err(ProfileError::at(&place, ProfileFault::Twice { what: name })
                .hint(format!("write `[stage.{spelled}]` wherever it is meant")));
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
