//! Environments kept, listed, deleted and pruned by many processes at once: each one whose keeping
//! was told is there, or named by whoever took it; nothing is ever half there.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use runstone_testkit::Machine;
use serde_json::Value;

use crate::scene::Scene;

/// A store, and the machine that is captured into it.
struct Crowd {
    scene: Scene,
    machine: Machine,
}

/// What a process said.
struct Said {
    code: Option<i32>,
    answer: Option<Value>,
    stderr: String,
}

impl Crowd {
    fn new() -> Self {
        let machine = Machine::new();
        machine.python("numpy", "1.26.4");
        Self {
            scene: Scene::with_store(&[]),
            machine,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self
            .scene
            .command(&[&["env"], arguments, &["--json"]].concat());
        command
            .env("RUNSTONE_ENVIRONMENT_ROOT", self.machine.path())
            .env("PATH", "/usr/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    fn create(&self, number: usize) -> Child {
        self.start(&["create", &format!("number {number}")])
    }

    fn listed(&self) -> BTreeSet<String> {
        let log = said(self.start(&["list"])).done();
        assert_eq!(log["unreadable"].as_array().unwrap().len(), 0, "{log}");
        ids(&log["environments"])
    }

    /// Holds what was told to be kept, and what was told to be taken, against what is there.
    fn settle(&self, created: &BTreeSet<String>, taken: &BTreeSet<String>) {
        let listed = self.listed();
        let lost: Vec<_> = created
            .difference(&listed)
            .filter(|id| !taken.contains(*id))
            .collect();
        assert!(lost.is_empty(), "told and nowhere: {lost:?}");
        let back: Vec<_> = taken.intersection(&listed).collect();
        assert!(back.is_empty(), "told to be gone and listed: {back:?}");
        let verified = self.scene.json(&["verify"]);
        assert_eq!(
            verified["damage"].as_array().unwrap().len(),
            0,
            "{verified}"
        );
    }
}

impl Said {
    /// Returns the answer of a process that must have done what it was asked.
    fn done(self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.answer.unwrap()
    }
}

/// Waits for a process; one that answered, answered with one whole document.
fn said(child: Child) -> Said {
    let output = child.wait_with_output().unwrap();
    let answer =
        (!output.stdout.is_empty()).then(|| serde_json::from_slice(&output.stdout).unwrap());
    Said {
        code: output.status.code(),
        answer,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn ids(rows: &Value) -> BTreeSet<String> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

fn each_is_there(number: usize) {
    let crowd = Crowd::new();
    let children: Vec<Child> = (0..number).map(|number| crowd.create(number)).collect();
    let mut created = BTreeMap::new();
    for child in children {
        let answer = said(child).done();
        let id = answer["id"].as_str().unwrap().to_owned();
        assert!(created.insert(id, answer["description"].clone()).is_none());
    }
    // Gapless, from 1.
    let expected: BTreeSet<String> = (1..=number).map(|seq| format!("env#{seq}")).collect();
    assert_eq!(created.keys().cloned().collect::<BTreeSet<_>>(), expected);
    let log = said(crowd.start(&["list"])).done();
    for row in log["environments"].as_array().unwrap() {
        assert_eq!(created[row["id"].as_str().unwrap()], row["description"]);
    }
    crowd.settle(&expected, &BTreeSet::new());
}

#[test]
fn five_kept_at_once_are_there() {
    each_is_there(5);
}

#[test]
fn ten_kept_at_once_are_there() {
    each_is_there(10);
}

#[test]
fn fifty_kept_at_once_are_there() {
    each_is_there(50);
}

#[test]
fn what_was_told_is_there_or_named_by_what_took_it_while_others_list_show_delete_and_prune() {
    let mut crowd = Crowd::new();
    let mut created = BTreeSet::new();
    for number in 0..8 {
        let answer = said(crowd.create(number)).done();
        created.insert(answer["id"].as_str().unwrap().to_owned());
    }
    // What is just created goes by no rule.
    crowd.scene.at("2026-11-20T11:00:00.000Z");
    let mut keepers = Vec::new();
    let mut readers = Vec::new();
    let mut takers = Vec::new();
    for number in 0..12_usize {
        keepers.push(crowd.create(100 + number));
        match number % 4 {
            0 => readers.push(crowd.start(&["list"])),
            1 => readers.push(crowd.start(&["show", "@latest"])),
            2 => takers.push(crowd.start(&["delete", &format!("env#{}", number / 2), "--yes"])),
            _ => takers.push(crowd.start(&["prune", "--keep", "6", "--yes"])),
        }
        if number % 3 == 0 {
            keepers.push(crowd.start(&["create", "with a rule", "--keep", "5"]));
        }
    }
    let mut taken = BTreeSet::new();
    for child in keepers {
        let answer = said(child).done();
        created.insert(answer["id"].as_str().unwrap().to_owned());
        taken.extend(ids(&answer["removed"]));
    }
    for child in takers {
        let said = said(child);
        // Somebody else may have taken it first.
        assert!(matches!(said.code, Some(0 | 3)), "{}", said.stderr);
        if let Some(answer) = said.answer {
            match answer.get("removed") {
                Some(removed) => taken.extend(ids(removed)),
                None => taken.extend([answer["id"].as_str().unwrap().to_owned()]),
            }
        }
    }
    for child in readers {
        said(child).done();
    }
    assert!(!taken.is_empty(), "nobody took anything");
    crowd.settle(&created, &taken);
}

#[test]
fn none_of_a_crowd_with_a_rule_is_taken_before_its_own_creation_was_told() {
    let crowd = Crowd::new();
    let keep_one = ["create", "--keep", "1"];
    let start = |_| {
        let mut create = crowd.command(&keep_one);
        // By the clock of the machine, as it is.
        create.env_remove("RUNSTONE_CLOCK").spawn().unwrap()
    };
    let children: Vec<Child> = (0..50).map(start).collect();
    let mut created = BTreeSet::new();
    for child in children {
        let answer = said(child).done();
        assert_eq!(ids(&answer["removed"]), BTreeSet::new());
        created.insert(answer["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(crowd.listed(), created);
    crowd.settle(&created, &BTreeSet::new());
    // Long after all of them, one is enough.
    let mut later = crowd.command(&keep_one);
    let later = later.env("RUNSTONE_CLOCK", "2100-01-01T00:00:00.000Z");
    let answer = said(later.spawn().unwrap()).done();
    assert_eq!(ids(&answer["removed"]), created);
}

#[test]
fn first_of_all_creations_may_be_many_and_one_store_is_made_for_them() {
    let crowd = Crowd {
        scene: Scene::empty(),
        machine: Machine::new(),
    };
    crowd.machine.python("numpy", "1.26.4");
    let data = crowd.scene.project().join("data");
    let start = |arguments: &[&str]| {
        let mut command = crowd.command(arguments);
        command.env("XDG_DATA_HOME", &data).spawn().unwrap()
    };
    let children: Vec<Child> = (0..20).map(|_| start(&["create"])).collect();
    let mut created = BTreeSet::new();
    for child in children {
        let answer = said(child).done();
        created.insert(answer["id"].as_str().unwrap().to_owned());
    }
    let expected: BTreeSet<String> = (1..=20).map(|seq| format!("env#{seq}")).collect();
    assert_eq!(created, expected);
    assert_eq!(
        ids(&said(start(&["list"])).done()["environments"]),
        expected
    );
    let store = data.join("runstone");
    // What was a store and lost its descriptor is made anew by nobody.
    std::fs::remove_file(store.join("runstone.json")).unwrap();
    let lost = said(start(&["create"]));
    assert_eq!(lost.code, Some(8), "{}", lost.stderr);
    assert!(!store.join("runstone.json").exists());
}

#[test]
fn killed_at_any_moment_leaves_a_whole_environment_or_none() {
    let crowd = Crowd::new();
    let mut created = BTreeSet::new();
    for round in 0..24_u64 {
        let mut child = crowd.create(usize::try_from(round).unwrap());
        // From before the program began to after it ended.
        std::thread::sleep(Duration::from_micros(round * 1_700));
        child.kill().unwrap();
        let said = said(child);
        // What it said before it died counts.
        if let Some(answer) = said.answer {
            created.insert(answer["id"].as_str().unwrap().to_owned());
        }
    }
    crowd.settle(&created, &BTreeSet::new());
    let after = said(crowd.create(99)).done();
    let id = after["id"].as_str().unwrap();
    assert!(crowd.listed().contains(id));
}

#[test]
fn link_in_the_place_of_the_log_is_refused_and_not_followed() {
    let crowd = Crowd::new();
    said(crowd.create(1)).done();
    let store = crowd.scene.project().join(".runstone");
    let outside = crowd.scene.project().join("outside");
    let log = store.join("environments");
    Command::new("mv").args([&log, &outside]).status().unwrap();
    std::os::unix::fs::symlink(&outside, &log).unwrap();
    let before = std::fs::read_dir(outside.join("log/0000000000"))
        .unwrap()
        .count();
    for arguments in [&["create", "x"][..], &["list"], &["show", "env#1"]] {
        let said = said(crowd.start(arguments));
        assert!(
            matches!(said.code, Some(code) if code != 0),
            "{arguments:?}"
        );
        assert!(said.stderr.contains("\"hint\":"), "{}", said.stderr);
    }
    let after = std::fs::read_dir(outside.join("log/0000000000"))
        .unwrap()
        .count();
    assert_eq!(before, after);
}
