//! Where the store is, what it may be, and what happens when it is not what it should be.

use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;

use crate::scene::{Scene, run_document};

#[test]
fn a_place_that_is_no_store_is_named_with_a_way_on() {
    let mut scene = Scene::empty();
    scene
        .file("r.json", run_document("r1", 0.61))
        .file("file", "");
    std::fs::create_dir(scene.project().join("folder")).unwrap();
    std::fs::create_dir(scene.project().join("empty")).unwrap();
    scene.file("folder/notes.txt", "mine");
    scene.run(&["record", "r.json"]);
    for place in ["file", "missing", "folder", "empty"] {
        scene.run(&["record", "r.json", "--store", place]);
    }
    scene
        .run(&["init", "file"])
        .run(&["init", "folder"])
        .run(&["log", "--store", "s3://bucket"]);
    scene.run_with(&["log"], &[("RUNSTONE_STORE", "missing")], b"");
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_store_that_lost_its_descriptor_is_never_made_anew() {
    let mut scene = Scene::with_store(&[]);
    scene.file("r.json", run_document("r1", 0.61));
    assert!(scene.quietly(&["record", "r.json"]).status.success());
    let descriptor = scene.project().join(".runstone/runstone.json");
    let kept = std::fs::read(&descriptor).unwrap();
    std::fs::remove_file(&descriptor).unwrap();
    scene
        .run(&["log"])
        .run(&["record", "r.json"])
        .run(&["init"]);
    scene.file(".runstone/runstone.json", "{}");
    scene.run(&["log"]).run(&["init"]);
    scene.file(".runstone/runstone.json", kept);
    scene.run(&["log", "--columns", "run_id"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn what_stands_in_the_way_of_a_store_is_named() {
    let mut scene = Scene::empty();
    std::os::unix::fs::symlink("gone", scene.project().join(".runstone")).unwrap();
    scene.run(&["log"]).run(&["init"]);
    std::fs::remove_file(scene.project().join(".runstone")).unwrap();
    scene.file(".runstone", "mine");
    scene.run(&["log"]).run(&["init"]);
    scene.run(&["log", "--store", "postgres://me:secret@host/runs"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn init_finds_what_is_there_and_refuses_other_options() {
    let mut scene = Scene::empty();
    scene
        .run(&["init", "--primary", "auc:higher"])
        .run(&["init"]);
    scene
        .run(&["init", "--primary", "auc:higher"])
        .run(&["init", "--primary", "auc:lower"]);
    scene
        .run(&["init", "--profile", "market"])
        .run(&["init", "--shared"]);
    scene
        .run(&["init", "--experiment", "other"])
        .run(&["init", "--primary", "auc"]);
    scene.run(&[
        "init",
        "elsewhere",
        "--profile",
        "market",
        "--primary",
        "auc:higher",
    ]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_store_is_found_upward_and_through_a_symlink() {
    let scene = Scene::with_store(&[]);
    scene.file("r.json", run_document("r1", 0.61));
    assert!(scene.quietly(&["record", "r.json"]).status.success());
    let below = scene.project().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    let output = scene
        .command(&["log", "--json"])
        .current_dir(&below)
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"r1\""));
    std::os::unix::fs::symlink(".runstone", scene.project().join("link")).unwrap();
    assert_eq!(
        scene.json(&["log", "--store", "link"])["snapshots"][0]["run_id"],
        "r1"
    );
}

#[test]
fn a_store_of_a_newer_format_is_never_written_to() {
    let mut scene = Scene::with_store(&[]);
    scene.file("r.json", run_document("r1", 0.61));
    let descriptor = scene.project().join(".runstone/runstone.json");
    let text =
        std::fs::read_to_string(&descriptor)
            .unwrap()
            .replacen("\"format\": 1", "\"format\": 2", 1);
    std::fs::set_permissions(&descriptor, std::fs::Permissions::from_mode(0o600)).unwrap();
    scene.file(".runstone/runstone.json", text);
    scene
        .run(&["record", "r.json"])
        .run(&["log"])
        .run(&["init"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn damage_is_named_costs_nothing_else_and_recording_goes_on() {
    let mut scene = Scene::with_store(&[]);
    for number in 1..=3 {
        scene.file("r.json", run_document(&format!("r{number}"), 0.6));
        assert!(scene.quietly(&["record", "r.json"]).status.success());
    }
    let cohort = scene.json(&["cohorts"])["cohorts"][0]["cohort"]
        .as_str()
        .unwrap()
        .to_owned();
    let slot = scene
        .project()
        .join(".runstone/cohorts")
        .join(&cohort)
        .join("log/0000000000/00000000000000000002");
    scene.flip_a_bit(&slot);
    scene
        .run(&["verify"])
        .run(&["log"])
        .run(&["show", &format!("{cohort}#2")]);
    for command in ["show", "diff", "explain"] {
        let output = scene.quietly(&[command, "r3:train"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains("#2 cannot be read and was left out"),
            "{command}: {said}"
        );
    }
    scene.file("r.json", run_document("r4", 0.61));
    scene.run(&["record", "r.json"]);
    // Key names and checksums depend on the store's random identity.
    let key_file = std::fs::read_dir(scene.project().join(".runstone/keys"))
        .unwrap()
        .flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .find(|file| std::fs::read(file).unwrap() == std::fs::read(&slot).unwrap())
        .unwrap();
    let key_name = key_file
        .strip_prefix(scene.project().join(".runstone"))
        .unwrap();
    let mut transcript = scene
        .transcript()
        .replace(key_name.to_str().unwrap(), "keys/<K>");
    for word in ["expected", "found"] {
        let line = transcript
            .lines()
            .find(|line| line.trim_start().starts_with(word))
            .unwrap();
        let checksum = line.rsplit(' ').next().unwrap().to_owned();
        transcript = transcript.replace(&checksum, &format!("<{word}>"));
    }
    assert_snapshot!(transcript);
}

#[test]
fn what_dead_writers_left_is_collected_and_young_files_stay() {
    let mut scene = Scene::with_store(&[]);
    scene.file("r.json", run_document("r1", 0.61));
    scene.run(&["record", "r.json"]);
    let store = scene.project().join(".runstone");
    let hours_old = |name: &str, hours: u64| {
        let path = store.join(name);
        scene.file(path.to_str().unwrap(), "torn");
        let file = std::fs::File::options().write(true).open(path).unwrap();
        let made = file.metadata().unwrap().modified().unwrap();
        let age = std::time::Duration::from_secs(hours * 3600);
        file.set_modified(made - age).unwrap();
    };
    hours_old("keys/00/.t-00112233445566778899aabbccddeeff", 25);
    hours_old("objects/.t-00112233445566778899aabbccddeeff", 23);
    hours_old("keys/00/mine", 100);
    scene
        .run(&["gc", "--dry-run"])
        .run(&["gc"])
        .run(&["gc"])
        .run(&["verify"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn object_that_nothing_names_goes_in_two_steps_a_day_apart() {
    let mut scene = Scene::with_store(&[]);
    let store = scene.project().join(".runstone");
    let digest = "5b8f6b9c1a2e0000000000000000000000000000000000000000000000000001";
    let object = store.join(format!("objects/5b/{digest}"));
    std::fs::create_dir(object.parent().unwrap()).unwrap();
    scene.file(object.to_str().unwrap(), "of a recording that died");
    let day = std::time::Duration::from_hours(24);
    let file = std::fs::File::options().write(true).open(&object).unwrap();
    let made = file.metadata().unwrap().modified().unwrap();
    file.set_modified(made - day).unwrap();
    scene.run(&["gc", "--dry-run"]).run(&["gc"]).run(&["gc"]);
    let trash = store.join("trash");
    let listed = std::fs::read_dir(&trash).unwrap().next().unwrap();
    let young = listed.unwrap().path();
    std::fs::hard_link(&young, trash.join(format!("{digest}.1"))).unwrap();
    std::fs::remove_file(young).unwrap();
    scene.run(&["gc"]).run(&["gc", "--json"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn no_object_goes_while_an_entry_cannot_be_read() {
    let mut scene = Scene::with_store(&[]);
    scene.file("r.json", run_document("r1", 0.6));
    assert!(scene.quietly(&["record", "r.json"]).status.success());
    let store = scene.project().join(".runstone");
    let digest = "5b8f6b9c1a2e0000000000000000000000000000000000000000000000000001";
    let object = store.join(format!("objects/5b/{digest}"));
    std::fs::create_dir(object.parent().unwrap()).unwrap();
    scene.file(object.to_str().unwrap(), "of a recording that died");
    let cohort = std::fs::read_dir(store.join("cohorts")).unwrap().next();
    let slot = cohort.unwrap().unwrap().path();
    let slot = slot.join("log/0000000000/00000000000000000001");
    std::fs::remove_file(&slot).unwrap();
    scene.file(slot.to_str().unwrap(), "no entry");
    scene.run(&["gc"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_closed_pipe_is_quiet() {
    use std::process::Stdio;
    let scene = Scene::with_store(&[]);
    for number in 0..30 {
        scene.file("r.json", run_document(&format!("r{number}"), 0.6));
        assert!(scene.quietly(&["record", "r.json"]).status.success());
    }
    let mut child = scene
        .command(&["log", "-n", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn views_that_were_deleted_are_made_again() {
    let mut scene = Scene::with_store(&[]);
    scene.file("r.json", run_document("r1", 0.61));
    scene.run(&["record", "r.json"]).run(&["views", "rebuild"]);
    let store = scene.project().join(".runstone");
    std::fs::remove_dir_all(store.join("runs/r1")).unwrap();
    std::fs::create_dir_all(store.join("runs/r1")).unwrap();
    scene.file(".runstone/runs/r1/snapshot_index.json", "{}");
    scene
        .run(&["verify"])
        .run(&["views", "rebuild"])
        .run(&["verify", "--repair"]);
    scene
        .run(&["views", "rebuild", "--cohort", "nothing"])
        .run(&["views"]);
    std::fs::remove_dir_all(store.join("runs/r1")).unwrap();
    scene.file(".runstone/runs/r1", "in the way");
    scene.file("s.json", run_document("r1", 0.61).replace("train", "eval"));
    scene.run(&["record", "s.json"]).run(&["views", "rebuild"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_store_without_views_has_none_to_make() {
    let mut scene = Scene::empty();
    scene.file("r.json", run_document("r1", 0.61));
    scene
        .run(&["init", "--views", "none"])
        .run(&["record", "r.json"])
        .run(&["views", "rebuild"])
        .run(&["init", "--views", "files"])
        .run(&["init", "--views", "some"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn verify_tells_damaged_truth_from_what_is_derived_by_its_exit_code() {
    let scene = Scene::with_store(&[]);
    for run_id in ["r1", "r2"] {
        scene.file("r.json", run_document(run_id, 0.6));
        assert!(scene.quietly(&["record", "r.json"]).status.success());
    }
    let store = scene.project().join(".runstone");
    let below = |folder: &str| {
        let folder = std::fs::read_dir(store.join(folder)).unwrap();
        folder.map(|entry| entry.unwrap().path()).min().unwrap()
    };
    let cohort = below("cohorts");
    let slot = cohort.join("log/0000000000/00000000000000000001");
    scene.file(".runstone/refused/foo.json", "garbage");
    for (file, code, word) in [
        (slot, 8, "checksum"),
        (cohort.join("cohort.json"), 8, "cohort key"),
        (below("profiles"), 8, "digest"),
        (cohort.join("view/LATEST.json"), 0, "stale view"),
        (store.join("runs/r1/snapshot_index.json"), 0, "stale view"),
        (store.join("origin.json"), 0, "hint"),
        (store.join("refused/foo.json"), 0, "unreadable"),
    ] {
        let before = std::fs::read(&file).unwrap();
        scene.flip_a_bit(&file);
        let output = scene.quietly(&["verify", "--json"]);
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{file:?}: {told}");
        let path = file.strip_prefix(&store).unwrap().display().to_string();
        let named = [&told["damage"], &told["stale"]]
            .into_iter()
            .flat_map(|findings| findings.as_array().unwrap())
            .any(|found| found["path"] == path && found["kind"] == word);
        assert!(named, "{path} ({word}): {told}");
        scene.file(file.to_str().unwrap(), before);
    }
}

#[test]
fn damage_keeps_its_exit_code_from_a_reader_who_went_away_and_says_what_to_do() {
    use std::process::Stdio;
    let scene = Scene::with_store(&[]);
    scene.file("r.json", run_document("r1", 0.6));
    assert!(scene.quietly(&["record", "r.json"]).status.success());
    let cohorts = std::fs::read_dir(scene.project().join(".runstone/cohorts")).unwrap();
    let cohort = cohorts.map(|it| it.unwrap().path()).next().unwrap();
    // The claim is the same file, so that no copy is left.
    scene.flip_a_bit(&cohort.join("log/0000000000/00000000000000000001"));
    let mut child = scene
        .command(&["verify"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(8));
    for (arguments, next) in [
        (&["verify"] as &[&str], "`runstone verify --repair`"),
        (&["verify", "--repair"], "from a backup"),
    ] {
        let output = scene.quietly(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(next), "{arguments:?}: {said}");
        assert_eq!(output.status.code(), Some(8));
    }
}

#[test]
fn a_copy_is_told_with_the_command_that_adopts_it_and_no_other_store() {
    let scene = Scene::with_store(&[]);
    let copied = std::process::Command::new("cp")
        .args(["-a", ".runstone", "my copy"])
        .current_dir(scene.project())
        .status();
    assert!(copied.unwrap().success());
    let words = |output: std::process::Output| {
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for arguments in [
        &["verify", "--store", "my copy"] as &[&str],
        &["doctor", "my copy"],
    ] {
        let said = words(scene.quietly(arguments));
        let named = "`runstone init 'my copy' --adopt`";
        assert!(said.contains(named), "{arguments:?}: {said}");
    }
    let adopted = scene.quietly(&["init", "my copy", "--adopt"]);
    assert!(adopted.status.success(), "{adopted:?}");
    let said = words(scene.quietly(&["verify", "--store", "my copy"]));
    assert!(!said.contains("adopt"), "{said}");
}

#[test]
fn a_store_whose_profile_is_gone_says_how_to_get_it_back() {
    let mut scene = Scene::empty();
    scene.file(
        "p.toml",
        "schema = 1\nname = \"churn\"\nextends = \"generic\"\n",
    );
    scene.file("r.json", run_document("r1", 0.6));
    assert!(
        scene
            .quietly(&["init", "--profile", "p.toml"])
            .status
            .success()
    );
    assert!(scene.quietly(&["record", "r.json"]).status.success());
    let profiles = scene.project().join(".runstone/profiles");
    for profile in std::fs::read_dir(profiles).unwrap() {
        std::fs::remove_file(profile.unwrap().path()).unwrap();
    }
    scene.file("s.json", run_document("r2", 0.6));
    scene
        .run(&["record", "s.json"])
        .run(&["verify"])
        .run(&["init", "--profile", "p.toml"])
        .run(&["record", "s.json"]);
    assert_snapshot!(scene.transcript());
}

/// Returns the only file that a folder of the store holds.
fn only_file(scene: &Scene, folder: &str) -> std::path::PathBuf {
    let folder = scene.project().join(".runstone").join(folder);
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.into_iter().next().unwrap().unwrap().path()
}

#[test]
fn a_damaged_document_of_a_cohort_is_made_again_from_its_runs() {
    let mut scene = Scene::with_store(&[]);
    scene.file("r.json", run_document("r1", 0.61));
    assert!(scene.quietly(&["record", "r.json"]).status.success());
    let document = only_file(&scene, "cohorts").join("cohort.json");
    let before = std::fs::read(&document).unwrap();
    scene.flip_a_bit(&document);
    scene.file("r.json", run_document("r2", 0.61));
    scene
        .run(&["record", "r.json"])
        .run(&["verify", "--repair"]);
    assert_eq!(std::fs::read(&document).unwrap(), before);
    std::fs::remove_file(&document).unwrap();
    assert!(scene.quietly(&["verify", "--repair"]).status.success());
    assert_eq!(std::fs::read(&document).unwrap(), before);
    scene.run(&["record", "r.json"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_lost_profile_that_init_made_is_made_again() {
    let mut scene = Scene::with_store(&["--primary", "logloss:lower"]);
    scene.file("r.json", run_document("r1", 0.61));
    assert!(scene.quietly(&["record", "r.json"]).status.success());
    let profile = only_file(&scene, "profiles");
    let before = std::fs::read(&profile).unwrap();
    std::fs::remove_file(&profile).unwrap();
    scene.file("r.json", run_document("r2", 0.61));
    scene
        .run(&["record", "r.json"])
        .run(&["verify", "--repair"])
        .run(&["record", "r.json", "--quiet"]);
    assert_eq!(std::fs::read(&profile).unwrap(), before);
    assert_snapshot!(scene.transcript());
}

#[test]
fn the_descriptor_of_another_store_is_named_and_its_origin_left() {
    let mut scene = Scene::with_store(&[]);
    for run in ["r1", "r2"] {
        scene.file("r.json", run_document(run, 0.61));
        assert!(scene.quietly(&["record", "r.json"]).status.success());
    }
    assert!(scene.quietly(&["init", "other"]).status.success());
    let theirs = std::fs::read(scene.project().join("other/runstone.json")).unwrap();
    let own = scene.project().join(".runstone/runstone.json");
    let ours = std::fs::read(&own).unwrap();
    std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o600)).unwrap();
    scene.file(".runstone/runstone.json", theirs);
    let output = scene.quietly(&["verify", "--repair", "--json"]);
    assert_eq!(output.status.code(), Some(8));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let first = &told["damage"][0];
    assert_eq!(first["path"], "runstone.json", "{told:#}");
    assert_eq!(first["kind"], "place", "{told:#}");
    // Nothing was lost by it.
    scene.file(".runstone/runstone.json", ours);
    scene.run(&["verify"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_garbled_word_of_where_the_store_was_made_is_mended() {
    let mut scene = Scene::with_store(&[]);
    scene.file(".runstone/origin.json", "{}");
    scene
        .run(&["verify"])
        .run(&["verify", "--repair"])
        .run(&["verify"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_cohort_whose_log_is_lost_records_nothing_until_it_is_back() {
    let mut scene = Scene::with_store(&[]);
    // One claim alone saw an entry, so that it is the one that is met.
    for run in ["r1", "r2"] {
        scene.file("r.json", run_document(run, 0.61));
        assert!(scene.quietly(&["record", "r.json"]).status.success());
    }
    let cohorts = scene.project().join(".runstone/cohorts");
    for cohort in std::fs::read_dir(cohorts).unwrap() {
        std::fs::remove_dir_all(cohort.unwrap().path().join("log")).unwrap();
    }
    scene.file("r.json", run_document("r3", 0.61));
    scene
        .run(&["record", "r.json"])
        .run(&["verify", "--repair"])
        .run(&["record", "r.json"])
        .run(&["log", "--columns", "run_id,snapshot_seq"]);
    // A claim is named by a digest that the identity of the store is a part of.
    let transcript = scene.transcript();
    let (before, rest) = transcript.split_once("`keys/").unwrap();
    let (_, after) = rest.split_once('`').unwrap();
    assert_snapshot!(format!("{before}`keys/…`{after}"));
}
