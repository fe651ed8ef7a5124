//! Fingerprints: one digest per part of a run, for a quick "is this part the same?".
//!
//! Each has its name mixed in, so that equal content of two parts never gives equal digests. What a
//! fingerprint covers is said in words beside it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::canon;
use crate::digest::Digest;
use crate::metric::MetricValue;
use crate::record::{Identity, Measured};
use crate::snapshot::Factors;

/// The name of the fingerprint over the settings.
pub(super) const SETTINGS: &str = "settings_signature";
/// Stands before the name of an identity group that is called like another part of a run.
const APART: &str = "identity.";

/// The fingerprints of a run, and what each covers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Fingerprints {
    pub(super) digests: BTreeMap<String, Digest>,
    pub(super) sources: BTreeMap<String, String>,
}

impl Fingerprints {
    pub(super) fn of(
        identity: &Identity,
        factors: &Factors,
        measured: &Measured,
        artifacts: &[Value],
    ) -> Self {
        let mut prints = Self::default();
        for (group, fields) in identity {
            let paths: Vec<&str> = fields.keys().map(String::as_str).collect();
            let words = format!("identity group `{group}`: {}", paths.join(", "));
            prints.add(&signature_name(group), &json!(fields), words);
        }
        prints.add(
            SETTINGS,
            &json!(factors.settings),
            "every setting".to_owned(),
        );
        let all = json!({
            "settings": factors.settings,
            "seeds": factors.seeds,
            "versions": factors.versions,
        });
        prints.add(
            "factors_signature",
            &all,
            "every setting, seed and version".to_owned(),
        );
        let metrics: BTreeMap<&String, Value> = measured
            .metrics
            .iter()
            .map(|(name, value)| (name, value.to_json()))
            .collect();
        let words = "every metric, its samples, and every label".to_owned();
        let outputs = json!({
            "metrics": metrics,
            "samples": samples(measured),
            "labels": measured.labels,
        });
        prints.add("metrics_signature", &outputs, words);
        prints.add(
            "artifacts_signature",
            &json!(artifacts),
            "every artifact, by path".to_owned(),
        );
        prints
    }

    fn add(&mut self, name: &str, content: &Value, words: String) {
        self.digests.insert(
            name.to_owned(),
            Digest::of_named(name, &canon::bytes(content)),
        );
        self.sources.insert(name.to_owned(), words);
    }
}

/// Names the fingerprint of an identity group, which a document may call whatever it likes: one
/// called like another part of a run is told apart, and no group gets the name of another.
pub(crate) fn signature_name(group: &str) -> String {
    const PARTS: [&str; 4] = ["settings", "factors", "metrics", "artifacts"];
    let is_taken = PARTS.contains(&group) || group.starts_with(APART);
    let apart = if is_taken { APART } else { "" };
    format!("{apart}{group}_signature")
}

fn samples(measured: &Measured) -> BTreeMap<&String, Vec<Value>> {
    let to_json = |value: &f64| MetricValue::new(*value).to_json();
    let samples = measured.samples.iter();
    samples
        .map(|(name, values)| (name, values.iter().map(to_json).collect()))
        .collect()
}
