//! Streams of documents: answered in their order, as they come, and nothing lost on the way.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::Value;

use crate::scene::{Scene, run_document};

fn lines(documents: &[String]) -> Vec<u8> {
    documents.join("\n").into_bytes()
}

fn streaming(scene: &Scene) -> Child {
    scene
        .command(&["record", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_stream_is_answered_line_by_line_and_summed_up() {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    let other_cohort = run_document("r2", 0.7).replace("\"d1\"", "\"d2\"");
    let failed = run_document("r3", 0.5).replace("\"stage\"", "\"status\":\"failed\",\"stage\"");
    let mixed = [
        run_document("r1", 0.6118),
        other_cohort,
        "{\"run_id\": \"torn".to_owned(),
        run_document("r1", 0.6118),
        run_document("r1", 0.6225),
        failed,
        run_document("r3", 0.6225),
        "{\"stage\": 1}".to_owned(),
    ];
    scene.file("runs.jsonl", lines(&mixed));
    scene.run(&["record", "runs.jsonl"]);
    scene.run(&["record", "runs.jsonl"]);
    let good = lines(&[run_document("r5", 0.7), run_document("r6", 0.7)]);
    scene.run_with(&["record", "-"], &[], &good);
    scene.run_with(&["record", "-", "--fail-on", "undecided"], &[], &good);
    scene.run_with(&["record", "-", "--run-id", "r5"], &[], &good);
    scene.run_with(&["record", "-"], &[], b"{]\n{\"a\":1}\n[1]");
    scene.run_with(&["record", "-"], &[], b"  \n\n");
    scene.run_with(&["record", "-"], &[], run_document("r6", 0.7).as_bytes());
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_refused_document_stands_in_its_place() {
    let scene = Scene::with_store(&[]);
    let documents = lines(&[
        run_document("r1", 0.6),
        "{\"stage\": \"train\"}".to_owned(),
        run_document("r2", 0.6),
    ]);
    scene.file("runs.jsonl", documents);
    let output = scene.quietly(&["record", "runs.jsonl", "--json"]);
    assert_eq!(output.status.code(), Some(5));
    assert!(output.stderr.is_empty());
    let answers: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let recorded: Vec<&str> = answers
        .iter()
        .filter_map(|it| it["recorded"].as_str())
        .collect();
    assert_eq!(recorded, ["new", "refused", "new"]);
    assert_eq!(answers[1]["schema"], "runstone.record/1");
    assert_eq!(
        (&answers[1]["position"], &answers[1]["line"]),
        (&2.into(), &2.into())
    );
    assert_eq!(answers[1]["error"]["code"], "document_refused");
    assert_eq!(answers[2]["diff"]["prev_run_id"], "r1");
}

#[test]
fn a_document_is_answered_while_the_pipe_stays_open() {
    let scene = Scene::with_store(&[]);
    let mut child = streaming(&scene);
    let mut input = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for number in 1..=3 {
        writeln!(input, "{}", run_document(&format!("r{number}"), 0.6)).unwrap();
        // Blocks for ever if the answer waits for the end.
        let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        assert_eq!(answer["snapshot_seq"], number);
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn standard_input_that_does_not_wait_is_waited_for() {
    let scene = Scene::with_store(&[]);
    let (theirs, mut ours) = std::io::pipe().unwrap();
    rustix::fs::fcntl_setfl(&theirs, rustix::fs::OFlags::NONBLOCK).unwrap();
    let mut child = scene
        .command(&["record", "-", "--json"])
        .stdin(theirs)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for run in ["r1", "r2"] {
        writeln!(ours, "{}", run_document(run, 0.6)).unwrap();
        let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        assert_eq!(answer["run_id"], run);
    }
    drop(ours);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn standard_input_is_read_for_one_thing_alone() {
    let mut scene = Scene::with_store(&[]);
    let good = run_document("r1", 0.7);
    for twice in [
        &["record", "-", "--metrics", "-"][..],
        &["record", "-", "--set", "metrics.auc=@-"],
        &[
            "record",
            "--run-id",
            "r1",
            "--metrics",
            "-",
            "--set",
            "factors.a=@-",
        ],
    ] {
        scene.run_with(twice, &[], good.as_bytes());
    }
    scene.run_with(
        &["record", "-", "--set", "factors.mail=a@-"],
        &[],
        good.as_bytes(),
    );
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_stream_of_many_runs_and_stages_needs_few_open_files() {
    let scene = Scene::with_store(&[]);
    let documents: Vec<String> = (0..600)
        .map(|number| {
            let stage = format!("\"stage\":\"s{}\"", number % 50);
            run_document(&format!("r{number}"), 0.6).replace("\"stage\":\"train\"", &stage)
        })
        .collect();
    assert!(documents[1].contains("\"s1\""), "{}", documents[1]);
    scene.file("runs.jsonl", lines(&documents));
    let record = scene.command(&["record", "runs.jsonl", "--json"]);
    let mut limited = Command::new("/bin/sh");
    limited
        .args(["-c", "ulimit -n 40 && exec \"$0\" \"$@\""])
        .arg(record.get_program())
        .args(record.get_args())
        .current_dir(scene.project())
        .env_clear();
    let set = record.get_envs();
    limited.envs(set.filter_map(|(name, value)| Some((name, value?))));
    let output = limited.output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let refused = told
        .lines()
        .find(|line| !line.contains("\"recorded\":\"new\""));
    assert_eq!(refused, None);
    assert_eq!(told.lines().count(), 600);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_was_answered_before_a_kill_is_there_and_the_same_stream_again_completes_it() {
    let scene = Scene::with_store(&[]);
    let documents: Vec<String> = (0..1500)
        .map(|number| run_document(&format!("r{number}"), 0.6))
        .collect();
    scene.file("runs.jsonl", lines(&documents));
    let mut child = scene
        .command(&["record", "runs.jsonl", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told: Vec<Value> = (0..20)
        .map(|_| serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap())
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    // What the pipe still held was answered too.
    for line in answers.map_while(Result::ok) {
        told.extend(serde_json::from_str::<Value>(&line));
    }
    assert_eq!(scene.json(&["verify"])["ok"], true);
    let again = scene.quietly(&["record", "runs.jsonl", "--json"]);
    assert!(again.status.success());
    let answers: Vec<Value> = String::from_utf8(again.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), documents.len());
    for (told, again) in told.iter().zip(&answers) {
        assert_eq!(again["recorded"], "already");
        for member in ["run_id", "snapshot_seq", "sha256"] {
            assert_eq!(told[member], again[member]);
        }
    }
    assert_eq!(scene.json(&["cohorts"])["cohorts"][0]["snapshots"], 1500);
    assert_eq!(scene.json(&["verify"])["ok"], true);
}

#[test]
fn a_reader_that_goes_away_ends_the_stream_quietly_and_in_part() {
    let scene = Scene::with_store(&[]);
    let mut child = streaming(&scene);
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{}", run_document("r0", 0.6)).unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap());
    answers.read_line(&mut String::new()).unwrap();
    drop(answers);
    // The pipe stays open; the process ends by itself once it has nobody to answer.
    let mut number = 0;
    while child.try_wait().unwrap().is_none() {
        number += 1;
        if writeln!(input, "{}", run_document(&format!("r{number}"), 0.6)).is_err() {
            break;
        }
        // Few at a time: what was taken in is recorded before the process ends.
        thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    assert!(output.stderr.is_empty());
    assert_eq!(scene.json(&["verify"])["ok"], true);
}

#[test]
fn many_streams_into_one_cohort_lose_nothing() {
    let scene = Scene::with_store(&[]);
    let each = 120_u64;
    let children: Vec<Child> = (0..4)
        .map(|stream| {
            let documents: Vec<String> = (0..each)
                .map(|number| run_document(&format!("r{stream}-{number}"), 0.6))
                .collect();
            let name = format!("{stream}.jsonl");
            scene.file(&name, lines(&documents));
            let mut command = scene.command(&["record", &name, "--json"]);
            command.stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut places = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let own: Vec<u64> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| {
                serde_json::from_str::<Value>(line).unwrap()["snapshot_seq"]
                    .as_u64()
                    .unwrap()
            })
            .collect();
        assert!(own.is_sorted());
        places.extend(own);
    }
    places.sort_unstable();
    assert_eq!(places, (1..=4 * each).collect::<Vec<_>>());
    assert_eq!(scene.json(&["verify"])["ok"], true);
}
