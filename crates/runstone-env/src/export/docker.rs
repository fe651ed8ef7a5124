//! A fragment of a Dockerfile: packages of the distribution, of Python, and variables.
//!
//! Put together of the exports for apt and pip, which stand beside it as files and are copied in;
//! what they leave out is left out here. Only Debian's and Ubuntu's images are named: for others
//! the first line is left to whoever builds. The invariant is theirs: a value is quoted, and one
//! that no quote holds is left out.
//!
//! # Source
//! <https://docs.docker.com/reference/dockerfile/>: `FROM`, `COPY`, `RUN`, `ENV`, and replacement
//! of variables.

use serde_json::Value;

use super::{Details, Export, LeftOut, Part, apt, requirements};
use crate::document::{Environment, Source};
use crate::grammar;
use crate::names::{SourceName, State};

/// Distributions whose images are called like them and tagged with their release.
const IMAGES: [&str; 2] = ["debian", "ubuntu"];
/// Variables that name places of the machine they were captured on.
const PLACES: [&str; 3] = ["LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH"];

pub(super) fn export(environment: &Environment) -> Export {
    let mut text = format!("# environment {}\n", environment.digests().environment);
    text.push_str(&image(environment));
    let mut parts = Vec::new();
    let mut left_out = Vec::new();
    if let Some(dpkg) = read(environment, SourceName::Dpkg) {
        let apt = apt::export(environment, dpkg, &Details::default());
        packages(&apt, &mut text);
        left_out.extend(apt.left_out);
        parts.extend(apt.parts.into_iter().filter(|it| it.file == apt::PINS));
    }
    if let Some(python) = read(environment, SourceName::Python) {
        let python = requirements::export(environment, python);
        text.push_str(
            "COPY requirements.txt /tmp/requirements.txt\n\
             RUN python3 -m pip install --no-deps --no-cache-dir --requirement /tmp/requirements.txt\n",
        );
        left_out.extend(python.left_out);
        parts.extend(python.parts);
    }
    if let Some(variables) = read(environment, SourceName::Variables) {
        for (name, value) in &variables.facts {
            match variable(name, value) {
                Ok(line) => text.push_str(&line),
                Err(reason) => left_out.push(LeftOut {
                    source: SourceName::Variables,
                    item: name.clone(),
                    reason: reason.to_owned(),
                }),
            }
        }
    }
    let file = "Dockerfile";
    parts.insert(0, Part { file, text });
    Export { parts, left_out }
}

fn read(environment: &Environment, name: SourceName) -> Option<&Source> {
    let source = environment.sources.get(&name)?;
    matches!(source.state, State::Captured | State::Partial).then_some(source)
}

/// Returns the first order, where the image is known by the distribution.
fn image(environment: &Environment) -> String {
    let os = read(environment, SourceName::Os);
    let release = os.and_then(|it| it.facts.get("release"));
    let fact = |name: &str| release.and_then(|it| it.get(name)?.as_str());
    match (fact("id"), fact("version_id")) {
        (Some(id), Some(release)) if IMAGES.contains(&id) && grammar::is_release(release) => {
            format!("FROM {id}:{release}\n")
        }
        _ => "# FROM: the distribution is none whose image is known by its name\n".to_owned(),
    }
}

fn packages(apt: &Export, text: &mut String) {
    let lists = apt.parts.iter().filter(|it| it.file == apt::PACKAGES);
    let lines: Vec<&str> = lists
        .flat_map(|it| it.text.lines())
        .filter(|line| !line.starts_with('#'))
        .collect();
    if lines.is_empty() {
        return;
    }
    text.push_str("COPY runstone.pref /etc/apt/preferences.d/runstone.pref\n");
    text.push_str("RUN apt-get update \\\n && apt-get install --yes --no-install-recommends ");
    text.push_str("--allow-downgrades -- \\\n");
    for line in lines {
        text.push_str("    ");
        text.push_str(line);
        text.push_str(" \\\n");
    }
    text.push_str(" && rm -rf /var/lib/apt/lists/*\n");
}

fn variable(name: &str, value: &Value) -> Result<String, &'static str> {
    if PLACES.contains(&name) {
        return Err("it names places of the machine");
    }
    if !grammar::is_variable(name) {
        return Err("its name is none of a variable");
    }
    let value = value.as_str().ok_or("it is no text")?;
    if value.chars().any(char::is_control) {
        return Err("its value has characters that no quote holds");
    }
    let mut quoted = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '"' | '\\' | '$') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    Ok(format!("ENV {name}=\"{quoted}\"\n"))
}
