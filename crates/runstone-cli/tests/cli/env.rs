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
        let is_digest = |word: &str| {
            matches!(word.len(), 12 | 64) && word.bytes().all(|it| it.is_ascii_hexdigit())
        };
        let words = transcript.split_inclusive([' ', '\n', '`']);
        let masked = words.map(|word| match word.trim_end_matches([' ', '\n', '`']) {
            digest if is_digest(digest) => word.replace(digest, "<digest....>"),
            _ => word.to_owned(),
        });
        masked.collect()
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
fn folder_without_a_store_that_a_first_use_left_keeps_nothing_and_is_used() {
    let on = OnMachine::with(Scene::empty());
    let data = on.scene.project().join("data");
    let env = |arguments: &[&str]| {
        let mut command = on.scene.command(&[arguments, &["--json"]].concat());
        let output = command.envs(on.variables()).env("XDG_DATA_HOME", &data);
        output.output().unwrap()
    };
    std::fs::create_dir_all(data.join("runstone")).unwrap();
    let list = env(&["env", "list"]);
    assert!(list.status.success(), "{list:?}");
    assert!(env(&["env", "create"]).status.success());
    // Without its descriptor a store is one that lost it, and not one that keeps nothing.
    std::fs::remove_file(data.join("runstone/runstone.json")).unwrap();
    let list = env(&["env", "list"]);
    assert_eq!(list.status.code(), Some(8), "{list:?}");
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
fn what_differs_is_told_numerics_first_as_text_markdown_and_exit_code() {
    let mut on = OnMachine::new();
    on.json(&["env", "create"]);
    on.run(&["env", "diff", "env#1", "--exit-code"]);
    on.machine
        .python("numpy", "2.0.0")
        .python("attrs", "22.2.0");
    on.machine.debian(&[("libc6", "2.36-9"), ("zlib1g", "1.2")]);
    on.json(&["env", "create"]);
    on.run(&["env", "diff", "env#1", "env#2", "--exit-code"])
        .run(&["env", "diff", "env#2", "env#1"])
        .run(&["env", "diff", "env#1", "--md"])
        .run(&["env", "diff", "env#1", "env#9"])
        .run(&["env", "diff"]);
    on.machine
        .file("etc/os-release", "ID=fedora\nVERSION_ID=\"40\"\n");
    on.run(&["env", "diff", "env#2", "current"]);
    insta::assert_snapshot!(on.transcript());
}

#[test]
fn what_is_pinned_stays_and_what_is_deleted_is_gone_for_good() {
    let mut on = OnMachine::new();
    on.json(&["env", "create", "one"]);
    on.run(&["env", "pin", "env#1", "--why", "the release"])
        .run(&["env", "pin", "env#1"])
        .run(&["env", "delete", "env#1", "--yes"])
        .run(&["env", "unpin", "@latest"])
        .run(&["env", "delete", "env#1"])
        .run(&["env", "delete", "env#1", "--yes"])
        .run(&["env", "delete", "env#1", "--yes"])
        .run(&["env", "show", "env#1"])
        .run(&["env", "delete", "current", "--yes"])
        .run(&["env", "list"])
        .run(&["env", "create", "two"]);
    insta::assert_snapshot!(on.transcript());
}

#[test]
fn rule_says_what_it_would_take_and_takes_just_that() {
    let mut on = OnMachine::new();
    for version in ["1.0", "1.1", "1.2", "1.3"] {
        on.machine.python("numpy", version);
        on.json(&["env", "create", version]);
    }
    on.json(&["env", "pin", "env#1"]);
    on.run(&["env", "prune", "--keep", "1", "--yes"]);
    on.scene.at("2026-11-20T11:00:00.000Z");
    on.run(&["env", "prune"])
        .run(&["env", "prune", "--keep", "0"])
        .run(&["env", "prune", "--older-than", "0d"])
        .run(&["env", "prune", "--keep", "1", "--dry-run"])
        .run(&["env", "prune", "--keep", "1"])
        .run(&["env", "prune", "--keep", "1", "--older-than", "1d", "--yes"])
        .run(&["env", "prune", "--keep", "1", "--yes"])
        .run(&["env", "prune", "--keep", "1", "--yes"])
        .run(&["env", "list"])
        .run(&["env", "create", "later", "--keep", "1"])
        .run(&["env", "create", "at once", "--keep", "1"])
        .run(&["env", "create", "again", "--keep", "1"]);
    insta::assert_snapshot!(on.transcript());
}

#[test]
fn damage_and_packages_changed_by_hand_are_found() {
    let mut on = OnMachine::new();
    let site = "usr/lib/python3/dist-packages";
    on.machine.file(&format!("{site}/numpy/__init__.py"), "");
    on.machine.file(
        &format!("{site}/numpy-1.26.4.dist-info/RECORD"),
        "numpy/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n\
         \"numpy/a,b.py\",sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n\
         numpy/c.pyc,,\n",
    );
    on.machine.file(&format!("{site}/numpy/a,b.py"), "");
    on.json(&["env", "create"]);
    on.run(&["env", "verify"]).run(&["env", "verify", "--deep"]);
    on.machine
        .file(&format!("{site}/numpy/__init__.py"), "import os");
    std::fs::remove_file(on.machine.path().join(site).join("numpy/a,b.py")).unwrap();
    on.run(&["env", "verify", "--deep"]);
    let mut deep = on.scene.command(&["env", "verify", "--deep", "--json"]);
    let deep = deep.envs(on.variables()).output().unwrap();
    let told: Value = serde_json::from_slice(&deep.stdout).unwrap();
    assert_eq!(
        (deep.status.code(), &told["ok"]),
        (Some(4), &Value::Bool(false))
    );
    let digest = on.json(&["env", "show"])["digest"].clone();
    let digest = digest.as_str().unwrap();
    let object = format!(".runstone/objects/{}/{digest}", &digest[..2]);
    std::fs::remove_file(on.scene.project().join(object)).unwrap();
    on.run(&["env", "verify"]).run(&["env", "show"]);
    insta::assert_snapshot!(on.transcript());
}

#[test]
fn run_that_ran_elsewhere_is_recorded_with_the_environment_that_is_named() {
    let mut on = OnMachine::new();
    on.json(&["env", "create", "the cluster"]);
    on.machine.python("numpy", "2.0.0");
    on.scene.file("r1.json", run_document("r1", 0.61));
    on.scene.file("r2.json", run_document("r2", 0.62));
    on.run(&["record", "r1.json", "--environment", "env#1"])
        .run(&["record", "r2.json"])
        .run(&["record", "r2.json", "--environment", "env#7"])
        .run(&["record", "r2.json", "--environment", "../x"])
        .run(&["env", "show", "env#1", "--runs"])
        .run(&["env", "delete", "env#1", "--yes"]);
    insta::assert_snapshot!(on.transcript());
    let shown = on.json(&["show", "r1"]);
    let environment = &shown["snapshot"]["environment"]["value"];
    assert_eq!(environment["capture"]["named"], "env#1");
    let ran = on
        .scene
        .command(&[
            "run",
            "--run-id",
            "r3",
            "--stage",
            "train",
            "--environment",
            "@latest",
            "--",
            "true",
        ])
        .envs(on.variables())
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    // Nothing is kept any more, which is said before the command starts.
    assert_eq!(ran.status.code(), Some(125));
    assert_eq!(on.json(&["verify"])["ok"], true);
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
        &["env", "pin", "env#1", "--by", "ana"],
        &["env", "prune", "--keep", "1", "--dry-run"],
        &["env", "verify", "--deep"],
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
    on.machine.python("numpy", "2.0.0");
    let mut document = on.json(&["env", "diff", "env#1"]);
    set_what_varies(&mut document);
    let document = serde_json::to_string_pretty(&document).unwrap();
    if !page.contains(&format!("```json\n{document}\n```")) {
        unwritten.push(format!("$ runstone env diff env#1 --json\n{document}"));
    }
    for arguments in [
        &["env", "unpin", "env#1"][..],
        &["env", "delete", "env#1", "--yes"],
    ] {
        // Of one shape with `env pin`, under a schema of their own.
        let document = on.json(arguments);
        let schema = document["schema"].as_str().unwrap();
        assert!(page.contains(schema), "docs/json.md lacks {schema}");
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
