//! The legal run: a document that was read to its end and broke no rule.
//!
//! The only way to a [`RunRecord`] is [`RunRecord::validate`], so whoever holds one holds a run
//! with an id, a stage the profile knows, and values that mean what the profile says. Everything
//! wrong is reported at once. Making equal runs equal belongs to [`crate::canonical`].

mod contents;
mod fixed;
mod instant;
mod measured;
mod normal;
mod redacting;
mod required;

use serde_json::{Map, Value};

pub(crate) use self::contents::{Contents, Identity};
use self::fixed::Fixed;
pub(crate) use self::measured::Measured;
use self::normal::{Normal, Reading};
pub use self::redacting::without_secrets;
pub(crate) use self::redacting::{Redacting, UNTOUCHED, concealed, would_redact};
use crate::canon::{settle, settle_in_place};
use crate::digest::Digest;
use crate::id::{Attempt, RunId, Stage};
use crate::input::RunInput;
use crate::pattern::same_name;
use crate::pointer::{Path, Pointer, all_leaves};
pub use crate::problem::{Problem, ProblemKind, Refused, Warning};
use crate::problem::{quoted, type_of};
use crate::profile::{Profile, Role, StageRules, UnknownStage};
use crate::snapshot::Status;

/// A legal run document and what it says, by one profile.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    pub(crate) document: Map<String, Value>,
    normal: Map<String, Value>,
    profile: Digest,
    pub(crate) run_id: RunId,
    pub(crate) stage: Stage,
    attempt: Option<Attempt>,
    status: Status,
    pub(crate) sweep: Option<String>,
    candidate: bool,
    pub(crate) contents: Contents,
    pub(crate) measured: Measured,
    pub(crate) artifacts: Vec<Value>,
    environment: Option<Digest>,
    code: Option<Value>,
    pub(crate) warnings: Vec<Warning>,
    defaults: Defaults,
    /// The experiment, if the store filled it in.
    filled: Option<Path>,
}

/// What a store says where a document is silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// The store's own experiment, fixed when it was made.
    pub experiment: String,
}

impl RunRecord {
    /// Reads `input` by the rules of `profile`.
    ///
    /// # Errors
    /// [`Refused`] with everything that is wrong, not only the first.
    pub fn validate(
        input: RunInput,
        profile: &Profile,
        defaults: &Defaults,
    ) -> Result<Self, Refused> {
        Self::read(input.into_document(), profile, defaults, Reading::First)
    }

    fn read(
        document: Map<String, Value>,
        profile: &Profile,
        defaults: &Defaults,
        reading: Reading<'_>,
    ) -> Result<Self, Refused> {
        let mut problems = Vec::new();
        let stage = stage_of(&document, profile)
            .map_err(|problem| problems.extend(problem))
            .ok();
        let rules = stage.as_ref().map(|(_, rules)| *rules);
        let fields = &profile.fields;

        let normal = Normal::of(&document, profile, rules, defaults, reading);
        let (presence, near_misses) = required::check(&normal, profile, rules);
        let (contents, collisions) = match rules {
            Some(rules) => contents::read(&normal, fields, rules),
            None => (Contents::default(), Vec::new()),
        };
        let (measured, unmeasured) = measured::read(&normal.document);
        let fixed = Fixed::read(&document, &normal.document);
        let environment = environment(&normal, fields.environment.as_ref())
            .map_err(|problem| problems.push(problem));
        problems.extend(presence.into_iter().chain(collisions).chain(unmeasured));
        problems.extend(fixed.problems);
        problems.extend(normal.problems.iter().cloned());
        match reading {
            Reading::First => {
                problems.extend(redacting::secret_names(&document, &profile.redaction));
                problems = concealed(problems, &document, profile);
            }
            Reading::Again { redacted } => {
                problems.retain(|problem| !redacting::is_about(problem, redacted));
            }
        }
        Refused::unless_empty(problems)?;

        let (stage, rules) = stage.expect("an absent stage is a problem");
        let mut warnings = normal.warnings.clone();
        let unread = unread(&normal.document, profile, rules, &near_misses);
        warnings.extend(near_misses);
        warnings.extend(only_experiment(&contents, &fields.experiment.path));
        warnings.extend(unread);
        let unmeasured = |label| numeric_label(label).or_else(|| deciding_label(label, rules));
        warnings.extend(measured.labels.iter().filter_map(unmeasured));
        Ok(Self {
            profile: profile.sha256,
            run_id: fixed.run_id.expect("an absent run id is a problem"),
            stage,
            attempt: fixed.attempt,
            status: fixed.status,
            sweep: fixed.sweep,
            candidate: fixed.candidate,
            contents,
            measured,
            artifacts: fixed.artifacts,
            environment: environment.unwrap_or_default(),
            code: fields
                .code
                .as_ref()
                .and_then(|path| path.present(&document))
                .cloned()
                .map(settle),
            warnings,
            defaults: defaults.clone(),
            filled: normal.filled.clone(),
            normal: normal.into_content(fields, rules),
            document: settled(document),
        })
    }

    /// Returns the document as handed in, in its own spelling.
    pub fn document(&self) -> &Map<String, Value> {
        &self.document
    }

    /// Returns the run.
    pub fn run_id(&self) -> &RunId {
        &self.run_id
    }

    /// Returns the stage in the profile's spelling.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Returns the attempt if the document states one: it is explicit then.
    pub fn attempt(&self) -> Option<Attempt> {
        self.attempt
    }

    /// Returns how the stage ended.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Returns the search this run is a point of.
    pub fn sweep(&self) -> Option<&str> {
        self.sweep.as_deref()
    }

    /// Tells whether the run is judged without being a yardstick for others.
    pub fn candidate(&self) -> bool {
        self.candidate
    }

    /// Returns what should be said beside the answer.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Returns the environment that the document itself names.
    pub fn environment(&self) -> Option<Digest> {
        self.environment
    }

    /// Returns the commit that the document itself names, as it stands there.
    pub fn code(&self) -> Option<&Value> {
        self.code.as_ref()
    }

    pub(crate) fn normal(&self) -> &Map<String, Value> {
        &self.normal
    }

    pub(crate) fn profile(&self) -> Digest {
        self.profile
    }

    pub(crate) fn contents(&self) -> &Contents {
        &self.contents
    }

    pub(crate) fn measured(&self) -> &Measured {
        &self.measured
    }

    pub(crate) fn artifacts(&self) -> &[Value] {
        &self.artifacts
    }
}

fn settled(mut document: Map<String, Value>) -> Map<String, Value> {
    document.values_mut().for_each(settle_in_place);
    document
}

/// Returns the stage and its rules. An absent or null stage is no problem of its own: it is
/// reported with the other required fields.
fn stage_of<'p>(
    document: &Map<String, Value>,
    profile: &'p Profile,
) -> Result<(Stage, &'p StageRules), Option<Problem>> {
    let at = Pointer::root().child("stage");
    let value = document
        .get("stage")
        .filter(|value| !value.is_null())
        .ok_or(None)?;
    let Some(text) = value.as_str() else {
        let text = format!("is {}, text is wanted", type_of(value));
        return Err(Some(Problem::new(ProblemKind::WrongType, at, text)));
    };
    profile.stage(text).map_err(|unknown| {
        let kind = match unknown {
            UnknownStage::NotListed { .. } => ProblemKind::UnknownStage,
            UnknownStage::Illegal(_) => ProblemKind::BadLength,
        };
        let mut problem = Problem::new(kind, at, unknown.to_string());
        problem.hint = unknown.hint();
        Some(problem)
    })
}

fn environment(normal: &Normal, path: Option<&Path>) -> Result<Option<Digest>, Problem> {
    let Some((path, value)) = path.and_then(|path| Some((path, path.present(&normal.document)?)))
    else {
        return Ok(None);
    };
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .map(Some)
        .ok_or_else(|| {
            let text = format!(
                "is {}, the digest of a captured environment is wanted",
                quoted(value)
            );
            Problem::new(ProblemKind::WrongType, path.pointer(), text)
                .hint("put other descriptions of the machine under `metadata`")
        })
}

/// Fields that the profile gives no meaning to are kept, and a difference in them is never seen: a
/// document in the words of another tool would pass for unchanged.
fn unread(
    document: &Map<String, Value>,
    profile: &Profile,
    rules: &StageRules,
    named: &[Warning],
) -> Option<Warning> {
    let is_unread = |key: &String, value: &Value| {
        let is_it = |at: &Pointer| matches!(at.keys(), [only] if only == key);
        if named
            .iter()
            .any(|warning| warning.pointer.as_ref().is_some_and(is_it))
        {
            return false;
        }
        all_leaves(key, value, &mut |keys| {
            profile.fields.role(rules, keys) == Role::Unread
        })
    };
    let keys: Vec<&str> = document
        .iter()
        .filter(|(key, value)| is_unread(key, value))
        .map(|(key, _)| key.as_str())
        .collect();
    let names: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    let places: Vec<String> = keys
        .iter()
        .filter_map(|key| compared_place(key, profile, rules))
        .map(|place| format!("`{place}`"))
        .collect();
    let them = if names.len() == 1 { "it" } else { "them" };
    let instead = match places.join(" and ") {
        places if places.is_empty() => places,
        places => format!("; it compares {places}"),
    };
    (!names.is_empty()).then(|| Warning {
        pointer: None,
        text: format!(
            "kept, never compared: {} (profile `{}` gives no meaning to {them}{instead})",
            names.join(", "),
            profile.name
        ),
    })
}

/// Words by which other tools call what a run is of, was set to, and ran with.
const OF_IDENTITY: [&str; 6] = ["data", "dataset", "features", "split", "target", "task"];
const OF_SETTINGS: [&str; 6] = [
    "config",
    "hparams",
    "hyperparameters",
    "parameters",
    "params",
    "settings",
];
const OF_VERSIONS: [&str; 4] = ["libraries", "library_versions", "packages", "versions"];

/// Returns where a field with a telling name would be compared, if the profile compares it there.
fn compared_place(key: &str, profile: &Profile, rules: &StageRules) -> Option<String> {
    let place = match key {
        key if OF_IDENTITY.contains(&key) => ["identity", key],
        key if OF_SETTINGS.contains(&key) => ["factors", key],
        key if OF_VERSIONS.contains(&key) => ["factors", "library_versions"],
        _ => return None,
    };
    let of_it = [place[0], place[1], "any"];
    let is_read = profile.fields.role(rules, &of_it) != Role::Unread;
    is_read.then(|| place.join("."))
}

/// Text under `metrics` is a label. One that reads like a number was meant as one.
fn numeric_label((name, value): (&String, &Value)) -> Option<Warning> {
    let text = value.as_str()?;
    text.trim().parse::<f64>().ok()?;
    Some(Warning {
        pointer: None,
        text: format!("metric `{name}` is the text `{text}`: kept as a label, never judged"),
    })
}

/// A label measures nothing, so where a deciding metric is wanted it leaves the run without one.
fn deciding_label((name, value): (&String, &Value), rules: &StageRules) -> Option<Warning> {
    let metric = name.strip_suffix(".mean").unwrap_or(name);
    let is_it = |entry: &String| same_name(entry, name) || same_name(entry, metric);
    rules.metrics.primary.iter().any(is_it).then(|| Warning {
        pointer: None,
        text: format!(
            "metric `{name}` is {}, a number is wanted: kept as a label, so it decides nothing",
            type_of(value)
        ),
    })
}

fn only_experiment(contents: &Contents, experiment: &Path) -> Option<Warning> {
    let mut paths = contents.identity.values().flat_map(|group| group.keys());
    paths
        .all(|path| *path == experiment.to_string())
        .then(|| Warning {
            pointer: None,
            text: "comparable by experiment and stage alone; fields of `identity` narrow it"
                .to_owned(),
        })
}
