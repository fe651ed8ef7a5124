//! What of two environments may be compared.
//!
//! Packages of two distributions have names in common and nothing else: instead of 1,700 removals
//! it is said that they are not comparable.

use serde_json::Value;

use crate::document::Environment;
use crate::names::{Scope, SourceName, State};

/// How much of a source may be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Comparable {
    /// All of it.
    Whole,
    /// What stands on both sides, since one of them is not whole.
    Common(String),
    /// Nothing, and why.
    Nothing(String),
    /// There is nothing on either side.
    Neither,
}

impl Comparable {
    pub(super) fn of(name: SourceName, before: &Environment, after: &Environment) -> Self {
        let state = |environment: &Environment| environment.sources.get(&name).map(|it| it.state);
        let word = |state: Option<State>| state.map_or("not captured", State::as_str);
        let states = (state(before), state(after));
        let reason = || format!("{} before, {} after", word(states.0), word(states.1));
        match states {
            (Some(State::Absent), Some(State::Absent)) | (None, None) => Self::Neither,
            (Some(State::Captured), Some(State::Captured)) => {
                let whole =
                    || asked_on_one_side(name, before, after).map_or(Self::Whole, Self::Common);
                foreign(name, before, after).map_or_else(whole, Self::Nothing)
            }
            (Some(State::Captured | State::Partial), Some(State::Captured | State::Partial)) => {
                foreign(name, before, after).map_or_else(|| Self::Common(reason()), Self::Nothing)
            }
            _ => Self::Nothing(reason()),
        }
    }
}

/// Returns why packages of two systems have nothing to do with each other.
fn foreign(name: SourceName, before: &Environment, after: &Environment) -> Option<String> {
    if name.scope() != Scope::System {
        return None;
    }
    let differing = |what: &str, left: Option<&str>, right: Option<&str>| {
        let (left, right) = (left?, right?);
        (left != right).then(|| format!("another {what}: {left} before, {right} after"))
    };
    differing("distribution", distribution(before), distribution(after))
        .or_else(|| differing("architecture", architecture(before), architecture(after)))
}

/// Returns why the driver of processors cannot be compared whole: not every build asks its library,
/// and what nobody asked for did not come or go.
fn asked_on_one_side(
    name: SourceName,
    before: &Environment,
    after: &Environment,
) -> Option<String> {
    if name != SourceName::Gpu {
        return None;
    }
    let has = |environment: &Environment, fact: &str| {
        let source = environment.sources.get(&name);
        source.is_some_and(|it| it.facts.contains_key(fact))
    };
    let asked = |it: &Environment| has(it, "nvidia_cuda");
    let unasked = |it: &Environment| has(it, "nvidia_driver") && !asked(it);
    let side = if unasked(before) && asked(after) {
        "before"
    } else if asked(before) && unasked(after) {
        "after"
    } else {
        return None;
    };
    Some(format!("memory and CUDA not asked for {side}"))
}

fn distribution(environment: &Environment) -> Option<&str> {
    let os = environment.sources.get(&SourceName::Os)?;
    os.facts.get("release")?.get("id")?.as_str()
}

fn architecture(environment: &Environment) -> Option<&str> {
    let fact = |source: SourceName, fact: &str| {
        let source = environment.sources.get(&source)?;
        source.facts.get(fact).and_then(Value::as_str)
    };
    fact(SourceName::Dpkg, "native_arch").or_else(|| fact(SourceName::Kernel, "machine"))
}
