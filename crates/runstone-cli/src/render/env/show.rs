//! One environment as text: its sources, the packages of one, and the runs it carried.

use std::fmt::Display;

pub(crate) use runstone::env::SourceName;
use runstone::env::document::Package;
use runstone::env::{Source, State};
use runstone::environments::{FoundEnvironment, RunsOfEnvironment};
use serde_json::Value;

use super::list::{DIGITS, headed, signature};
use crate::render::lines::{behind, headed as headed_run, line, wrapped};
use crate::render::words::count;
use crate::ui::{FAINT, NAME, WARNING, plain};

/// Columns of a source's name.
const NAME_SIZE: usize = 10;

/// Reads the name of a source.
pub(crate) fn source(word: &str) -> Result<SourceName, String> {
    SourceName::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = SourceName::ALL.iter().map(|it| it.as_str()).collect();
        format!("write one of `{}`", words.join("`, `"))
    })
}

/// Returns an environment with what was read of each source; of `packages` every one.
pub(crate) fn shown(
    found: &FoundEnvironment,
    runs: Option<&RunsOfEnvironment>,
    packages: Option<SourceName>,
) -> String {
    let mut text = match &found.kept {
        Some(kept) => headed("", kept) + &signature(kept),
        None => wrapped(&format!(
            "{NAME}{}{NAME:#}  not kept by itself",
            found.digest().prefix(DIGITS)
        )),
    };
    let captured = |member| found.named.captured(member).and_then(Value::as_str);
    let machine = [captured("host"), captured("root")];
    let machine: Vec<String> = machine.into_iter().flatten().map(plain).collect();
    if !machine.is_empty() {
        text.push_str(&behind(
            &format!("  {FAINT}of{FAINT:#} "),
            &machine.join(", "),
        ));
    }
    for (name, source) in &found.environment.sources {
        // What is not there is no part of the machine; `--json` says it of each.
        if source.state != State::Absent {
            text.push_str(&source_line(*name, source));
        }
        if packages == Some(*name) {
            source
                .packages
                .iter()
                .for_each(|it| package_line(&mut text, it));
        }
    }
    if let Some(runs) = runs {
        text.push_str(&runs_of(runs));
    }
    text
}

fn source_line(name: SourceName, source: &Source) -> String {
    let mut words = Vec::new();
    if source.state != State::Captured {
        words.push(format!("{WARNING}{}{WARNING:#}", source.state.as_str()));
    }
    if !source.packages.is_empty() {
        words.push(count(source.packages.len() as u64, "package"));
    }
    // Facts that are one word or number; lists and tables are for programs.
    let plain_facts = source.facts.iter().filter_map(|(fact, value)| match value {
        Value::String(text) => Some(format!("{} {}", plain(fact), plain(text))),
        Value::Number(number) => Some(format!("{} {number}", plain(fact))),
        _ => None,
    });
    words.extend(plain_facts);
    let name = name.as_str();
    let lead = format!("  {FAINT}{name:NAME_SIZE$}{FAINT:#} ");
    if words.is_empty() {
        words.push("captured".to_owned());
    }
    behind(&lead, &words.join(", "))
}

fn package_line(text: &mut String, package: &Package) {
    let arch: &dyn Display = match &package.arch {
        Some(arch) => &format!(":{}", plain(arch)),
        None => &"",
    };
    let (name, version) = (plain(&package.name), plain(&package.version));
    line(text, format_args!("    {name}{arch} {version}"));
}

fn runs_of(runs: &RunsOfEnvironment) -> String {
    if runs.runs.is_empty() {
        return wrapped("no run was recorded with it");
    }
    let number = count(runs.runs.len() as u64, "run");
    let mut text = wrapped(&format!("{number} recorded with it"));
    for stored in &runs.runs {
        text.push_str(&headed_run("  ", stored));
    }
    text
}
