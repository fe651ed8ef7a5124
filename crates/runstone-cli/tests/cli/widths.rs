//! Answers fit 80 columns, whatever things are called.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::scene::Scene;

/// A name of more than 80 columns.
fn long(what: &str) -> String {
    format!("the_{what}_with_a_name_that_a_pipeline_made_out_of_everything_it_knew_about_its_run")
}

/// Words of more than 80 columns, with the same beginning and another end.
fn words(number: u32) -> String {
    format!(
        "{} and at the very end number {number}",
        "many words ".repeat(9)
    )
}

/// A document in which nothing is short.
fn document(number: u32, dataset: &str) -> Value {
    let digit = format!("{number:x}");
    json!({
        "run_id": format!("{} {number}", long("run")),
        "stage": long("stage"),
        "status": if number == 3 { "failed" } else { "finished" },
        "identity": {
            long("group"): { long("field"): dataset, "words": words(1) },
            "paths": [long("path"), long("path"), dataset],
        },
        "factors": {
            long("setting"): words(number),
            "nested": { long("deep"): { long("deeper"): vec![number; 60] } },
            "seed": number,
            "python_version": format!("3.{number}.0+{}", long("build")),
        },
        "metrics": {
            "auc": 0.5 + f64::from(number) / 100.0,
            long("loss"): { "mean": 0.123_456_789 + f64::from(number), "std": 0.1, "n": 5 },
            long("label"): words(number),
        },
        "artifacts": [{ "path": format!("out/{}", long("artifact")), "sha256": digit.repeat(64) }],
    })
}

/// Returns the lines that are too wide though they could have been broken.
fn too_wide(text: &str) -> String {
    let mut found = String::new();
    for line in text.lines() {
        let is_one_word = line.split_whitespace().count() <= 1;
        if line.chars().count() > 80 && !is_one_word {
            writeln!(found, "{line}").unwrap();
        }
    }
    found
}

#[test]
fn no_line_of_an_answer_is_wider_than_80_columns_unless_it_is_one_word() {
    let experiment = long("experiment");
    let mut scene = Scene::with_store(&["--experiment", &experiment, "--primary", "auc:higher"]);
    let mut answers = String::new();
    for number in 1..=7 {
        let dataset = if number == 7 {
            words(2)
        } else {
            long("dataset")
        };
        scene.file("r.json", document(number, &dataset).to_string());
        scene.at(&format!("2026-11-2{number}T10:00:00.000Z"));
        let output = scene.quietly(&["record", "r.json"]);
        assert!(output.status.success(), "{output:?}");
        answers.push_str(&String::from_utf8(output.stdout).unwrap());
    }
    let [one, two, other] = [1, 2, 7].map(|number| format!("{} {number}", long("run")));
    let why = words(3);
    // `config` is not among them: a setting has one line, so that it can be looked for.
    let commands: [&[&str]; 27] = [
        &["record", "r.json"],
        &["note", &one, &why],
        &["tag", &one, "golden"],
        &[
            "baseline",
            "pin",
            &one,
            "--why",
            &why,
            "--by",
            "a person with several names",
        ],
        &["delete", &two, "--why", &why, "--yes"],
        &["log"],
        &["log", "--deleted", "--all-attempts", "-n", "0"],
        &["log", "--columns", "run_id,stage,metrics.auc,tag"],
        &["show", &one],
        &["show", &two, "--deleted"],
        &["show", &other],
        &["diff", &other, "--all"],
        &["diff", &one, &other],
        &["diff", &one, &two],
        &["diff"],
        &["explain", &one],
        &["explain", &one, &other],
        &["explain", &one, &one],
        &["cohorts"],
        &["baseline", "show", &one],
        &["baseline", "show"],
        &["profile", "explain", "r.json"],
        &["views", "rebuild"],
        &["verify"],
        &["stats"],
        &["doctor"],
        &["version"],
    ];
    let mut failed = String::new();
    for command in commands {
        let output = scene.quietly(command);
        if !output.status.success() && command[0] != "diff" {
            writeln!(failed, "{command:?}: {output:?}").unwrap();
        }
        let stdout = String::from_utf8(output.stdout).unwrap();
        writeln!(answers, "$ {}\n{stdout}", command[0]).unwrap();
    }
    // What damage looks like.
    let view = scene.project().join(".runstone/runs");
    std::fs::remove_dir_all(view).unwrap();
    let output = scene.quietly(&["verify"]);
    answers.push_str(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(too_wide(&answers), "", "in\n{answers}");
    assert_eq!(failed, "");
}
