//! An `env create` is struck at a system call of its process: the process dies there, or the call
//! fails.
//!
//! The blows are those of `struck`. Whatever happened, what was told to be kept is listed under its
//! id and its digest, the list and the store are whole, and the same command again keeps one more.
//! It is struck in a store that keeps one already, and at the first use of all, where the store has
//! to be made.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::env::OnMachine;
use crate::scene::Scene;
use crate::struck::{Blow, calls_of, failing_anywhere, killed_anywhere, strace_is_here};

/// Where an environment is kept.
#[derive(Debug, Clone, Copy)]
enum Use {
    /// In a store that keeps another one.
    Further,
    /// In the caller's own, which is not there yet.
    First,
}

impl Use {
    fn scene(self) -> OnMachine {
        match self {
            Self::Further => {
                let on = OnMachine::new();
                on.json(&["env", "create"]);
                on.machine.python("numpy", "2.0.0");
                on
            }
            Self::First => OnMachine::with(Scene::empty()),
        }
    }

    fn kept_before(self) -> usize {
        match self {
            Self::Further => 1,
            Self::First => 0,
        }
    }
}

fn command(on: &OnMachine, arguments: &[&str]) -> Command {
    let mut command = on.scene.command(&[arguments, &["--json"]].concat());
    command
        .envs(on.variables())
        .env("XDG_DATA_HOME", on.scene.project().join("data"));
    command
}

fn json(on: &OnMachine, arguments: &[&str], at: &str) -> Value {
    let output = command(on, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?} {at}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns what is kept, by its id, after holding all of it against itself.
fn kept(on: &OnMachine, at: &str) -> BTreeMap<String, String> {
    let list = json(on, &["env", "list"], at);
    assert_eq!(list["unreadable"], Value::Array(Vec::new()), "{at}");
    assert_eq!(list["warnings"], Value::Array(Vec::new()), "{at}");
    let rows = list["environments"].as_array().unwrap();
    let text = |row: &Value, member: &str| row[member].as_str().unwrap().to_owned();
    let kept: BTreeMap<String, String> = rows
        .iter()
        .map(|row| (text(row, "id"), text(row, "digest")))
        .collect();
    assert_eq!(kept.len(), rows.len(), "{at}: {rows:?}");
    if !kept.is_empty() {
        json(on, &["env", "verify"], at);
    }
    kept
}

/// Strikes the `number`th such call of one thread; returns whether there was one.
fn strike(first: Use, call: &str, number: u64, blow: Blow) -> bool {
    let at = format!("{blow:?} at {call} {number} of {first:?}");
    let on = first.scene();
    let (output, was_struck) = blow.at(call, number, &command(&on, &["env", "create"]));
    // A death may come right after the answer, or within it.
    let told: Option<Value> = serde_json::from_slice(&output.stdout).ok();
    let stands = kept(&on, &at);
    if let Some(told) = &told {
        let (id, digest) = (told["id"].as_str(), told["digest"].as_str());
        let found = stands.get(id.unwrap()).map(String::as_str);
        assert_eq!(found, digest, "{at}: {output:?}");
    }
    if output.status.success() {
        assert!(
            told.is_some(),
            "ended well and told nothing {at}: {output:?}"
        );
    } else {
        assert!(was_struck, "failed by itself {at}: {output:?}");
    }
    let least = first.kept_before() + usize::from(told.is_some());
    let most = first.kept_before() + 1;
    assert!((least..=most).contains(&stands.len()), "{at}: {stands:?}");

    let again = json(&on, &["env", "create"], &at);
    let finally = kept(&on, &at);
    assert_eq!(finally.len(), stands.len() + 1, "{at}");
    let id = again["id"].as_str().unwrap();
    assert_eq!(
        finally.get(id).map(String::as_str),
        again["digest"].as_str(),
        "{at}"
    );
    for (id, digest) in &stands {
        assert_eq!(finally.get(id), Some(digest), "{id} moved {at}");
    }
    was_struck
}

fn killed(first: Use) {
    if strace_is_here("an environment whose keeping is killed at a system call") {
        let made = calls_of(&command(&first.scene(), &["env", "create"]));
        killed_anywhere(&format!("{first:?}"), &made, &|call, number, blow| {
            strike(first, call, number, blow)
        });
    }
}

fn failing(first: Use) {
    if strace_is_here("an environment while whose keeping a system call fails") {
        let made = calls_of(&command(&first.scene(), &["env", "create"]));
        failing_anywhere(&format!("{first:?}"), &made, &|call, number, blow| {
            strike(first, call, number, blow)
        });
    }
}

#[test]
fn what_was_told_to_be_kept_is_there_wherever_the_process_was_killed() {
    killed(Use::Further);
}

#[test]
fn first_use_that_was_killed_anywhere_is_in_nobodys_way() {
    killed(Use::First);
}

#[test]
fn what_was_told_to_be_kept_is_there_whatever_system_call_fails() {
    failing(Use::Further);
}

#[test]
fn first_use_of_which_a_system_call_fails_is_in_nobodys_way() {
    failing(Use::First);
}
