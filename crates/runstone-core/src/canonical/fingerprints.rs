//! Fingerprints: one digest per part of a run, for a quick "is this part the same?".
//!
//! Each has its name mixed in, so that equal content of two parts never gives equal digests. What a
//! fingerprint covers is said in words beside it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::canon;
use crate::digest::Digest;
use crate::metric::{MetricValue, Samples};
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
            prints.add(&signature_name(group), fields, words);
        }
        prints.add(SETTINGS, &factors.settings, "every setting".to_owned());
        prints.add(
            "factors_signature",
            factors,
            "every setting, seed and version".to_owned(),
        );
        let outputs = Outputs {
            labels: &measured.labels,
            metrics: &measured.metrics,
            samples: Samples(&measured.samples),
        };
        prints.add(
            "metrics_signature",
            &outputs,
            "every metric, its samples, and every label".to_owned(),
        );
        prints.add(
            "artifacts_signature",
            artifacts,
            "every artifact, by path".to_owned(),
        );
        prints
    }

    fn add<T: Serialize + ?Sized>(&mut self, name: &str, content: &T, words: String) {
        self.digests.insert(
            name.to_owned(),
            Digest::of_named(name, &canon::bytes(content)),
        );
        self.sources.insert(name.to_owned(), words);
    }
}

/// What a run put out.
#[derive(Serialize)]
struct Outputs<'m> {
    labels: &'m BTreeMap<String, Value>,
    metrics: &'m BTreeMap<String, MetricValue>,
    samples: Samples<'m>,
}

/// Names the fingerprint of an identity group, which a document may call whatever it likes: one
/// called like another part of a run is told apart, and no group gets the name of another.
pub(crate) fn signature_name(group: &str) -> String {
    const PARTS: [&str; 4] = ["settings", "factors", "metrics", "artifacts"];
    let is_taken = PARTS.contains(&group) || group.starts_with(APART);
    let apart = if is_taken { APART } else { "" };
    format!("{apart}{group}_signature")
}
