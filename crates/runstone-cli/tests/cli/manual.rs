//! The manual: every command's help, as people read it in 80 columns.

use std::fmt::Write as _;

use insta::assert_snapshot;

use crate::scene::Scene;

/// The page that holds the help of every command.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");

#[test]
fn the_page_of_commands_is_their_help_and_fits_80_columns() {
    let scene = Scene::empty();
    let mut page = String::from(
        "# Commands\n\n\
         The help of every command as it is printed. A test writes this page; after a change run\n\
         `INSTA_UPDATE=always cargo test -p runstone-cli --test cli manual` and read the difference.\n",
    );
    for command in commands(&scene) {
        let names: Vec<&str> = command.split_whitespace().collect();
        let output = scene.quietly(&[&names[..], &["--help"]].concat());
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{command}"
        );
        let help = String::from_utf8(output.stdout).unwrap();
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{command}: too long: {line}");
        }
        // What holds for every command is said once.
        let own = if names.is_empty() {
            help
        } else {
            without_everywhere(&help)
        };
        let title = ["runstone", &command].join(" ");
        let title = title.trim();
        let own = own.trim_end();
        write!(page, "\n## {title}\n\n```text\n{own}\n```\n").unwrap();
    }
    let kept = std::fs::read_to_string(PAGE).unwrap_or_default();
    if std::env::var_os("INSTA_UPDATE").is_some_and(|how| how == "always") {
        scene.file(PAGE, &page);
    } else {
        assert!(
            kept == page,
            "docs/cli.md is not what the commands print: run the line it names"
        );
    }
}

/// Returns every command by its words; the empty one is Runstone as a whole.
fn commands(scene: &Scene) -> Vec<String> {
    let pages = scene.json(&["man", "--dir", "pages"])["pages"].clone();
    let commands: Vec<String> = pages
        .as_array()
        .unwrap()
        .iter()
        .map(|page| page["command"].as_str().unwrap().to_owned())
        .collect();
    assert!(commands.len() > 15, "{commands:?}");
    commands
}

fn without_everywhere(help: &str) -> String {
    let mut own = String::new();
    let mut is_own = true;
    for line in help.lines() {
        if line == "Everywhere:" {
            is_own = false;
        } else if !line.is_empty() && !line.starts_with(' ') {
            is_own = true;
        }
        if is_own {
            own.push_str(line.trim_end());
            own.push('\n');
        }
    }
    own
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

#[test]
fn completions_know_every_command_for_people_and_are_scripts_of_their_shell() {
    let scene = Scene::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = scene.quietly(&["completions", shell]);
        assert!(output.status.success());
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(
            script.contains("fail-on") && !script.contains("demo-worker"),
            "{shell}"
        );
        // Once among the commands, and once behind `help`.
        let told = script.matches("Record one stage of one run").count();
        assert!(told >= 2 || shell == "bash", "{shell}: {told}");
        // A shell that is not installed cannot check; bash is everywhere.
        scene.file("script", &script);
        let checks = ["bash", "zsh", "fish"].contains(&shell);
        match std::process::Command::new(shell)
            .args(["-n", "script"])
            .current_dir(scene.project())
            .output()
        {
            Ok(checked) if checks => assert!(checked.status.success(), "{checked:?}"),
            _ => assert_ne!(shell, "bash"),
        }
    }
}

#[test]
fn every_command_has_a_page_of_the_manual() {
    let mut scene = Scene::empty();
    scene
        .run(&["man", "--dir", "man/man1"])
        .run(&["man", "profile", "shwo"])
        .run(&["man", "record", "--dir", "x"]);
    let pages = scene.json(&["man", "--dir", "man/man1"])["pages"].clone();
    for (arguments, page) in [
        (&["man"][..], "runstone.1"),
        (&["man", "record"], "runstone-record.1"),
        (&["man", "profile", "show"], "runstone-profile-show.1"),
    ] {
        assert!(
            pages
                .as_array()
                .unwrap()
                .iter()
                .any(|it| it["file"] == page)
        );
        let printed = scene.quietly(arguments).stdout;
        let written = std::fs::read(scene.project().join("man/man1").join(page)).unwrap();
        assert_eq!(printed, written);
        assert!(printed.starts_with(b".ie \\n(.g"), "{page}");
    }
    let told = scene.transcript();
    assert!(
        told.contains("there is no command `profile shwo`"),
        "{told}"
    );
}

#[test]
fn what_is_no_data_is_not_printed_as_if_it_were() {
    let scene = Scene::empty();
    for arguments in [&["man", "--json"][..], &["completions", "bash", "--json"]] {
        let output = scene.quietly(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let told: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        assert!(told["error"]["hint"].is_string(), "{arguments:?}: {told}");
    }
}
