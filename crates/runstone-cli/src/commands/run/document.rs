//! What a run is recorded as: the document joined of everything that is known of it.
//!
//! What the command left goes below what was given beside it, member by member, so that an option
//! is never overruled by a file, and what was measured goes above both.

use runstone::RecordRequest;
use runstone::core::input::{Fill, Overrides, RunInput};
use runstone::core::snapshot::Captured;
use runstone::refused::deepen;
use serde_json::{Map, Value, json};

use super::execution::{Execution, Outcome};
use super::sources::Source;
use crate::execution::{Left, facts};
use crate::values::called;

/// Where it is said, the member of the document it stands below, and the fields.
type Joined<'l> = (&'static str, Option<&'static str>, &'l Map<String, Value>);

impl Execution {
    /// Returns what to record, as far as it is known.
    pub(super) fn request(&self, left: &Left, outcome: Option<&Outcome>) -> RecordRequest {
        let Self { args, stated, .. } = self;
        let mut document = Map::new();
        for (_, member, said) in self.joined(left) {
            let Some(member) = member else {
                deepen(&mut document, said);
                continue;
            };
            let below = document
                .entry(member)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Some(below) = below.as_object_mut() {
                deepen(below, said);
            }
        }
        document.extend(outcome.map(Outcome::measured).unwrap_or_default());
        RecordRequest {
            name: "the run".to_owned(),
            input: RunInput::from_document(document),
            overrides: Overrides {
                run_id: Some(stated.run_id.clone()),
                stage: Some(stated.stage.clone()),
                attempt: None,
                experiment: args.experiment.clone(),
                sweep: stated.sweep.clone(),
                candidate: stated.candidate,
                metrics: left.all_metrics(),
                set: self.set.clone(),
                fill: Fill {
                    experiment: self.experiment.clone(),
                    ..Fill::default()
                },
            },
            attempt: stated.attempt,
            profile: self.profile.clone(),
            process: match outcome {
                Some(Outcome { ended, .. }) => Captured::Known(facts::of(
                    &self.nonce,
                    &self.program,
                    ended,
                    self.job.as_ref(),
                )),
                None => RecordRequest::no_process(),
            },
            environment: self.environment.clone(),
        }
    }

    /// Returns who says what of the run, in the order in which their words count.
    pub(super) fn sources<'d>(
        &'d self,
        left: &'d Left,
        measured: &'d Map<String, Value>,
    ) -> Vec<Source<'d>> {
        let joined = self.joined(left).into_iter();
        let mut sources: Vec<Source<'d>> = joined
            .map(|(name, member, said)| Source::joining(name, member, said))
            .collect();
        let own = self.metrics.as_ref().map(|file| called(file.path()));
        for (name, found) in [
            ("in metrics.json".to_owned(), &left.metrics),
            (format!("in {}", own.unwrap_or_default()), &left.own_metrics),
        ] {
            if let Some(found) = found {
                sources.push(Source::replacing(name, Some("metrics"), found));
            }
        }
        sources.push(Source::replacing("as `runstone` saw it", None, measured));
        sources.push(Source::at_paths("by `--set`", &self.set));
        sources
    }

    /// Returns what joins the document, each below the member that is named or at the top, with the
    /// place where it is said: what the command left, then what was given.
    fn joined<'l>(&'l self, left: &'l Left) -> Vec<Joined<'l>> {
        let places = &self.stated.places;
        let identity = places.identity_below.then_some("identity");
        let factors = places.factors_below.then_some("factors");
        [
            ("in identity.json", identity, left.identity.as_ref()),
            ("in factors.json", factors, left.factors.as_ref()),
            ("given", identity, Some(&self.stated.identity)),
            ("given", factors, Some(&self.stated.factors)),
        ]
        .into_iter()
        .filter_map(|(name, member, said)| Some((name, member, said?)))
        .filter(|(_, _, said)| !said.is_empty())
        .collect()
    }
}

impl Outcome {
    /// Returns the fields that were measured, which nobody else can say.
    pub(super) fn measured(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        if !self.artifacts.is_empty() {
            fields.insert("artifacts".to_owned(), json!(self.artifacts));
        }
        let status = facts::status(&self.ended);
        fields.insert("status".to_owned(), json!(status.as_str()));
        fields.insert("started_at".to_owned(), json!(self.started_at));
        fields.insert("finished_at".to_owned(), json!(self.finished_at));
        fields
    }
}
