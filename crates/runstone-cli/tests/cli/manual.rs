//! The manual: every command's help, as people read it in 80 columns.

use insta::assert_snapshot;

use crate::scene::Scene;

#[test]
fn help_of_every_command_reads_well() {
    let mut scene = Scene::empty();
    scene.run(&["--help"]);
    for command in [
        "init", "record", "log", "cohorts", "show", "diff", "explain", "baseline", "profile",
        "export", "verify", "config", "demo", "version",
    ] {
        scene.run(&[command, "--help"]);
    }
    scene.run(&["baseline", "show", "--help"]);
    for verb in ["show", "path"] {
        scene.run(&["config", verb, "--help"]);
    }
    for verb in ["show", "check", "explain"] {
        scene.run(&["profile", verb, "--help"]);
    }
    let transcript = scene.transcript();
    for line in transcript.lines() {
        assert!(line.chars().count() <= 80, "too long: {line}");
    }
    assert_snapshot!(transcript);
}

#[test]
fn wrong_arguments_are_answered_with_usage_or_with_json() {
    let mut scene = Scene::empty();
    scene
        .run(&["recrod"])
        .run(&["log", "--nope"])
        .run(&["log", "-n", "x", "--json"]);
    assert_snapshot!(scene.transcript());
}
