//! What came in the last days, by the clocks of those who recorded.
//!
//! Those clocks order nothing, and entries of one log may stand in another order than theirs: each
//! log is read from its end until many in a row are older. The sums are for talk, and nothing is
//! decided by them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use runstone_store::{CohortName, Log, Seq, Slot};
use serde_json::{Value, json};

use crate::error::Error;
use crate::open::Ledger;

/// Entries in a row that are older, after which a log is not read on: as many as a chunk of a
/// stream takes a few of, whose writers' clocks may differ.
const OLDER_MAX: u32 = 256;

/// What came in the last days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Growth {
    /// Each day with something in it, in UTC, oldest first.
    pub days: BTreeMap<String, Day>,
    /// Entries whose date cannot be told: damaged, of a later release, or without an instant.
    pub undated: u64,
}

/// What came on one day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Day {
    /// Snapshots.
    pub snapshots: u64,
    /// Bytes of their payloads as they are stored, without envelopes, views and segments.
    pub stored_bytes: u64,
}

impl Growth {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "days": self.days.iter().map(|(date, day)| json!({
                "date": date,
                "snapshots": day.snapshots,
                "stored_bytes": day.stored_bytes,
            })).collect::<Vec<_>>(),
            "undated": self.undated,
        })
    }
}

impl Ledger {
    /// Adds up what was recorded in the last `days` days, today included.
    pub(super) fn growth(&self, heads: &[(CohortName, u64)], days: u32) -> Result<Growth, Error> {
        let mut growth = Growth::default();
        let today = date_of(&self.clock.now());
        let first = today.and_then(|today| today.checked_sub(i64::from(days).days()).ok());
        let Some(first) = first else {
            return Ok(growth);
        };
        for (cohort, head) in heads {
            let log = Log::Cohort(cohort.clone());
            let mut older = 0;
            let mut next = Seq::new(*head);
            while let Some(seq) = next.filter(|_| older < OLDER_MAX) {
                next = seq.previous();
                let envelope = match self.store.peek_copy(&log, seq).map_err(Error::from) {
                    Ok(Slot::Whole(envelope)) => Some(envelope),
                    Ok(Slot::Absent | Slot::Damaged(_)) => None,
                    Err(error) if error.costs_its_place_alone() => None,
                    Err(error) => return Err(error),
                };
                let dated = envelope.and_then(|it| Some((date_of(&it.recorded_at)?, it)));
                let Some((date, envelope)) = dated else {
                    growth.undated += 1;
                    older += 1;
                    continue;
                };
                if date <= first {
                    older += 1;
                    continue;
                }
                older = 0;
                let day = growth.days.entry(date.to_string()).or_default();
                day.snapshots += 1;
                day.stored_bytes += envelope.stored_bytes;
            }
        }
        Ok(growth)
    }
}

fn date_of(instant: &str) -> Option<Date> {
    let instant: Timestamp = instant.parse().ok()?;
    Some(instant.to_zoned(TimeZone::UTC).date())
}
