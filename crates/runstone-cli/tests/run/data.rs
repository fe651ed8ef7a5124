//! Data is digested before the command starts, and what it made afterwards.

use std::process::Command;

use insta::assert_snapshot;
use runstone::core::digest::Digest;
use serde_json::json;

use crate::scene::Scene;
use crate::started::{newest, run};

#[test]
fn data_is_part_of_the_identity_by_its_digest() {
    let scene = Scene::with_store(&[]);
    scene.file("train.csv", "a,b\n1,2\n");
    let dvc = "outs:\n- md5: a304afb96060aad90176268345e10355\n  path: big.bin\n";
    scene.file("big.bin.dvc", dvc);
    let options = ["--data", "train=train.csv", "--data", "big=big.bin.dvc"];
    let came = run(&scene, &options, "true");
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    let data = newest(&scene)["document"]["identity"]["data"].clone();
    let printed = Command::new("sha256sum")
        .arg(scene.project().join("train.csv"))
        .output()
        .unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert_eq!(data["train"], printed[..64]);
    assert_eq!(data["big"], "md5:a304afb96060aad90176268345e10355");
}

#[test]
fn the_digest_of_a_folder_can_be_made_again_with_tools_of_the_system() {
    let scene = Scene::with_store(&[]);
    let script = r"mkdir -p d/b 'd/b c' d/empty && printf 1 > d/a && printf 2 > d/b/z &&
        printf 3 > 'd/b c/x' && printf 4 > d/b.txt && printf 5 > 'd/new
line' && printf 6 > 'd/back\slash' && ln -s ../a d/b/link";
    assert!(
        Command::new("sh")
            .args(["-c", script])
            .current_dir(scene.project())
            .status()
            .unwrap()
            .success()
    );
    let came = run(&scene, &["--data", "d=d"], "true");
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    let made = made_again(&scene, "d");
    assert_eq!(newest(&scene)["document"]["identity"]["data"]["d"], made);
    // It is stored in cohorts for good, so it never changes.
    let golden = include_str!("../../../../fixtures/canon/data_folder.txt");
    assert_eq!(made, golden.trim());
}

/// Returns the digest of a folder of the project as the page says that it is made.
fn made_again(scene: &Scene, folder: &str) -> String {
    let page = include_str!("../../../../docs/running.md");
    let mut lines = page.lines();
    let recipe = lines.find_map(|line| line.strip_prefix("cd DIR && find "));
    let recipe = format!("cd {folder} && find {}", recipe.unwrap());
    let made = Command::new("sh")
        .args(["-c", &recipe])
        .current_dir(scene.project())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap()[..64].to_owned()
}

#[test]
fn the_recipe_of_the_page_makes_the_digest_of_empty_folders_and_of_files_called_like_options() {
    let scene = Scene::with_store(&[]);
    let script = "mkdir -p none/none odd/- && touch odd/-c && printf 1 > odd/-/- && \
        printf 2 > odd/--check && mkdir 'odd/a  .' && printf 3 > 'odd/a  ./b'";
    let made = Command::new("sh")
        .args(["-c", script])
        .current_dir(scene.project())
        .status();
    assert!(made.unwrap().success());
    let came = run(
        &scene,
        &["--data", "none=none", "--data", "odd=odd"],
        "true",
    );
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    let data = newest(&scene)["document"]["identity"]["data"].clone();
    for folder in ["none", "odd"] {
        assert_eq!(data[folder], made_again(&scene, folder), "{folder}");
    }
    // A file may be called as standard input is.
    std::fs::remove_dir_all(scene.project().join("odd/-")).unwrap();
    scene.file("odd/-", "4");
    let came = run(&scene, &["--data", "odd=odd"], "true");
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    let data = newest(&scene)["document"]["identity"]["data"].clone();
    assert_eq!(data["odd"], made_again(&scene, "odd"));
}

#[test]
fn data_that_changes_while_the_command_runs_is_said() {
    for (script, change) in [
        ("echo 3,4 >> d/train.csv", "`d/train.csv` is another"),
        (
            "cp -p d/train.csv n; mv n d/train.csv",
            "`d/train.csv` is another",
        ),
        ("rm d/train.csv", "`d/train.csv` is gone"),
        ("mkdir d/e; touch d/e/f", "`d/e/f` was added"),
        (
            "touch d/b d/a; rm d/train.csv",
            "`d/train.csv` is gone, and 2 more",
        ),
        ("rm -r d", "`d` is gone, and 1 more"),
        ("ln -s . d/loop", "is a link to a folder"),
    ] {
        let scene = Scene::with_store(&[]);
        std::fs::create_dir(scene.project().join("d")).unwrap();
        scene.file("d/train.csv", "a,b\n1,2\n");
        let before = run(&scene, &["--data", "train=d"], "cat d/train.csv");
        assert!(!before.stderr.contains("changed"), "{}", before.stderr);
        let digest = newest(&scene)["document"]["identity"]["data"].clone();
        let came = run(&scene, &["--data", "train=d"], script);
        assert_eq!(came.code, Some(0));
        assert!(
            came.stderr
                .contains("the data `train` changed while the command ran (")
                && came.stderr.contains(change),
            "{script}: {}",
            came.stderr
        );
        // What it was given is what it is compared by.
        assert_eq!(newest(&scene)["document"]["identity"]["data"], digest);
    }
}

#[test]
fn a_folder_that_holds_the_store_is_no_data() {
    let scene = Scene::with_store(&[]);
    for path in [".", "..", ".runstone", "./.runstone/../"] {
        let came = run(&scene, &["--data", &format!("d={path}")], "echo STARTED");
        assert_eq!((came.code, came.stdout.as_str()), (Some(125), ""), "{path}");
        let said = format!("`{path}` holds the store, which is another after every run");
        assert!(came.stderr.contains(&said), "{}", came.stderr);
    }
    std::fs::create_dir(scene.project().join(".runstone-data")).unwrap();
    let came = run(&scene, &["--data", "d=.runstone-data"], "true");
    assert_eq!(came.code, Some(0), "{}", came.stderr);
}

#[test]
fn data_that_cannot_be_read_is_refused_before_anything_starts() {
    let mut scene = Scene::with_store(&[]);
    scene.file("odd.dvc", "outs: []\n").file("a", "1");
    let project = scene.project();
    std::fs::create_dir(project.join("linked")).unwrap();
    std::os::unix::fs::symlink(".", project.join("linked/loop")).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(project.join("pipe"))
            .status()
            .unwrap()
            .success()
    );
    for data in [
        "train",
        "=a",
        "a.b=a",
        "x=missing",
        "x=odd.dvc",
        "x=linked",
        "x=pipe",
    ] {
        scene.run(&["run", "--data", data, "--", "echo", "STARTED"]);
    }
    scene.run(&[
        "run", "--data", "x=a", "--data", "x=a", "--", "echo", "STARTED",
    ]);
    scene.run(&["log"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn artifacts_are_listed_by_path_digest_and_size_and_odd_ones_are_named() {
    let scene = Scene::with_store(&[]);
    let script = r#"mkdir -p "$RUNSTONE_RUN_DIR/artifacts/plots" && cd "$RUNSTONE_RUN_DIR/artifacts"
        printf model > model.bin; printf plot > plots/a.png; ln -s model.bin link; mkfifo pipe"#;
    let came = run(&scene, &[], script);
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    assert!(
        came.stderr.contains("link` is left out: it is a link"),
        "{}",
        came.stderr
    );
    assert!(
        came.stderr
            .contains("pipe` is left out: it is no ordinary file"),
        "{}",
        came.stderr
    );
    let sha256 = |text: &str| Digest::of(text.as_bytes()).to_string();
    assert_eq!(
        newest(&scene)["artifacts"],
        json!([
            {"path": "model.bin", "sha256": sha256("model"), "bytes": 5},
            {"path": "plots/a.png", "sha256": sha256("plot"), "bytes": 4},
        ])
    );
}

#[test]
fn what_is_attached_is_stored_whole_and_what_is_missing_keeps_no_run_from_being_recorded() {
    let scene = Scene::with_store(&[]);
    let script = r#"mkdir "$RUNSTONE_RUN_DIR/artifacts"; printf model > "$RUNSTONE_RUN_DIR/artifacts/m"
        printf report > report.txt"#;
    let options = [
        "--attach",
        "artifacts/m",
        "--attach",
        "report.txt",
        "--attach",
        "nothing",
    ];
    let came = run(&scene, &options, script);
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    assert!(
        came.stderr.contains("`--attach nothing` is left out"),
        "{}",
        came.stderr
    );
    let artifacts = newest(&scene)["artifacts"].clone();
    for (row, (path, content)) in [("m", "model"), ("report.txt", "report")]
        .iter()
        .enumerate()
    {
        assert_eq!(artifacts[row]["path"], *path);
        assert_eq!(artifacts[row]["stored"], true);
        let sha256 = artifacts[row]["sha256"].as_str().unwrap();
        let object = scene
            .project()
            .join(".runstone/objects")
            .join(&sha256[..2])
            .join(sha256);
        assert_eq!(std::fs::read(object).unwrap(), content.as_bytes());
    }
    assert_eq!(scene.json(&["verify"])["ok"], true);
}

#[test]
fn what_is_attached_is_the_file_that_the_caller_named_and_no_other() {
    let scene = Scene::with_store(&[]);
    scene.file("m", "callers").file("outside", "callers");
    std::fs::create_dir(scene.project().join("sub")).unwrap();
    let script = r#"mkdir "$RUNSTONE_RUN_DIR/sub"; printf "another file" > "$RUNSTONE_RUN_DIR/outside"
        mkdir "$RUNSTONE_RUN_DIR/artifacts"; printf own > "$RUNSTONE_RUN_DIR/artifacts/m"
        ln -s m linked"#;
    let options = [
        "--attach",
        "sub/../outside",
        "--attach",
        "m",
        "--attach",
        "linked",
    ];
    let came = run(&scene, &options, script);
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    let artifacts = newest(&scene)["artifacts"].clone();
    let rows: Vec<_> = artifacts.as_array().unwrap().iter().collect();
    assert_eq!(rows.len(), 2, "{artifacts}");
    assert_eq!(rows[0]["path"], "m");
    assert_eq!(rows[0]["bytes"], "callers".len());
    assert_eq!(rows[1]["path"], "sub/../outside");
    assert_eq!(rows[1]["bytes"], "callers".len());
    for said in [
        "has the same name among the artifacts",
        "`--attach linked` is left out",
    ] {
        assert!(came.stderr.contains(said), "{}", came.stderr);
    }
}

#[test]
fn a_store_is_no_attachment_of_its_own_runs() {
    let scene = Scene::with_store(&[]);
    let project = scene.project();
    let options = ["--attach", "..", "--attach", project.to_str().unwrap()];
    let inside = [&options[..], &["--attach", ".runstone/profiles"]].concat();
    let came = run(&scene, &inside, "true");
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    let left_out = came
        .stderr
        .matches("is left out: it holds the store")
        .count();
    assert_eq!(left_out, 3, "{}", came.stderr);
    assert_eq!(newest(&scene)["artifacts"], json!([]));
}

#[test]
fn a_linked_folder_of_artifacts_is_not_followed() {
    let scene = Scene::with_store(&[]);
    let script = r#"mkdir elsewhere; touch elsewhere/f; ln -s "$PWD/elsewhere" "$RUNSTONE_RUN_DIR/artifacts""#;
    let came = run(&scene, &[], script);
    assert!(came.stderr.contains("is not followed"), "{}", came.stderr);
    assert_eq!(newest(&scene)["artifacts"], serde_json::json!([]));
}

#[test]
fn an_attached_file_has_one_name_and_no_link_leads_to_it_in_the_run_directory() {
    let scene = Scene::with_store(&[]);
    scene.file("elsewhere", "callers");
    let script = r#"mkdir outer; printf secret > outer/f; cd "$RUNSTONE_RUN_DIR"
        mkdir artifacts; printf own > artifacts/m; ln -s "$OLDPWD/outer" lnk"#;
    let options = [
        "--attach",
        "./artifacts/m",
        "--attach",
        "./elsewhere",
        "--attach",
        "lnk/f",
        "--attach",
        ".",
    ];
    let came = run(&scene, &options, script);
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    for words in [
        "`--attach lnk/f` is left out: it leads through a link",
        // The working directory holds the store here.
        "`--attach .` is left out: it holds the store",
    ] {
        assert!(came.stderr.contains(words), "{words}: {}", came.stderr);
    }
    let artifacts = newest(&scene)["artifacts"].clone();
    let rows = artifacts.as_array().unwrap().iter();
    let names: Vec<_> = rows.map(|row| (&row["path"], &row["stored"])).collect();
    let (elsewhere, m, stored) = (json!("elsewhere"), json!("m"), json!(true));
    assert_eq!(names, [(&elsewhere, &stored), (&m, &stored)]);
}
