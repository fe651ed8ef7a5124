//! `runstone env export` and `env import`: out into the formats of others, and in again.

use std::path::Path;

use serde_json::Value;

use crate::env::{OnMachine, set_what_varies};
use crate::scene::Scene;

/// Copies the folders of the earlier tool beside the project.
fn earlier(scene: &Scene) {
    let fixtures =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../runstone-env/tests/imports/earlier");
    for id in [
        "20251118_231533",
        "20251118_231533_123456",
        "20251120_000000",
    ] {
        let folder = scene.project().join("old").join(id);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::copy(
            fixtures.join(id).join("metadata.json"),
            folder.join("metadata.json"),
        )
        .unwrap();
    }
    std::fs::create_dir_all(scene.project().join("old/notes")).unwrap();
}

#[test]
fn environment_is_written_in_the_formats_of_others() {
    let mut on = OnMachine::new();
    on.run(&["env", "create"])
        .run(&["env", "export", "--format", "requirements"])
        .run(&["env", "export", "env#1", "--format", "apt"])
        .run(&["env", "export", "--format", "apt", "-o", "pins"])
        .run(&["env", "export", "--format", "apt", "-o", "pins/"])
        .run(&[
            "env",
            "export",
            "--format",
            "requirements",
            "-o",
            "pins.txt",
        ])
        .run(&[
            "env",
            "export",
            "--format",
            "requirements",
            "-o",
            "pins.txt",
        ])
        .run(&[
            "env",
            "export",
            "--format",
            "requirements",
            "-o",
            "pins.txt",
            "--force",
        ])
        .run(&["env", "export", "--format", "conda"])
        .run(&["env", "export", "--format", "yaml"])
        .run(&["env", "export", "../x", "--format", "json"]);
    insta::assert_snapshot!(on.transcript());
    let written = std::fs::read_to_string(on.scene.project().join("pins/runstone.pref")).unwrap();
    assert!(written.contains("Pin: version 2.36-9"), "{written}");
}

#[test]
fn what_would_be_an_order_is_left_out_named_and_partly_done() {
    let mut on = OnMachine::new();
    on.machine
        .python("--index-url=x", "1")
        .python("numpy", "2.0.0");
    on.run(&["env", "export", "current", "--format", "requirements"]);
    let digest = on.json(&["env", "show", "current"])["digest"].clone();
    let transcript = on.transcript();
    insta::assert_snapshot!(transcript.replace(digest.as_str().unwrap(), "<digest>"));
}

#[test]
fn what_was_exported_is_imported_as_the_same_environment() {
    let on = OnMachine::new();
    let kept = on.json(&["env", "create"]);
    for (format, file) in [("json", "environment.json"), ("cyclonedx", "bom.cdx.json")] {
        let exported = on.json(&["env", "export", "--format", format, "-o", file]);
        assert_eq!(exported["digest"], kept["digest"]);
        let imported = on.json(&["env", "import", file]);
        assert_eq!(imported["environments"][0]["digest"], kept["digest"]);
        assert_eq!(imported["environments"][0]["format"], format);
    }
    let listed = on.json(&["env", "list"]);
    assert_eq!(listed["environments"].as_array().unwrap().len(), 3);
    assert_eq!(on.scene.json(&["verify"])["ok"], true);
}

#[test]
fn lists_of_others_are_kept_as_far_as_they_speak() {
    let mut on = OnMachine::new();
    on.scene.file(
        "pins.txt",
        "numpy==1.25.0\nrequests==2.32.0\n-e git+https://ann:hunter2@host/x.git\n",
    );
    on.scene.file(
        "wishes.txt",
        "numpy>=1.25\n-r ../../etc/passwd\n--hidden https://ann:hunter2@host\n",
    );
    on.scene
        .file("torn.json", "{\"bomFormat\": \"CycloneDX\", ");
    on.scene
        .file("other.json", "{\"name\": \"package.json of somebody\"}");
    on.scene.file("binary", b"a==1\nb\0c");
    on.run(&[
        "env",
        "import",
        "pins.txt",
        "--description",
        "of the paper",
        "--tag",
        "paper",
    ])
    .run(&["env", "show"])
    .run(&["env", "import", "wishes.txt"])
    .run(&["env", "import", "torn.json"])
    .run(&["env", "import", "other.json"])
    .run(&["env", "import", "binary"])
    .run(&["env", "import", "nothing.txt"])
    .run(&["env", "import"])
    .run(&["env", "import", "pins.txt", "--from", "old"])
    .run(&["env", "import", "wishes.txt", "--json"])
    .run(&["env", "list"]);
    let transcript = on.transcript();
    assert!(!transcript.contains("hunter2"), "{transcript}");
    insta::assert_snapshot!(transcript);
}

#[test]
fn folders_of_the_earlier_tool_are_imported_once() {
    let mut on = OnMachine::new();
    earlier(&on.scene);
    on.run(&["env", "import", "--from", "old"])
        .run(&["env", "import", "--from", "old"])
        .run(&["env", "show", "env#2"])
        .run(&["env", "import", "--from", "nowhere"])
        .run(&["env", "import", "--from", "old/notes"]);
    insta::assert_snapshot!(on.transcript());
    let shown = on.json(&["env", "show", "env#1"]);
    let imported = &shown["capture"]["imported"];
    assert_eq!(imported["id"], "20251118_231533");
    assert_eq!(imported["told"]["description"], "before the upgrade");
    // The list that a failed capture left empty is no source: nothing is known of it.
    let sources = on.json(&["env", "show", "env#2"])["sources"].clone();
    assert!(sources.get("dpkg").is_none(), "{sources}");
}

#[test]
fn every_example_of_a_format_on_the_json_page_is_what_the_commands_print() {
    let page = include_str!("../../../../docs/json.md");
    let on = OnMachine::new();
    on.scene.file("pins.txt", "numpy==1.25.0\n-e /srv/x\n");
    on.json(&["env", "create"]);
    let mut unwritten = Vec::new();
    for arguments in [
        &["env", "export", "--format", "requirements"][..],
        &["env", "import", "pins.txt"],
    ] {
        let output = on
            .scene
            .command(&[arguments, &["--json"]].concat())
            .envs(on.variables())
            .output()
            .unwrap();
        let mut document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let digest = document["digest"].as_str().map(ToOwned::to_owned);
        set_what_varies(&mut document);
        let mut document: String = serde_json::to_string_pretty(&document).unwrap();
        if let Some(digest) = digest {
            // The first line of a list says it as well.
            document = document.replace(&digest, &"0".repeat(64));
        }
        if !page.contains(&format!("```json\n{document}\n```")) {
            unwritten.push(format!(
                "$ runstone {} --json\n{document}",
                arguments.join(" ")
            ));
        }
    }
    assert!(
        unwritten.is_empty(),
        "docs/json.md lacks:\n{}",
        unwritten.join("\n\n")
    );
}

#[test]
fn another_version_is_told_without_the_digests_that_follow_from_it() {
    let scene = Scene::with_store(&[]);
    for (file, version, digit) in [("a", "1.0", "a"), ("b", "2.0", "b"), ("c", "2.0", "c")] {
        let digest = digit.repeat(32);
        let line = format!("https://host/noarch/mkl-{version}-h0_0.conda#{digest}");
        scene.file(&format!("{file}.txt"), format!("@EXPLICIT\n{line}\n"));
        scene.json(&["env", "import", &format!("{file}.txt")]);
    }
    let said = |before: &str, after: &str| {
        let output = scene.quietly(&["env", "diff", before, after]);
        String::from_utf8(output.stdout).unwrap()
    };
    let upgraded = said("env#1", "env#2");
    assert!(upgraded.contains("mkl 1.0 → 2.0\n"), "{upgraded}");
    let rebuilt = said("env#2", "env#3");
    assert!(rebuilt.contains("mkl 2.0 rebuilt (md5 bbbb"), "{rebuilt}");
}
