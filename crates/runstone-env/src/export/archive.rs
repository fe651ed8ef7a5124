//! The archive that still has these versions: Debian keeps every state of its own at
//! snapshot.debian.org.
//!
//! Which state is meant follows from the dates of the lists that apt had. The archive answers with
//! the last state before the instant that is asked for, and a list is dated some hours before it is
//! there: so it is asked for the newest list and those hours. The invariant: it is a suggestion,
//! made of dates and names in Debian's grammar alone; nobody is asked whether it is there.
//!
//! # Source
//! <https://snapshot.debian.org/>, "Usage"; `Release` files,
//! <https://wiki.debian.org/DebianRepository/Format>; `sources.list(5)`, `check-valid-until`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::ToSpan as _;
use jiff::civil::DateTime;
use serde_json::Value;

use crate::document::Environment;
use crate::names::SourceName;

/// Whose lists are kept there.
const ORIGINS: [&str; 2] = ["Debian", "Debian Backports"];
/// What a suite may be made of, in the order in which it is written.
const COMPONENTS: [&str; 4] = ["main", "contrib", "non-free", "non-free-firmware"];
/// How long after its date a list is surely there, and before the next one is: the archive is made
/// four times a day.
const LATER_HOURS: i64 = 6;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Returns lines for apt that name the archive as it was, by the lists that a capture found.
pub(super) fn lines(environment: &Environment, releases: &Value) -> Option<String> {
    let mut suites: BTreeMap<&str, DateTime> = BTreeMap::new();
    for release in releases.as_array()? {
        let field = |name: &str| release.get(name).and_then(Value::as_str);
        let (Some(origin), Some(suite)) = (field("origin"), field("codename")) else {
            continue;
        };
        let date = field("date").and_then(instant);
        if let (true, true, Some(date)) = (ORIGINS.contains(&origin), is_suite(suite), date) {
            let newest = suites.entry(suite).or_insert(date);
            *newest = date.max(*newest);
        }
    }
    let newest = suites.values().max()?;
    let asked = newest.checked_add(LATER_HOURS.hours()).ok()?;
    let asked = asked.strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut lines = format!(
        "# suggested: Debian's archive, {LATER_HOURS} hours after its newest list of {newest} UTC\n"
    );
    for suite in suites.keys() {
        let archive = if suite.ends_with("-security") {
            "debian-security"
        } else {
            "debian"
        };
        let components = components(environment, suite);
        writeln!(
            lines,
            "deb [check-valid-until=no] https://snapshot.debian.org/archive/{archive}/{asked}/ {suite} {components}"
        )
        .expect("a text takes everything");
    }
    Some(lines)
}

/// Returns what the sources of the machine take of a suite, where they say it.
fn components(environment: &Environment, suite: &str) -> String {
    let apt = environment.sources.get(&SourceName::Apt);
    let sources = apt.and_then(|it| it.facts.get("sources")?.as_array());
    let lines = sources.into_iter().flatten().filter_map(Value::as_str);
    let words = lines
        .map(|line| line.split_ascii_whitespace().collect::<Vec<_>>())
        .filter(|words| words.contains(&suite));
    let words: Vec<&str> = words.flatten().collect();
    let taken = COMPONENTS.into_iter().filter(|it| words.contains(it));
    let taken = taken.collect::<Vec<_>>().join(" ");
    if taken.is_empty() {
        COMPONENTS[0].to_owned()
    } else {
        taken
    }
}

fn is_suite(name: &str) -> bool {
    let is_letter = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    name.bytes().next().is_some_and(is_letter) && name.bytes().all(|it| is_letter(it) || it == b'-')
}

/// Reads the date of a list: `Sat, 09 Nov 2024 10:03:37 UTC`.
fn instant(text: &str) -> Option<DateTime> {
    let mut words = text.split_ascii_whitespace();
    let (_, day, month, year) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let mut time = words.next()?.split(':').map(str::parse);
    if !matches!(words.next()?, "UTC" | "GMT" | "+0000" | "Z") {
        return None;
    }
    let month = MONTHS.iter().position(|it| *it == month)? + 1;
    let mut next = || time.next()?.ok();
    let (hour, minute, second) = (next()?, next()?, next()?);
    let (year, month, day) = (
        year.parse().ok()?,
        i8::try_from(month).ok()?,
        day.parse().ok()?,
    );
    DateTime::new(year, month, day, hour, minute, second, 0).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::Source;
    use crate::names::State;

    fn machine(sources: &[&str]) -> Environment {
        let mut apt = Source::without_facts(State::Captured);
        apt.facts.insert("sources".to_owned(), json!(sources));
        Environment {
            sources: [(SourceName::Apt, apt)].into(),
        }
    }

    fn release(codename: &str, date: &str) -> Value {
        json!({ "origin": "Debian", "suite": "oldstable", "codename": codename, "date": date })
    }

    #[test]
    fn archive_is_asked_for_as_it_was_after_the_newest_list() {
        let environment = machine(&[
            "deb http://deb.debian.org/debian bookworm bookworm-updates main contrib",
            "deb http://deb.debian.org/debian-security bookworm-security main",
        ]);
        let releases = json!([
            release("bookworm", "Sat, 09 Nov 2024 10:03:37 UTC"),
            release("bookworm-security", "Sun, 10 Nov 2024 21:00:00 UTC"),
            { "origin": "Docker", "codename": "bookworm", "date": "Mon, 11 Nov 2024 10:00:00 UTC" },
        ]);
        assert_eq!(
            lines(&environment, &releases).unwrap(),
            "# suggested: Debian's archive, 6 hours after its newest list of 2024-11-10T21:00:00 UTC\n\
             deb [check-valid-until=no] https://snapshot.debian.org/archive/debian/20241111T030000Z/ bookworm main contrib\n\
             deb [check-valid-until=no] https://snapshot.debian.org/archive/debian-security/20241111T030000Z/ bookworm-security main\n"
        );
    }

    #[test]
    fn nothing_is_suggested_where_no_list_of_debian_says_its_date() {
        for releases in [
            json!(null),
            json!([]),
            json!([release("bookworm", "yesterday")]),
            json!([release("bookworm", "Sat, 31 Feb 2024 10:03:37 UTC")]),
            json!([release("bookworm", "Sat, 09 Nov 2024 10:03:37 CET")]),
            json!([release(
                "bookworm main\ndeb http://x",
                "Sat, 09 Nov 2024 10:03:37 UTC"
            )]),
            json!([{ "origin": "Ubuntu", "codename": "noble", "date": "Sat, 09 Nov 2024 10:03:37 UTC" }]),
        ] {
            assert_eq!(lines(&machine(&[]), &releases), None, "{releases}");
        }
        let plain = json!([release("trixie", "Sat, 09 Nov 2024 10:03:37 UTC")]);
        assert!(
            lines(&machine(&[]), &plain)
                .unwrap()
                .ends_with(" trixie main\n")
        );
    }
}
