//! One snapshot as text.

use std::collections::BTreeMap;

use runstone::core::note::Said;
use runstone::core::snapshot::{CAPTURE, Captured};
use runstone::notes::SnapshotNotes;
use runstone::{Answered, Stored};
use serde_json::Value;

use crate::render::answer::{previous, verdict};
use crate::render::lines::{headed, section};
use crate::render::note;
use crate::render::words::{cut, metric, of_field, shown};
use crate::ui::plain;

/// Longest value shown on a line, in characters.
const VALUE_MAX: usize = 40;

/// How many digits name an environment.
const DIGITS: usize = 12;
/// Longest command line shown, in characters: one line of a narrow terminal.
const COMMAND_MAX: usize = 64;
/// Bytes of one mebibyte.
const MEBIBYTE: f64 = 1_048_576.0;

/// Returns a snapshot and what it was compared with.
pub(crate) fn text(stored: &Stored, answer: &Answered, notes: &SnapshotNotes) -> String {
    let Stored {
        place,
        snapshot,
        envelope,
    } = stored;
    let mut text = String::new();
    text.push_str(&headed("", stored));
    if let Some(dated) = &notes.marks.deleted {
        text.push_str(&section("deleted", &[note::said(dated)]));
    }
    let mut facts = vec![
        format!("status {}", snapshot.status.as_str()),
        format!("attempt {}", snapshot.attempt),
        format!("recorded {}", plain(&envelope.recorded_at)),
    ];
    let optional = [
        ("started", &snapshot.started_at),
        ("finished", &snapshot.finished_at),
        ("sweep", &snapshot.sweep),
    ];
    facts.extend(
        optional
            .iter()
            .filter_map(|(name, value)| Some(format!("{name} {}", plain(value.as_deref()?)))),
    );
    match (snapshot.candidate, &notes.marks.accepted) {
        (true, None) => facts.push("candidate: no yardstick for others".to_owned()),
        (true, Some(_)) => facts.push("candidate, accepted".to_owned()),
        (false, _) => {}
    }
    if notes.pinned {
        facts.push("the pinned baseline".to_owned());
    }
    text.push_str(&section("run", &facts));
    let tags: Vec<String> = notes.marks.tags.iter().map(ToString::to_string).collect();
    text.push_str(&section("tags", &tags));
    text.push_str(&section("sha256", &[place.sha256.to_string()]));
    text.push_str(&section(
        "profile",
        &[format!(
            "{} ({})",
            plain(&snapshot.profile.name),
            snapshot.policy.as_str()
        )],
    ));
    for (group, fields) in &snapshot.identity {
        let items: Vec<String> = fields
            .iter()
            .map(|(path, value)| of_field(group, path, &shown(Some(value), VALUE_MAX)))
            .collect();
        text.push_str(&section(&plain(group), &items));
    }
    text.push_str(&section("settings", &leaves(&snapshot.factors.settings)));
    text.push_str(&section("seeds", &leaves(&snapshot.factors.seeds)));
    text.push_str(&section("versions", &leaves(&snapshot.factors.versions)));
    let metrics: Vec<String> = snapshot
        .metrics
        .iter()
        .map(|(name, value)| format!("{} {}", plain(name), metric(*value)))
        .collect();
    text.push_str(&section("metrics", &metrics));
    text.push_str(&section("labels", &leaves(&snapshot.labels)));
    let artifacts: Vec<String> = snapshot.artifacts.iter().map(artifact).collect();
    text.push_str(&section("artifacts", &artifacts));
    if let Captured::Known(facts) = &snapshot.process {
        text.push_str(&section("process", &process(facts)));
    }
    for (label, captured, said) in [
        ("environment", &snapshot.environment, environment as InWords),
        ("code", &snapshot.code, code),
    ] {
        let items = match captured {
            Captured::Known(value) => said(captured, value),
            Captured::NotCaptured { reason } => vec![format!("not captured: {}", plain(reason))],
        };
        text.push_str(&section(label, &items));
    }
    text.push_str(&previous(answer, &envelope.recorded_at));
    text.push_str(&verdict(&answer.verdict));
    // A tombstone stands at the top already.
    let others = notes.marks.notes.iter();
    for dated in others.filter(|dated| dated.note.said != Said::Delete) {
        text.push_str(&note::line(dated));
    }
    text
}

/// Says what was captured.
type InWords = fn(&Captured, &Value) -> Vec<String>;

/// Names an environment, and says when it was captured; one that a document names was not.
fn environment(captured: &Captured, value: &Value) -> Vec<String> {
    let Some(digest) = captured.digest() else {
        return vec![cut(&value.to_string(), VALUE_MAX)];
    };
    let name = digest.prefix(DIGITS);
    let at = value
        .get(CAPTURE)
        .and_then(|capture| capture.get("at")?.as_str());
    vec![match at {
        Some(at) => format!("{name}, captured {}", plain(at)),
        None => format!("{name}, as the document says"),
    }]
}

/// Names the commit, where it stood, and how far the work tree was from it.
fn code(_captured: &Captured, value: &Value) -> Vec<String> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    if value.get("schema").is_none() {
        let commit = shown(value.get("commit"), VALUE_MAX);
        return vec![format!("{commit}, as the document says")];
    }
    let commit = value.get("commit").map(|it| shown(Some(it), VALUE_MAX));
    let mut items = vec![match (commit, text("branch")) {
        (Some(commit), Some(branch)) => format!("{commit} on {}", plain(branch)),
        (Some(commit), None) => commit,
        (None, _) => "no commit yet".to_owned(),
    }];
    items.extend(text("operation").map(|it| format!("in the middle of a {}", plain(it))));
    let counts = value.get("work_tree").and_then(Value::as_object);
    let count = |kind: &str| counts.and_then(|it| it.get(kind)?.as_u64()).unwrap_or(0);
    let kinds = ["staged", "modified", "conflicted", "untracked"];
    let told = kinds.into_iter().filter(|kind| count(kind) > 0);
    let told: Vec<String> = told.map(|kind| format!("{} {kind}", count(kind))).collect();
    if told.is_empty() && counts.is_some() {
        items.push("nothing changed".to_owned());
    }
    items.extend(told);
    let patch = value.get("patch").map(|it| shown(Some(it), VALUE_MAX));
    items.extend(patch.map(|it| format!("patch {it}")));
    if text("state") != Some("captured") {
        let warnings = value.get(CAPTURE).and_then(|it| it.get("warnings"));
        let why = warnings.and_then(|it| it.get(0)?.as_str());
        items.push(format!(
            "read in part: {}",
            plain(why.unwrap_or("the rest is not known"))
        ));
    }
    items
}

/// Says how a command ended, what it took, and what it was; what is not known is left out.
fn process(facts: &Value) -> Vec<String> {
    let number = |name: &str| facts.get(name).and_then(Value::as_f64);
    let mut items = Vec::new();
    match (
        facts.get("signal").and_then(Value::as_str),
        number("exit_code"),
    ) {
        (Some(signal), _) => items.push(format!("killed by {}", plain(signal))),
        (None, Some(code)) => items.push(format!("exited with {code}")),
        (None, None) => {}
    }
    if let Some(seconds) = number("elapsed_seconds") {
        items.push(format!("after {seconds:.1} s"));
    }
    if let Some(bytes) = number("peak_rss_largest_process_bytes") {
        items.push(format!("peak memory {:.0} MiB", bytes / MEBIBYTE));
    }
    let words: Vec<&str> = facts
        .get("command")
        .and_then(Value::as_array)
        .map(|words| words.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    if !words.is_empty() {
        items.push(cut(&words.join(" "), COMMAND_MAX));
    }
    items
}

fn leaves(leaves: &BTreeMap<String, Value>) -> Vec<String> {
    leaves.iter().map(|(key, value)| leaf(key, value)).collect()
}

fn leaf(key: &str, value: &Value) -> String {
    format!("{} {}", plain(key), shown(Some(value), VALUE_MAX))
}

fn artifact(artifact: &Value) -> String {
    let text = |name: &str| artifact.get(name).and_then(Value::as_str);
    match (text("path"), text("sha256")) {
        (Some(path), Some(sha256)) => {
            let short: String = sha256.chars().take(12).collect();
            format!("{} {}", plain(path), plain(&short))
        }
        _ => cut(&artifact.to_string(), VALUE_MAX),
    }
}
