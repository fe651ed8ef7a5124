//! Whose word counts: options, the environment, the project's file, the caller's file, the store.

use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};

use insta::assert_snapshot;

use crate::scene::{Scene, run_document};

/// A scene whose caller has a home, with a settings file in it.
fn with_user_file(text: &str) -> (Scene, String) {
    let scene = Scene::empty();
    let folder = scene
        .project()
        .parent()
        .unwrap()
        .join("home/.config/runstone");
    std::fs::create_dir_all(&folder).unwrap();
    scene.file("../home/.config/runstone/config.toml", text);
    let home = scene.project().parent().unwrap().join("home");
    (scene, home.to_str().unwrap().to_owned())
}

/// Makes `name` something that belongs to another user: given away by root, else a link to what
/// is root's.
fn give_away(name: &Path, instead: &str) {
    if rustix::process::geteuid().is_root() {
        chown(name, Some(12_345), None).unwrap();
    } else {
        let output = std::process::Command::new("rm")
            .arg("-r")
            .arg(name)
            .output();
        assert!(output.unwrap().status.success());
        symlink(instead, name).unwrap();
    }
}

#[test]
fn every_setting_says_who_said_it() {
    let (mut scene, home) = with_user_file(
        "# mine\ncolor = \"never\"\nsafe_stores = [\"~/shared\", \"/srv/runs\"]\n[log]\nlines = 3\n",
    );
    let home: &[(&str, &str)] = &[("HOME", &home)];
    scene.run_with(&["config", "show"], &[], b"");
    scene.run(&["init", "--experiment", "churn"]);
    scene.file("runstone.toml", "experiment = \"fraud\"\nlog.lines = 5\n");
    scene.run_with(&["config", "show", "--origin"], home, b"");
    let environment = [
        home,
        &[
            ("RUNSTONE_LOG_LINES", "7"),
            ("RUNSTONE_EXPERIMENT", "night"),
            ("RUNSTONE_PROFILE", "market"),
            ("RUNSTONE_STORE", "elsewhere"),
            ("CLICOLOR_FORCE", "1"),
        ],
    ]
    .concat();
    scene.run_with(&["config", "show", "--origin"], &environment, b"");
    scene.run_with(
        &[
            "config",
            "show",
            "--origin",
            "--store",
            ".runstone",
            "--color",
            "never",
        ],
        &environment,
        b"",
    );
    scene.run_with(&["config", "show", "--json"], home, b"");
    scene.run_with(&["config", "path"], home, b"");
    scene.run(&["config", "path"]);
    scene.run_with(&["config", "path", "--json"], home, b"");
    assert_snapshot!(scene.transcript());
}

#[test]
fn settings_change_what_commands_do() {
    let mut scene = Scene::with_store(&["--experiment", "churn"]);
    for number in 1..=3 {
        scene.file("r.json", run_document(&format!("r{number}"), 0.6));
        assert!(scene.quietly(&["record", "r.json"]).status.success());
    }
    scene.file("runstone.toml", "experiment = \"fraud\"\nlog.lines = 2\n");
    scene.file("r.json", run_document("r4", 0.6));
    scene.run(&["record", "r.json"]);
    scene.run(&["log", "--columns", "run_id,experiment"]);
    scene.run(&["log", "-n", "3", "--columns", "run_id,experiment"]);
    // A default is no contradiction of a document that says otherwise.
    scene.file(
        "r.json",
        run_document("r5", 0.6).replace("\"run_id\"", "\"experiment\":\"churn\",\"run_id\""),
    );
    scene.run(&["record", "r.json"]);
    // A project names a profile, never a file, not even one of that name.
    scene.file("mine", "name = \"mine\"\nextends = \"generic\"\n");
    scene.file("runstone.toml", "profile = \"mine\"\n");
    scene.run(&["record", "r.json"]);
    scene.file("runstone.toml", "profile = \"market\"\n");
    scene.run(&["profile", "explain", "r.json"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_settings_file_that_cannot_be_used_is_named_with_its_line() {
    let (mut scene, home) = with_user_file("color = \"blue\"\n");
    let home: &[(&str, &str)] = &[("HOME", &home)];
    scene.run_with(&["log"], home, b"");
    scene.run_with(&["log", "--json"], home, b"");
    scene.run_with(&["version"], home, b"");
    for text in [
        "color = \n",
        "\n\ncolour = \"never\"\n",
        "store = \"/srv/runs\"\n",
        "safe_stores = [\"/srv/runs\"]\n",
        "[redact]\nmode = \"drop\"\n",
        "profile = \"./weak.toml\"\n",
        "log.lines = \"many\"\n",
    ] {
        scene.file("runstone.toml", text);
        scene.run(&["log"]);
    }
    scene.run(&["config", "path"]);
    scene.run_with(&["log"], &[("RUNSTONE_PROJECT_FILE", "gone.toml")], b"");
    scene.run_with(&["log"], &[("RUNSTONE_PROJECT_FILE", "none")], b"");
    std::fs::remove_file(scene.project().join("runstone.toml")).unwrap();
    std::fs::create_dir(scene.project().join("runstone.toml")).unwrap();
    scene.run(&["log"]);
    std::fs::remove_dir(scene.project().join("runstone.toml")).unwrap();
    symlink("gone", scene.project().join("runstone.toml")).unwrap();
    scene.run(&["log"]);
    std::fs::remove_file(scene.project().join("runstone.toml")).unwrap();
    scene.file("runstone.toml", b"color = \"\xff\"");
    scene.run(&["log"]);
    std::fs::remove_file(scene.project().join("runstone.toml")).unwrap();
    scene.run_with(&["log"], &[("RUNSTONE_LOG_LINES", "many")], b"");
    assert_snapshot!(scene.transcript());
}

#[test]
fn the_store_of_the_user_file_is_where_runs_go_that_have_none_around_them() {
    let (scene, home) = with_user_file("store = \"~/runs\"\n");
    let made = scene.quietly(&["init", &format!("{home}/runs")]);
    assert!(made.status.success());
    let log = |scene: &Scene| {
        let output = scene
            .command(&["config", "show", "--json"])
            .env("HOME", &home)
            .output()
            .unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        answer["settings"][7]["value"].as_str().unwrap().to_owned()
    };
    assert_eq!(log(&scene), format!("{home}/runs"));
    assert!(scene.quietly(&["init"]).status.success());
    assert_eq!(
        PathBuf::from(log(&scene)),
        scene.project().canonicalize().unwrap().join(".runstone")
    );
}

#[test]
fn a_store_of_another_user_is_not_used_unless_it_is_named_or_called_safe() {
    let (scene, home) = with_user_file("");
    assert!(scene.quietly(&["init"]).status.success());
    let store = scene.project().join(".runstone");
    give_away(&store, "/etc");
    let below = scene.project().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    let output = scene
        .command(&["log"])
        .current_dir(&below)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(6), "{told}");
    assert!(told.contains("belongs to user"), "{told}");
    assert!(told.contains("--store"), "{told}");

    // Named or called safe, it is looked at like any other.
    let is_asked = |output: std::process::Output| {
        !String::from_utf8(output.stderr)
            .unwrap()
            .contains("belongs to user")
    };
    assert!(is_asked(scene.quietly(&["log", "--store", ".runstone"])));
    for safe in [store, scene.project()] {
        scene.file(
            "../home/.config/runstone/config.toml",
            format!("safe_stores = [\"{}\"]", safe.display()),
        );
        assert!(is_asked(
            scene.command(&["log"]).env("HOME", &home).output().unwrap()
        ));
    }
}

#[test]
fn a_project_file_of_another_user_is_an_error_until_it_is_trusted() {
    let (scene, home) = with_user_file("");
    assert!(scene.quietly(&["init"]).status.success());
    scene.file("runstone.toml", "");
    give_away(&scene.project().join("runstone.toml"), "/dev/null");
    let output = scene.command(&["log"]).env("HOME", &home).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("the project file") && told.contains("safe_stores"),
        "{told}"
    );
    let none = scene
        .command(&["log"])
        .env("RUNSTONE_PROJECT_FILE", "none")
        .output()
        .unwrap();
    assert!(none.status.success());
    if rustix::process::geteuid().is_root() {
        scene.file(
            "../home/.config/runstone/config.toml",
            format!("safe_stores = [\"{}\"]", scene.project().display()),
        );
        let trusted = scene.command(&["log"]).env("HOME", &home).output().unwrap();
        assert!(trusted.status.success());
    }
}

#[test]
fn the_nearest_store_counts_whatever_it_is() {
    let mut scene = Scene::with_store(&[]);
    let below = scene.project().join("below");
    std::fs::create_dir(&below).unwrap();
    let told = |scene: &Scene| {
        let output = scene
            .command(&["log"])
            .current_dir(&below)
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    symlink("gone", below.join(".runstone")).unwrap();
    assert!(told(&scene).contains("below/.runstone"));
    std::fs::remove_file(below.join(".runstone")).unwrap();
    std::fs::create_dir(below.join(".runstone")).unwrap();
    assert!(told(&scene).contains("below/.runstone"));
    scene.run(&["log"]);
    assert!(scene.transcript().contains("exit 0"));
}
