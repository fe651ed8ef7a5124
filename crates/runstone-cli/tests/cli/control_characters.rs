//! Texts may hold any character: programs get every one of them back, and no terminal acts on one.

use serde_json::{Value, json};

use crate::scene::Scene;

/// What a terminal would act on: DEL, an 8-bit control sequence, a 7-bit one that is no colour, a
/// bell, a mark that turns text around.
const NASTY: &str = "a\u{7f}b\u{9b}31mc\u{1b}]0;title\u{7}d\u{202e}e";

fn scene() -> Scene {
    let scene = Scene::with_store(&["--primary", "auc:higher"]);
    for (file, run, lr) in [("a.json", "one", 0.1), ("b.json", "two", 0.2)] {
        let document = json!({
            "run_id": format!("{run}{NASTY}"), "stage": "train",
            "identity": {"data": {"name": NASTY}},
            "factors": {"lr": lr, "note": format!("{run}{NASTY}"), NASTY: run},
            "metrics": {"auc": lr, "kind": format!("{run}{NASTY}")},
            "sweep": format!("s{NASTY}"),
        });
        scene.file(file, document.to_string());
        assert!(scene.quietly(&["record", file]).status.success());
    }
    let bad = json!({"run_id": NASTY, "stage": "train", "status": NASTY, NASTY: 1});
    scene.file("bad.json", bad.to_string());
    scene.file("profile.toml", "schema = 1\nname = \"p\" # \u{9b}31m\n");
    scene
}

/// Returns every text of a document, names as well.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => {
            for (name, value) in members {
                found.push(name.clone());
                texts(value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn programs_get_every_character_back() {
    let scene = scene();
    let run = format!("two{NASTY}");
    for arguments in [
        &["record", "b.json", "--json"][..],
        &["show", "@latest", "--json"],
        &["show", "@latest", "--document"],
        &["log", "--json"],
        &["log", "--format", "jsonl"],
        &["log", "--columns", "run_id", "--json"],
        &["diff", "--json"],
        &["explain", "--json"],
        &["profile", "explain", "b.json", "--json"],
        &["tag", &run, "t", "--json"],
        &["baseline", "pin", &run, "--json"],
        &["baseline", "show", "--json"],
        &["cohorts", "--json"],
        &["export", "--jsonl", "-"],
        &[
            "run", "--run-id", NASTY, "--stage", "s", "--json", "--", "true",
        ],
        &["record", "bad.json", "--json"],
        &["show", NASTY, "--json"],
    ] {
        let output = scene.quietly(arguments);
        // `run` answers beside its command, and errors are said there too.
        let said = if output.stdout.is_empty() {
            output.stderr
        } else {
            output.stdout
        };
        let said = String::from_utf8(said).unwrap();
        let mut found = Vec::new();
        let mut documents = serde_json::Deserializer::from_str(&said).into_iter::<Value>();
        for document in &mut documents {
            texts(&document.unwrap(), &mut found);
        }
        let whole = |text: &String| text.contains(NASTY) || text.contains("\\u{7f}");
        assert!(
            found.iter().any(whole),
            "{arguments:?} lost something: {said}"
        );
        assert!(!said.contains(is_nasty), "{arguments:?}: {said:?}");
    }
    let csv = scene.quietly(&["log", "--format", "csv"]).stdout;
    assert!(String::from_utf8(csv).unwrap().contains(NASTY));
}

/// Tells whether a terminal might act on a character. Colours begin with an escape of their own.
fn is_nasty(character: char) -> bool {
    (character.is_control() && !matches!(character, '\n' | '\u{1b}')) || character == '\u{202e}'
}

#[test]
fn no_terminal_is_told_anything_by_a_stored_text() {
    let scene = scene();
    let run = format!("two{NASTY}");
    for arguments in [
        &["record", "b.json"][..],
        &["record", "bad.json"],
        &["record", "-"],
        &["show", "@latest"],
        &["show", NASTY],
        &["log"],
        &["log", "--format", "md"],
        &["log", "--columns", "run_id,factors.note"],
        &["diff"],
        &["diff", "--all"],
        &["diff", "--md"],
        &["explain"],
        &["profile", "explain", "b.json"],
        &["tag", &run, "t"],
        &["note", &run, NASTY],
        &["baseline", "pin", &run],
        &["baseline", "show"],
        &["cohorts"],
        &["delete", &run],
        &["run", "--run-id", NASTY, "--stage", "s", "--", "true"],
        &["run", "--run-id", "r", "--stage", "s", "--", "false", NASTY],
        &["verify"],
    ] {
        // Colour everywhere: what is taken away from a pipe would hide what a terminal gets.
        let output = scene.quietly(&[&["--color", "always"], arguments].concat());
        for said in [output.stdout, output.stderr] {
            let said = String::from_utf8(said).unwrap();
            assert!(!said.contains(is_nasty), "{arguments:?}: {said:?}");
            assert!(!said.contains("\u{1b}]"), "{arguments:?}: {said:?}");
        }
    }
}
