//! What an envelope tells of a snapshot without opening its payload.
//!
//! Looking back over a cohort (for the previous run, the baseline, the noise) reads envelopes
//! alone. The store keeps the summary unread; this file is the only one that knows its shape:
//! `{status, candidate, sweep, settings, profile, primary: [{name, value}], others: [[name,
//! value]], twin, state}`, at most 2 KiB.

use std::collections::BTreeMap;
use std::sync::Arc;

use runstone_core::canon;
use runstone_core::digest::Digest;
use runstone_core::id::{Attempt, SnapshotSeq};
use runstone_core::metric::MetricValue;
use runstone_core::profile::{Direction, MetricRules, StageRules};
use runstone_core::snapshot::{Captured, DIGEST, Factors, Snapshot, Status};
use runstone_core::verdict::{Mark, Point, PointNotes};
use runstone_store::{Envelope, Seq};
use serde::Serialize;
use serde_json::{Value, json};

use crate::digests::to_digest;

/// Longest names of deciding metrics kept in a summary, in bytes all together. Longer ones are left
/// out, which costs the run its place as a yardstick and nothing else.
const PRIMARY_NAMES_BYTES_MAX: usize = 768;
/// Longest names of other metrics kept in a summary, in bytes all together; each has 32 more for
/// its value. Those that do not fit have no noise of their own.
const OTHERS_BYTES_MAX: usize = 512;
/// How many digits of its environment's digest a summary has: enough to look for, and to be sure
/// of once the payload was read.
const ENVIRONMENT_DIGITS: usize = 16;
/// Longest spelling of a value with what stands around it.
const VALUE_BYTES_MAX: usize = 32;

/// What a summary says of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EnvironmentSaid<'e> {
    /// An earlier release wrote it, and did not say.
    Unsaid,
    /// The snapshot names none.
    None,
    /// It names one whose digest begins so.
    Beginning(&'e str),
}

/// Returns the summary of a snapshot.
pub(crate) fn of(snapshot: &Snapshot, settings: Digest, rules: &StageRules) -> Value {
    let names = rules.metrics.primary(&snapshot.metrics).names();
    let fits = names.iter().map(String::len).sum::<usize>() <= PRIMARY_NAMES_BYTES_MAX;
    let primary: Vec<Value> = names
        .iter()
        .filter(|_| fits)
        .filter_map(|name| {
            let value = snapshot.metrics.get(name)?;
            Some(json!({ "name": name, "value": value.to_json() }))
        })
        .collect();
    json!({
        "status": snapshot.status.as_str(),
        "candidate": snapshot.candidate,
        "sweep": snapshot.sweep,
        "settings": settings,
        "profile": snapshot.profile.sha256,
        "primary": primary,
        "others": others(snapshot, rules, &names),
        "twin": twin(snapshot, rules).map(|mark| mark.to_string()),
        "state": state(snapshot, settings).map(|mark| mark.to_string()),
        "environment": snapshot.environment.digest().map(|digest| digest.prefix(ENVIRONMENT_DIGITS)),
    })
}

/// Returns the other metrics that fit: those that the profile wants judged first, then those with a
/// better side, each part by name.
fn others(snapshot: &Snapshot, rules: &StageRules, primary: &[String]) -> Vec<Value> {
    let metrics = &rules.metrics;
    let names = snapshot.metrics.keys().map(String::as_str);
    let judged = metrics.judged_beside(&names);
    let is_measured = |name: &str| snapshot.metrics.contains_key(name);
    let mut wanted: Vec<&str> = judged.clone();
    let mut rest: Vec<&str> = names
        .filter(|name| !judged.contains(name) && !MetricRules::is_part(name))
        .collect();
    rest.sort_by_cached_key(|name| metrics.direction_beside(name, is_measured) == Direction::None);
    wanted.extend(rest);
    let mut left = OTHERS_BYTES_MAX;
    let mut kept = Vec::new();
    for name in wanted {
        if primary.iter().any(|deciding| deciding == name) {
            continue;
        }
        let Some(rest) = left.checked_sub(spelled_bytes(name) + VALUE_BYTES_MAX) else {
            continue;
        };
        if let Some(value) = snapshot.metrics.get(name) {
            left = rest;
            kept.push(json!([name, value.to_json()]));
        }
    }
    kept
}

/// Returns how many bytes a text takes as JSON.
fn spelled_bytes(text: &str) -> usize {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        text.len() + 2
    } else {
        Value::from(text).to_string().len()
    }
}

/// Names what a run has in common with one that it repeats exactly: every factor, a seed among
/// them, and every metric but those that no two runs repeat to the bit.
fn twin(snapshot: &Snapshot, rules: &StageRules) -> Option<Mark> {
    if snapshot.factors.seeds.is_empty() {
        // Nothing says that it would come out the same again.
        return None;
    }
    let repeatable: BTreeMap<&str, MetricValue> = snapshot
        .metrics
        .iter()
        .filter(|(name, _)| !rules.metrics.tolerance(name).log)
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    let Factors {
        seeds,
        settings,
        versions,
    } = &snapshot.factors;
    Some(mark(&(settings, seeds, versions, repeatable)))
}

/// Names what a run has in common with its repeats: settings, versions, environment and code. Code
/// that was read in part is not known.
fn state(snapshot: &Snapshot, settings: Digest) -> Option<Mark> {
    let Captured::Known(environment) = &snapshot.environment else {
        return None;
    };
    let code = snapshot.code.as_code()?.repeated()?;
    let versions = &snapshot.factors.versions;
    let named = snapshot.environment.digest();
    let named = named.map(|digest| json!({ DIGEST: digest }));
    let environment = named.as_ref().unwrap_or(environment);
    Some(mark(&(settings, versions, environment, code)))
}

fn mark<T: Serialize>(content: &T) -> Mark {
    Mark::of(canon::digest(content))
}

/// Returns the point of the history that an envelope stands for; `None` if it has no key (a note)
/// or its summary is not one of ours.
pub(crate) fn point(seq: Seq, envelope: &Envelope) -> Option<Point> {
    let key = envelope.key_text.as_ref()?;
    let summary = &envelope.summary;
    Some(Point {
        seq: SnapshotSeq(seq.get()),
        run_id: key.run.clone(),
        attempt: Attempt(key.attempt),
        status: status(envelope)?,
        candidate: summary.get("candidate")?.as_bool()?,
        deleted: false,
        noted: PointNotes {
            seen: envelope.notes_head_seen.map_or(0, |seen| seen.seq.get()),
            ..PointNotes::default()
        },
        sweep: summary.get("sweep")?.as_str().map(str::to_owned),
        settings: digest(summary.get("settings")?)?,
        twin: match summary.get("twin") {
            Some(twin) => twin.as_str().and_then(Mark::from_text),
            // Summaries of earlier releases have none: equal values may be exact repeats.
            None => Some(mark(summary.get("primary")?)),
        },
        state: summary
            .get("state")
            .and_then(Value::as_str)
            .and_then(Mark::from_text),
        others: other_metrics(summary),
        primary: primary(envelope)?,
        sha256: to_digest(&envelope.sha256),
    })
}

/// Returns how the recorded stage ended.
pub(crate) fn status(envelope: &Envelope) -> Option<Status> {
    Status::from_word(envelope.summary.get("status")?.as_str()?)
}

/// Returns the metrics that decide, by name: one, or two or three that decide together.
pub(crate) fn primary(envelope: &Envelope) -> Option<Vec<(String, MetricValue)>> {
    let read = |metric: &Value| {
        let name = metric.get("name")?.as_str()?;
        Some((
            name.to_owned(),
            MetricValue::from_json(metric.get("value")?)?,
        ))
    };
    envelope
        .summary
        .get("primary")?
        .as_array()?
        .iter()
        .map(read)
        .collect()
}

/// Returns the other metrics that were kept; none in summaries of earlier releases.
fn other_metrics(summary: &Value) -> Arc<[(String, MetricValue)]> {
    let read = |pair: &Value| match pair.as_array()?.as_slice() {
        [name, value] => Some((name.as_str()?.to_owned(), MetricValue::from_json(value)?)),
        _ => None,
    };
    let all = summary.get("others").and_then(Value::as_array);
    all.into_iter().flatten().filter_map(read).collect()
}

/// Returns what is said of the snapshot's environment.
pub(crate) fn environment(envelope: &Envelope) -> EnvironmentSaid<'_> {
    match envelope.summary.get("environment").map(Value::as_str) {
        None => EnvironmentSaid::Unsaid,
        Some(None) => EnvironmentSaid::None,
        Some(Some(beginning)) => EnvironmentSaid::Beginning(beginning),
    }
}

/// Returns the digest of the profile the snapshot was read by.
pub(crate) fn profile(envelope: &Envelope) -> Option<Digest> {
    digest(envelope.summary.get("profile")?)
}

fn digest(value: &Value) -> Option<Digest> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_text_are_counted_as_they_are_spelled() {
        for character in ('\0'..='\u{ff}').chain(['\u{2028}', '\u{ffff}', '\u{1f600}']) {
            let text = format!("a{character}b");
            let spelled = Value::from(text.as_str()).to_string();
            assert_eq!(spelled_bytes(&text), spelled.len(), "{spelled}");
        }
    }
}
