//! What a store weighs, as text.

use runstone::stats::{CohortStats, Stats, Sum};
use runstone::store::{CohortName, Ware};
use serde_json::Value;

use crate::render::format::{Format, Rows};
use crate::render::lines::wrapped;
use crate::render::words::{cohort_prefix, count};
use crate::ui::{WARNING, plain};

/// Cohorts that are listed when not all are asked for.
const COHORTS_SHOWN: usize = 10;

/// Returns bytes by kind, the largest cohorts, the last days, then what could not be looked at.
pub(crate) fn text(stats: &Stats, all: bool) -> String {
    let mut text = kinds(stats);
    if !stats.cohorts.is_empty() {
        text.push('\n');
        text.push_str(&cohorts(stats, all));
    }
    if !stats.growth.days.is_empty() {
        text.push('\n');
        text.push_str(&days(stats));
    }
    for unread in &stats.unread {
        let unread = plain(unread);
        text.push_str(&wrapped(&format!(
            "{WARNING}not counted{WARNING:#} {unread}"
        )));
    }
    text
}

fn kinds(stats: &Stats) -> String {
    let mut rows = Rows::new(&["kind", "files", "bytes", "on disk"]);
    let row = |word: &str, sum: &Sum| {
        let files = match sum.links {
            0 => sum.files.to_string(),
            links => format!("{} and {}", sum.files, count(links, "link")),
        };
        vec![word.to_owned(), files, size(sum.bytes), size(sum.disk)]
    };
    for ware in Ware::ALL {
        if let Some(sum) = stats.kinds.get(&ware) {
            rows.push(row(ware.word(), sum));
        }
    }
    rows.push(row("all", &stats.total));
    rows.render(Format::Table, &Value::Null, "")
}

fn cohorts(stats: &Stats, all: bool) -> String {
    let ids: Vec<&str> = stats.cohorts.keys().map(CohortName::as_str).collect();
    let mut largest: Vec<(&CohortName, &CohortStats)> = stats.cohorts.iter().collect();
    largest.sort_by_key(|(name, stats)| (std::cmp::Reverse(stats.total.disk), *name));
    let shown = if all { largest.len() } else { COHORTS_SHOWN };
    let mut rows = Rows::new(&["cohort", "snapshots", "bytes", "on disk", "each"]);
    for (name, stats) in largest.iter().take(shown) {
        rows.push(vec![
            cohort_prefix(name.as_str(), &ids).to_owned(),
            match stats.snapshots {
                Some(snapshots) => snapshots.to_string(),
                None => "unknown".to_owned(),
            },
            size(stats.total.bytes),
            size(stats.total.disk),
            stats.disk_per_snapshot().map(size).unwrap_or_default(),
        ]);
    }
    let mut text = rows.render(Format::Table, &Value::Null, "");
    let more = largest.len().saturating_sub(shown);
    if more > 0 {
        text.push_str(&wrapped(&format!(
            "and {}: `runstone stats --all`",
            count(more as u64, "smaller cohort")
        )));
    }
    text
}

fn days(stats: &Stats) -> String {
    let mut rows = Rows::new(&["recorded on", "snapshots", "documents as stored"]);
    for (date, day) in &stats.growth.days {
        rows.push(vec![
            date.clone(),
            day.snapshots.to_string(),
            size(day.stored_bytes),
        ]);
    }
    rows.render(Format::Table, &Value::Null, "")
}

/// Returns bytes in the largest unit that leaves a whole one, with one decimal.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut tenths = u128::from(bytes) * 10;
    let mut unit = "B";
    for next in UNITS {
        // What would be rounded to 1024.0 belongs to the next unit.
        if tenths < 10_235 && unit != "B" || bytes < 1024 {
            break;
        }
        tenths = (tenths + 512) / 1024;
        unit = next;
    }
    match unit {
        "B" => format!("{bytes} B"),
        _ => format!("{}.{} {unit}", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_largest_unit_that_leaves_a_whole_one() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (1024 * 1024, "1.0 MiB"),
            (5_368_709_120, "5.0 GiB"),
            (u64::MAX, "16384.0 PiB"),
        ] {
            assert_eq!(size(bytes), shown, "{bytes}");
        }
    }
}
