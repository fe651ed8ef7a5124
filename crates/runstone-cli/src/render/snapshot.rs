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
const ENVIRONMENT_DIGITS: usize = 12;
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
    for (label, captured) in [
        ("environment", &snapshot.environment),
        ("code", &snapshot.code),
    ] {
        text.push_str(&section(
            label,
            &[match captured {
                Captured::Known(value) if label == "environment" => environment(captured, value),
                Captured::Known(value) => cut(&value.to_string(), VALUE_MAX),
                Captured::NotCaptured { reason } => format!("not captured: {}", plain(reason)),
            }],
        ));
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

/// Names an environment, and says when it was captured; one that a document names was not.
fn environment(captured: &Captured, value: &Value) -> String {
    let Some(digest) = captured.digest() else {
        return cut(&value.to_string(), VALUE_MAX);
    };
    let name = digest.prefix(ENVIRONMENT_DIGITS);
    let at = value
        .get(CAPTURE)
        .and_then(|capture| capture.get("at")?.as_str());
    match at {
        Some(at) => format!("{name}, captured {}", plain(at)),
        None => format!("{name}, as the document says"),
    }
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
