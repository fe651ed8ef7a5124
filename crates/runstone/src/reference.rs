//! How people name a snapshot, before anything is looked up.
//!
//! A [`Reference`] is the text of a command line taken apart without touching a store, so every
//! spelling can be tested by itself. Run ids may hold colons and `@`, therefore a text has several
//! readings; [`Reference::run_readings`] lists them, longest run id first, and finding out which
//! one exists belongs to [`crate::find`].

use runstone_core::id::{Attempt, SnapshotSeq};

/// A snapshot as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// `@latest`: the newest snapshot of the store.
    Latest,
    /// `@prev`: what the newest snapshot was compared with.
    Previous,
    /// `@baseline`: the yardstick of the newest snapshot's cohort.
    Baseline,
    /// `COHORT#seq`: a position in the log of a cohort, by a unique prefix of its id.
    Position {
        /// The cohort, or a unique prefix of its id or of its last 16 digits.
        cohort: String,
        /// The position.
        seq: SnapshotSeq,
    },
    /// Anything else: a run id with or without stage, attempt and cohort, or a digest's prefix.
    Text(String),
}

/// One way to read a text as a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunReading {
    /// The run id.
    pub run_id: String,
    /// The stage, if named.
    pub stage: Option<String>,
    /// The attempt, if named.
    pub attempt: Option<Attempt>,
    /// A prefix of the cohort, if named.
    pub cohort: Option<String>,
}

impl Reference {
    /// Reads a reference; any text is one.
    pub fn parse(text: &str) -> Self {
        match text {
            "@latest" => return Self::Latest,
            "@prev" => return Self::Previous,
            "@baseline" => return Self::Baseline,
            _ => {}
        }
        if let Some((cohort, seq)) = text.rsplit_once('#')
            && let Ok(seq) = seq.parse::<u64>()
            && is_cohort_text(cohort)
            && seq > 0
        {
            return Self::Position {
                cohort: cohort.to_owned(),
                seq: SnapshotSeq(seq),
            };
        }
        Self::Text(text.to_owned())
    }

    /// Returns every way to read `text` as a run, the longest run id first.
    pub fn run_readings(text: &str) -> Vec<RunReading> {
        let mut readings = readings_of(text, None);
        if let Some((run, cohort)) = text.rsplit_once('@')
            && is_cohort_text(cohort)
        {
            readings.extend(readings_of(run, Some(cohort)));
        }
        readings
    }

    /// Returns whether `text` could be the beginning of a digest: 4 to 64 hex digits.
    pub fn is_digest_prefix(text: &str) -> bool {
        (4..=64).contains(&text.len())
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }
}

fn readings_of(text: &str, cohort: Option<&str>) -> Vec<RunReading> {
    let cohort = cohort.map(str::to_owned);
    let mut readings = Vec::new();
    let mut push = |run_id: &str, stage: Option<&str>, attempt| {
        if !run_id.is_empty() {
            readings.push(RunReading {
                run_id: run_id.to_owned(),
                stage: stage.map(str::to_owned),
                attempt,
                cohort: cohort.clone(),
            });
        }
    };
    push(text, None, None);
    if let Some((run_id, stage)) = text.rsplit_once(':') {
        push(run_id, Some(stage), None);
        if let Ok(attempt) = stage.parse()
            && let Some((run_id, stage)) = run_id.rsplit_once(':')
        {
            push(run_id, Some(stage), Some(Attempt(attempt)));
        }
    }
    readings
}

fn is_cohort_text(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_names_cohort_and_seq() {
        assert_eq!(
            Reference::parse("train.churn.3f9a0c1e7b42d001#27"),
            Reference::Position {
                cohort: "train.churn.3f9a0c1e7b42d001".to_owned(),
                seq: SnapshotSeq(27),
            }
        );
        assert!(matches!(Reference::parse("Run#27"), Reference::Text(_)));
        assert!(matches!(Reference::parse("train#0"), Reference::Text(_)));
    }

    #[test]
    fn a_run_id_with_colons_is_tried_whole_first() {
        let readings = Reference::run_readings("2025-12-19T10:30:00Z:TRAINING:1");
        assert_eq!(readings[0].run_id, "2025-12-19T10:30:00Z:TRAINING:1");
        assert_eq!(readings[1].stage.as_deref(), Some("1"));
        assert_eq!(readings[2].run_id, "2025-12-19T10:30:00Z");
        assert_eq!(readings[2].stage.as_deref(), Some("TRAINING"));
        assert_eq!(readings[2].attempt, Some(Attempt(1)));
    }

    #[test]
    fn a_cohort_after_the_at_sign_narrows() {
        let readings = Reference::run_readings("r1:train@train.churn");
        let narrowed = readings
            .iter()
            .find(|reading| reading.stage.is_some() && reading.cohort.is_some())
            .unwrap();
        assert_eq!(narrowed.run_id, "r1");
        assert_eq!(narrowed.cohort.as_deref(), Some("train.churn"));
    }
}
