//! Times in talk: relative, short, in one unit.

use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::env_vars;
use crate::error::CliError;

/// Returns how long ago an instant was, such as `2 h ago`; the text itself if it is no instant.
pub(crate) fn ago(instant: &str) -> String {
    match instant.parse::<Timestamp>() {
        Ok(then) => ago_at(then, now()),
        Err(_not_an_instant) => instant.to_owned(),
    }
}

fn now() -> Timestamp {
    env_vars::clock()
        .now()
        .parse()
        .unwrap_or_else(|_not_an_instant| Timestamp::now())
}

fn ago_at(then: Timestamp, now: Timestamp) -> String {
    let passed = now.duration_since(then);
    if passed.is_negative() {
        // Another machine's clock is ahead of ours: the date is all that can be said.
        return format!("{then:.0}");
    }
    format!("{} ago", span(passed))
}

/// Returns how much earlier one instant was than another, such as `1 day earlier`.
pub(crate) fn earlier(then: &str, now: &str) -> Option<String> {
    let (then, now) = (
        then.parse::<Timestamp>().ok()?,
        now.parse::<Timestamp>().ok()?,
    );
    let passed = now.duration_since(then);
    (!passed.is_negative()).then(|| format!("{} earlier", span(passed)))
}

fn span(passed: SignedDuration) -> String {
    let seconds = passed.as_secs();
    let days = seconds / 86_400;
    match seconds {
        0 => "moments".to_owned(),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ if days == 1 => "1 day".to_owned(),
        _ => format!("{days} days"),
    }
}

/// Reads `--since`: an instant, a date (UTC), or a while such as `90m`, `24h`, `7d`.
pub(crate) fn since(text: &str) -> Result<String, CliError> {
    since_at(text, now()).ok_or_else(|| {
        CliError::usage(
            format!("`{text}` is neither an instant nor a while"),
            "write `2026-11-20T10:00:00Z`, `2026-11-20`, `90m`, `24h` or `7d`",
        )
    })
}

fn since_at(text: &str, now: Timestamp) -> Option<String> {
    let from = if let Ok(instant) = text.parse::<Timestamp>() {
        instant
    } else if let Ok(date) = text.parse::<Date>() {
        date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()
    } else {
        let passed = SignedDuration::from_secs(seconds_in(text)?);
        now.checked_sub(passed).ok()?
    };
    Some(format!("{from:.3}"))
}

/// Reads `--older-than`: a while such as `90m`, `24h`, `7d`; no time at all is none.
pub(crate) fn while_ago(text: &str) -> Result<Duration, String> {
    let seconds = seconds_in(text).and_then(|seconds| u64::try_from(seconds).ok());
    let seconds = seconds.filter(|seconds| *seconds > 0);
    let wanted = "write a while that is not 0, such as `90m`, `24h`, `30d` or `8w`";
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| wanted.to_owned())
}

/// Returns how many seconds a while is.
fn seconds_in(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let count: i64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    count.checked_mul(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn spans_are_told_in_one_unit() {
        let now = at("2026-11-20T10:00:00Z");
        for (then, said) in [
            ("2026-11-20T09:59:59.5Z", "moments ago"),
            ("2026-11-20T09:59:18Z", "42 s ago"),
            ("2026-11-20T07:30:00Z", "2 h ago"),
            ("2026-11-19T09:00:00Z", "1 day ago"),
            ("2026-11-01T10:00:00Z", "19 days ago"),
            ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z"),
        ] {
            assert_eq!(ago_at(at(then), now), said);
        }
    }

    #[test]
    fn since_takes_instants_dates_and_whiles() {
        let now = at("2026-11-20T10:00:00Z");
        assert_eq!(since_at("24h", now).unwrap(), "2026-11-19T10:00:00.000Z");
        assert_eq!(
            since_at("2026-11-19", now).unwrap(),
            "2026-11-19T00:00:00.000Z"
        );
        assert_eq!(
            since_at("2026-11-19T12:00:00+02:00", now).unwrap(),
            "2026-11-19T10:00:00.000Z"
        );
        assert_eq!(since_at("yesterday", now), None);
        assert_eq!(since_at("", now), None);
        assert_eq!(since_at("9999999999999999d", now), None);
    }

    #[test]
    fn no_time_at_all_is_no_while() {
        assert_eq!(while_ago("90m"), Ok(Duration::from_mins(90)));
        for text in [
            "0d",
            "-1d",
            "",
            "d",
            "7",
            "99999999999999999w",
            "2026-11-19",
        ] {
            assert!(while_ago(text).is_err(), "{text}");
        }
    }
}
