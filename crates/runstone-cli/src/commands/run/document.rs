//! What a run is recorded as: the document joined of everything that is known of it.
//!
//! What the command left goes below what was given beside it, member by member, so that an option
//! is never overruled by a file.

use runstone::RecordRequest;
use runstone::core::input::{Fill, Overrides, RunInput};
use runstone::core::snapshot::Captured;
use serde_json::{Map, Value, json};

use super::execution::{Execution, Outcome};
use crate::commands::refused;
use crate::execution::{Left, facts};

impl Execution {
    /// Returns what to record, as far as it is known.
    pub(super) fn request(&self, left: &Left, outcome: Option<&Outcome>) -> RecordRequest {
        let Self { args, stated, .. } = self;
        let mut document = Map::new();
        let objects = [
            (
                "identity",
                stated.places.identity_below,
                &left.identity,
                &stated.identity,
            ),
            (
                "factors",
                stated.places.factors_below,
                &left.factors,
                &stated.factors,
            ),
        ];
        for (member, is_below, found, said) in objects {
            let mut object = found.clone().unwrap_or_default();
            refused::deepen(&mut object, said);
            if is_below && !object.is_empty() {
                document.insert(member.to_owned(), Value::Object(object));
            } else if !is_below {
                document.extend(object);
            }
        }
        if let Some(Outcome {
            started_at,
            finished_at,
            ended,
            artifacts,
        }) = outcome
        {
            if !artifacts.is_empty() {
                document.insert("artifacts".to_owned(), json!(artifacts));
            }
            document.insert("status".to_owned(), json!(facts::status(ended).as_str()));
            document.insert("started_at".to_owned(), json!(started_at));
            document.insert("finished_at".to_owned(), json!(finished_at));
        }
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
                metrics: left.metrics.clone(),
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
        }
    }
}
