//! `runstone env`: keeping environments, finding them again, and what may take them. The machine is
//! a folder, so that each of these reads the same everywhere.

use runstone_testkit::Machine;
use serde_json::Value;

use crate::scene::{Scene, run_document};

/// A scene on a machine of its own.
pub(crate) struct OnMachine {
    pub(crate) scene: Scene,
    pub(crate) machine: Machine,
}

/// Captures the machine instead of that of whoever tests.
fn on(machine: &Machine) -> [(&'static str, &str); 4] {
    [
        ("RUNSTONE_ENVIRONMENT", "auto"),
        (
            "RUNSTONE_ENVIRONMENT_ROOT",
            machine.path().to_str().unwrap(),
        ),
        ("PATH", "/usr/bin"),
        ("LOGNAME", "ana"),
    ]
}

impl OnMachine {
    pub(crate) fn with(scene: Scene) -> Self {
        let machine = Machine::new();
        machine.python("numpy", "1.26.4").python("attrs", "23.1.0");
        Self { scene, machine }
    }

    pub(crate) fn new() -> Self {
        Self::with(Scene::with_store(&[]))
    }

    pub(crate) fn variables(&self) -> [(&'static str, &str); 4] {
        on(&self.machine)
    }

    pub(crate) fn run(&mut self, arguments: &[&str]) -> &mut Self {
        self.scene.run_with(arguments, &on(&self.machine), b"");
        self
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self
            .scene
            .command(&[arguments, &["--json"]].concat())
            .envs(self.variables())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Returns the transcript without what is another one on every machine.
    pub(crate) fn transcript(&self) -> String {
        let mut transcript = self.scene.transcript();
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let machine = self.machine.path().to_str().unwrap();
        for (found, name) in [(machine, "$MACHINE"), (host.trim(), "$HOST")] {
            transcript = transcript.replace(found, name);
        }
        // Other releases may capture more, and none of it is told here.
        let kept = self.json(&["env", "list"])["environments"].clone();
        for kept in kept.as_array().unwrap() {
            let digest = kept["digest"].as_str().unwrap();
            let name = kept["id"].as_str().unwrap();
            transcript = transcript.replace(&digest[..12], &format!("<{name:.<10}>"));
        }
        transcript
    }
}

#[test]
fn what_is_kept_is_listed_and_shown_with_the_runs_it_carried() {
    let mut on = OnMachine::new();
    on.scene.file("r1.json", run_document("r1", 0.61));
    on.run(&["env", "list"])
        .run(&["env", "create", "before the upgrade", "--tag", "release"])
        .run(&["record", "r1.json"]);
    on.machine.python("numpy", "2.0.0");
    on.scene.at("2026-11-20T12:00:00.000Z");
    on.run(&["env", "create", "--pin"])
        .run(&["env", "list"])
        .run(&["env", "show"])
        .run(&["env", "show", "env#1", "--runs", "--packages", "python"])
        .run(&["env", "show", "env#2", "--runs"])
        .run(&["env", "list", "--format", "md"]);
    insta::assert_snapshot!(on.transcript());
}

#[test]
fn names_of_no_environment_are_refused_with_a_hint_and_touch_nothing() {
    let mut on = OnMachine::new();
    on.run(&["env", "create"]);
    for hostile in ["../x", "", "objects/ab", "env#0", "env#7", "0000"] {
        on.run(&["env", "show", hostile]);
    }
    on.run(&["env", "show", "-rf"])
        .run(&["env", "show", "--", "-rf"])
        .run(&["env", "create", " "])
        .run(&["env", "create", "--tag", "../ x"])
        .run(&["env", "create", "--keep", "0"])
        .run(&["env", "create", "--root", "/nowhere/at/all"])
        .run(&["env", "show", "../x", "--json"]);
    insta::assert_snapshot!(on.transcript());
    let log = on.json(&["env", "list"]);
    assert_eq!(log["environments"].as_array().unwrap().len(), 1);
}

#[test]
fn without_a_store_one_of_the_caller_is_made_when_something_is_kept() {
    use std::os::unix::fs::PermissionsExt as _;

    let on = OnMachine::with(Scene::empty());
    let data = on.scene.project().join("data/of/mine");
    let env = |arguments: &[&str]| {
        let output = on
            .scene
            .command(&[arguments, &["--json"]].concat())
            .envs(on.variables())
            .env("XDG_DATA_HOME", &data)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let none = env(&["env", "list"])["environments"].clone();
    assert_eq!(none.as_array().unwrap().len(), 0);
    let current = env(&["env", "show", "current"]);
    assert!(!data.exists(), "reading makes nothing");
    let kept = env(&["env", "create"]);
    assert_eq!(kept["digest"], current["digest"]);
    let store = data.join("runstone");
    let mode = store.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o700);
    assert_eq!(env(&["env", "show"])["id"], "env#1");
    // It is an ordinary store.
    let named = ["verify", "--store", store.to_str().unwrap()];
    let verified = on.scene.json(&named);
    assert_eq!(verified["ok"], true);
    assert_eq!(verified["checked"]["environments"], 1);
}

#[test]
fn without_a_store_and_a_home_is_one_error_with_a_hint() {
    let mut on = OnMachine::with(Scene::empty());
    on.run(&["env", "create"]);
    let transcript = on.scene.transcript();
    assert!(transcript.contains("-- exit 3"), "{transcript}");
    assert!(
        transcript.contains("neither `XDG_DATA_HOME` nor `HOME` is set"),
        "{transcript}"
    );
    assert!(
        transcript.contains("hint: make one with `runstone init`"),
        "{transcript}"
    );
}

#[test]
fn every_example_of_an_environment_on_the_json_page_is_what_the_commands_print() {
    let page = include_str!("../../../../docs/json.md");
    let on = OnMachine::new();
    on.scene.file("r1.json", run_document("r1", 0.61));
    on.json(&["record", "r1.json"]);
    let mut unwritten = Vec::new();
    for arguments in [
        &["env", "create", "before the upgrade", "--tag", "release"][..],
        &["env", "list"],
        &["env", "show", "--runs"],
    ] {
        let mut document = on.json(arguments);
        set_what_varies(&mut document);
        let document = serde_json::to_string_pretty(&document).unwrap();
        if !page.contains(&format!("```json\n{document}\n```")) {
            unwritten.push(format!(
                "$ runstone {} --json\n{document}",
                arguments.join(" ")
            ));
        }
    }
    assert!(
        unwritten.is_empty(),
        "docs/json.md lacks:\n{}",
        unwritten.join("\n\n")
    );
}

/// Puts the same in place of what is another on every machine, or after another kind of capture.
pub(crate) fn set_what_varies(document: &mut Value) {
    match document {
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), &value) {
                    ("took_us", _) => *value = 5120.into(),
                    ("host", Value::String(_)) => *value = "node7".into(),
                    ("root", Value::String(_)) => *value = "/srv/image".into(),
                    _ => set_what_varies(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(set_what_varies),
        Value::String(text)
            if text.len() == 64 && text.bytes().all(|it| it.is_ascii_hexdigit()) =>
        {
            "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae".clone_into(text);
        }
        _ => {}
    }
}
