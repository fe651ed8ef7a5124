//! Instants: the same moment in two zones is the same text.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// An instant as UTC RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instant {
    pub(super) utc: String,
    pub(super) zone: Zone,
}

/// Whether a text said in which zone it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    /// By an offset or `Z`.
    Stated,
    /// Not at all; it was read as UTC.
    Assumed,
}

impl Instant {
    /// Reads a date, or a date and time, with or without an offset. `None` if the text is neither.
    /// A zone by name is refused: what it means depends on a table that changes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.contains('[') {
            return None;
        }
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Some(Self {
                utc: instant.to_string(),
                zone: Zone::Stated,
            });
        }
        let civil: DateTime = text.parse().ok()?;
        let instant = TimeZone::UTC.to_timestamp(civil).ok()?;
        Some(Self {
            utc: instant.to_string(),
            zone: Zone::Assumed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<String> {
        Instant::parse(text).map(|instant| instant.utc)
    }

    #[test]
    fn one_instant_in_two_zones_is_one_text() {
        assert_eq!(
            utc("2025-04-01T02:00:00+02:00"),
            utc("2025-04-01T00:00:00Z")
        );
        assert_eq!(
            utc("2025-04-01T00:00:00.500Z").unwrap(),
            "2025-04-01T00:00:00.5Z"
        );
    }

    #[test]
    fn a_date_without_a_zone_is_utc_and_says_so() {
        let instant = Instant::parse("2025-04-01").unwrap();
        assert_eq!(
            (instant.utc.as_str(), instant.zone),
            ("2025-04-01T00:00:00Z", Zone::Assumed)
        );
    }

    #[test]
    fn other_text_and_named_zones_are_no_instants() {
        for text in [
            "",
            "yesterday",
            "2025-13-01",
            "2025-04-01T00:00:00[Europe/Berlin]",
        ] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }
}
