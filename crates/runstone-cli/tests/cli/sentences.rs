//! Hard cases, each with the sentence that people read about it, as `docs/verdicts.md` shows them.
//!
//! A verdict is trusted or not by its one sentence, so each is recorded for real here and held to
//! the page: who changes the words reads them again, there.

use serde_json::{Value, json};

use crate::scene::{Scene, recorded_before, seeded};

/// Numbers between 0 and 1 that are spread evenly and look like chance: multiples of the golden
/// ratio.
fn chance(at: u32) -> f64 {
    (0.618_033_988_749_895 * f64::from(at)).fract()
}

/// A run of one night with another seed.
fn night(seed: u32, auc: impl Into<Value>) -> Value {
    json!({
        "run_id": format!("night-{seed}"),
        "stage": "train",
        "identity": { "dataset": { "sha256": "d1" } },
        "factors": { "learning_rate": 0.05, "seed": seed },
        "metrics": { "auc": auc.into() },
    })
}

/// Rounds as a person writes a metric down.
fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

/// Records runs and returns the verdict on each.
fn verdicts(scene: &Scene, runs: &[Value]) -> Vec<Value> {
    let lines: Vec<String> = runs.iter().map(ToString::to_string).collect();
    scene.file("runs.jsonl", lines.join("\n"));
    let output = scene.quietly(&["record", "runs.jsonl", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let answers = String::from_utf8(output.stdout).unwrap();
    let verdict = |line: &str| serde_json::from_str::<Value>(line).unwrap()["verdict"].clone();
    answers.lines().map(verdict).collect()
}

fn by_auc() -> Scene {
    Scene::with_store(&["--primary", "auc:higher"])
}

fn sentence(verdict: &Value) -> String {
    verdict["sentence"].as_str().unwrap().to_owned()
}

/// The sentence about the last of these nights.
fn last(aucs: impl IntoIterator<Item = Value>) -> String {
    let runs: Vec<Value> = aucs
        .into_iter()
        .zip(1..)
        .map(|(auc, seed)| night(seed, auc))
        .collect();
    sentence(verdicts(&by_auc(), &runs).last().unwrap())
}

fn after_twelve_equal(equal: f64, auc: impl Into<Value>) -> String {
    last(std::iter::repeat_n(Value::from(equal), 12).chain([auc.into()]))
}

/// Thirty nights, then as many a little lower: the first that shows it.
fn stepped() -> (Scene, String) {
    let scene = by_auc();
    let runs: Vec<Value> = (1..=60)
        .map(|at| {
            let step = if at > 30 { 0.001 } else { 0.0 };
            night(at, rounded(0.712 + 0.002 * chance(at) - step, 1e5))
        })
        .collect();
    let all = verdicts(&scene, &runs);
    let found: Vec<&Value> = all
        .iter()
        .filter(|verdict| verdict["overall"] == "regression")
        .collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    let said = sentence(found[0]);
    (scene, said)
}

fn exact_repeats() -> String {
    let mut runs: Vec<Value> = (1..=5).map(|_| night(7, 0.713)).collect();
    runs[4]["metrics"]["auc"] = json!(0.709);
    for (run, number) in runs.iter_mut().zip(1..) {
        run["run_id"] = json!(format!("repeat-{number}"));
    }
    let verdict = verdicts(&by_auc(), &runs).pop().unwrap();
    // Equal inputs gave another output, and as long as nobody can tell whether it matters, that is
    // not grave.
    assert_eq!(verdict["severity"], "minor");
    sentence(&verdict)
}

fn regression_again() -> String {
    let scene = by_auc();
    recorded_before(&scene);
    for run_id in ["night-13", "night-13-again"] {
        scene.file("run.json", seeded(run_id, 0.7020, 13));
        assert!(scene.quietly(&["record", "run.json"]).status.success());
    }
    sentence(&scene.json(&["check"])["verdict"])
}

fn winner_again() -> String {
    let rates = [0.1, 0.05, 0.01];
    let run = |at: u32, rate: f64, auc: f64| {
        let mut run = night(at, rounded(auc + 0.002 * chance(at), 1e4));
        run["factors"]["learning_rate"] = json!(rate);
        run
    };
    let mut runs: Vec<Value> = (0..12)
        .map(|at| {
            let which = at as usize % 3;
            let mut run = run(at + 1, rates[which], [0.690, 0.712, 0.701][which]);
            run["sweep"] = json!("lr-scan");
            run
        })
        .collect();
    runs.push(run(13, 0.05, 0.705));
    sentence(verdicts(&by_auc(), &runs).last().unwrap())
}

fn after_a_candidate() -> String {
    let scene = by_auc();
    recorded_before(&scene);
    scene.file("candidate.json", seeded("night-13", 0.7020, 13));
    let candidate = scene.json(&["record", "candidate.json", "--candidate"]);
    assert_eq!(candidate["verdict"]["overall"], "regression");
    scene.file("next.json", seeded("night-14", 0.7124, 14));
    sentence(&scene.json(&["record", "next.json"])["verdict"])
}

fn slower() -> String {
    let scene = Scene::with_store(&["--primary", "fit_seconds:lower"]);
    let runs: Vec<Value> = [10.0, 10.4, 9.8, 10.2, 9.9, 10.1, 10.3, 14.6]
        .into_iter()
        .zip(1..)
        .map(|(seconds, seed)| {
            let mut run = night(seed, 0.7);
            run["metrics"] = json!({ "fit_seconds": seconds });
            run
        })
        .collect();
    sentence(verdicts(&scene, &runs).last().unwrap())
}

fn without_the_metric() -> String {
    let mut runs: Vec<Value> = (1..=6).map(|at| night(at, 0.71)).collect();
    runs[5]["metrics"] = json!({ "logloss": 0.66 });
    sentence(verdicts(&by_auc(), &runs).last().unwrap())
}

fn pinned_later() -> String {
    let scene = by_auc();
    recorded_before(&scene);
    scene.file("usual.json", seeded("night-13", 0.7124, 13));
    let recorded = scene.json(&["record", "usual.json"]);
    assert_eq!(recorded["baseline"]["snapshot_seq"], 3);
    assert!(
        scene
            .quietly(&["baseline", "pin", "night-2"])
            .status
            .success()
    );
    sentence(&scene.json(&["check", "night-13", "--against", "baseline"])["verdict"])
}

/// A law with a long good tail, whose best is luck.
fn beside_the_luckiest() -> String {
    let scene = by_auc();
    let skewed = |at| rounded(0.7 - 0.01 * (1.0 - chance(at)).ln(), 1e4);
    let mut runs: Vec<Value> = (1..=20).map(|at| night(at, skewed(at))).collect();
    runs.push(night(21, 0.7031));
    verdicts(&scene, &runs);
    sentence(&scene.json(&["check", "--against", "baseline"])["verdict"])
}

#[test]
fn hard_cases_are_said_in_the_sentences_that_the_page_shows() {
    let (stepped, lasting) = stepped();
    let cases = [
        (
            "Twelve equal values, then a step",
            after_twelve_equal(0.75, 0.70),
        ),
        (
            "Values rounded to two decimals, one step lower",
            after_twelve_equal(0.71, 0.70),
        ),
        ("A value that is no number", after_twelve_equal(0.71, "NaN")),
        (
            "Four runs that repeat each other exactly, then another value",
            exact_repeats(),
        ),
        ("A small step that lasts", lasting),
        ("The winner of a sweep, run once more", winner_again()),
        (
            "The run after a candidate that is worse",
            after_a_candidate(),
        ),
        ("A regression, run once more", regression_again()),
        ("A time, judged by its ratio", slower()),
        ("The metric that decides is missing", without_the_metric()),
        (
            "Against the baseline, after another one was pinned",
            pinned_later(),
        ),
        (
            "Against the best of ten, by a law with a long good tail",
            beside_the_luckiest(),
        ),
    ];
    let page = include_str!("../../../../docs/verdicts.md");
    let rows: Vec<String> = cases
        .iter()
        .map(|(case, said)| format!("| {case} | {said} |\n"))
        .collect();
    let shown = rows.iter().filter(|row| page.contains(row.as_str()));
    assert_eq!(
        shown.count(),
        rows.len(),
        "the page lacks some of:\n{}",
        rows.concat()
    );

    let found = stepped.json(&["log", "-n", "0", "--where", "verdict = \"regression\""]);
    let run_id = found["snapshots"][0]["run_id"].as_str().unwrap();
    let report = stepped.quietly(&["report", run_id]);
    let text = String::from_utf8(report.stdout).unwrap();
    let (shown, _) = text.split_once("## Environment").unwrap();
    assert!(page.contains(shown), "the page lacks:\n{shown}");
}
