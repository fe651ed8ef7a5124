//! Imports say what a file says, and of everything else nothing.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a failed step should stop the test, and fixtures need no flush"
)]

use std::path::Path;

use runstone_core::canon;
use runstone_core::redact::Redaction;
use runstone_env::export::{self, Details, export};
use runstone_env::import::{Format, Imported, NotImported, earlier, import};
use runstone_env::{Environment, Options, Root, Source, SourceName, State, capture};
use serde_json::{Value, json};
use tempfile::TempDir;

fn taken(bytes: &[u8]) -> Imported {
    import(bytes, Format::of(bytes), &Redaction::default()).unwrap()
}

fn refused(bytes: &[u8]) -> NotImported {
    import(bytes, Format::of(bytes), &Redaction::default()).unwrap_err()
}

fn fixture(name: &str, variables: &[(&str, &str)]) -> Environment {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    let variables = variables.iter().copied();
    let options = Options {
        variables: variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        ..Options::default()
    };
    capture(&Root::at(root).unwrap(), &options).environment
}

fn exported(environment: &Environment, format: export::Format) -> String {
    let export = export(environment, format, &Details::default()).unwrap();
    export.parts[0].text.clone()
}

fn packages(environment: &Environment, source: SourceName) -> Vec<(String, String)> {
    let source = environment.sources.get(&source);
    let packages = source.into_iter().flat_map(|it| &it.packages);
    packages
        .map(|it| (it.name.clone(), it.version.clone()))
        .collect()
}

#[test]
fn document_of_ours_is_taken_as_it_is() {
    let environment = fixture("debian", &[]);
    let imported = taken(exported(&environment, export::Format::Json).as_bytes());
    assert_eq!(imported.environment, environment);
    assert_eq!(imported.not_taken, []);
    assert_eq!(imported.warnings, [] as [&str; 0]);
}

#[test]
fn every_capture_keeps_its_digest_through_json() {
    for environment in [
        fixture("python", &[("VIRTUAL_ENV", "/srv/project/.venv")]),
        fixture("conda", &[("CONDA_PREFIX", "/opt/conda")]),
        fixture("node", &[]),
        fixture("cargo", &[("HOME", "/home/ann")]),
        capture(&Root::host().unwrap(), &Options::default()).environment,
    ] {
        let imported = taken(exported(&environment, export::Format::Json).as_bytes());
        let digests = (imported.environment.digests(), environment.digests());
        assert_eq!(digests.0.environment, digests.1.environment);
    }
}

#[test]
fn document_that_nothing_proves_has_no_source_that_counts_as_captured() {
    let environment = fixture("debian", &[]);
    let exported: Value =
        serde_json::from_str(&exported(&environment, export::Format::Json)).unwrap();
    let dpkg = |document: &Value| {
        let imported = taken(&serde_json::to_vec(document).unwrap());
        let state = imported.environment.sources[&SourceName::Dpkg].state;
        (state, imported.warnings)
    };
    assert_eq!(dpkg(&exported), (State::Captured, Vec::new()));
    let nothing = "nothing in it counts as the whole of a source";
    let mut without = exported.clone();
    without.as_object_mut().unwrap().remove("digest");
    let why = format!("it has no `digest`, which an export writes: {nothing}");
    assert_eq!(dpkg(&without), (State::Partial, vec![why]));
    let mut emptied = exported;
    emptied["sources"]["dpkg"]["packages"] = json!([]);
    let why = format!("it was changed since it was exported: {nothing}");
    assert_eq!(dpkg(&emptied), (State::Partial, vec![why]));
}

#[test]
fn database_of_a_system_without_packages_is_not_whole_whoever_says_so() {
    let sources = [SourceName::Dpkg, SourceName::Npm];
    let captured = |name| (name, Source::without_facts(State::Captured));
    let environment = Environment {
        sources: sources.map(captured).into(),
    };
    for format in [export::Format::Json, export::Format::CycloneDx] {
        let imported = taken(exported(&environment, format).as_bytes());
        let state = |name| imported.environment.sources[&name].state;
        assert_eq!(state(SourceName::Dpkg), State::Partial);
        assert_eq!(state(SourceName::Npm), State::Captured);
        assert_eq!(
            imported.warnings,
            ["`dpkg` names no package, and does not count as the whole of it"]
        );
    }
}

#[test]
fn sources_of_a_later_release_are_left_out_and_named() {
    let document = json!({
        "schema": "runstone.environment/1",
        "sources": { "guix": { "state": "captured" }, "npm": { "state": "absent" } },
    });
    let imported = taken(&serde_json::to_vec(&document).unwrap());
    assert_eq!(imported.not_taken.len(), 1);
    assert_eq!(imported.not_taken[0].item, "guix");
    assert_eq!(imported.environment.sources.len(), 1);
}

#[test]
fn what_a_format_does_not_speak_of_is_not_known_and_never_empty() {
    let python = taken(b"numpy==2.1.0\nRuamel.Yaml==0.18.6\n");
    let sources = &python.environment.sources;
    assert_eq!(
        sources.keys().copied().collect::<Vec<_>>(),
        [SourceName::Python]
    );
    assert_eq!(sources[&SourceName::Python].state, State::Partial);
    let here = fixture("python", &[("VIRTUAL_ENV", "/srv/project/.venv")]);
    let diff = runstone_env::diff(&python.environment, &here);
    // Neither what the list lacks nor what this machine lacks is told as a change.
    assert_eq!(diff.rows, []);
    let reasons: Vec<&str> = diff
        .not_compared
        .iter()
        .map(|it| it.reason.as_str())
        .collect();
    assert!(
        reasons.contains(&"partial before, captured after"),
        "{reasons:?}"
    );
    assert!(
        reasons.contains(&"not captured before, absent after"),
        "{reasons:?}"
    );
}

#[test]
fn list_that_was_exported_comes_back_with_names_and_versions() {
    let file = "python-3.11.9-hb806964_0_cpython.conda";
    let conda = json!({ "build": "hb806964_0_cpython", "build_number": 0, "md5": "0".repeat(32),
        "url": format!("https://host/main/linux-64/{file}"), "subdir": "linux-64" });
    let python = json!({ "files": "00", "installer": "uv", "raw_name": "Ruamel.Yaml" });
    let environment = json!({ "schema": "runstone.environment/1", "sources": {
        "conda": { "state": "captured", "packages": [
            { "name": "python", "version": "3.11.9", "facts": conda },
        ] },
        "python": { "state": "captured", "packages": [
            { "name": "ruamel-yaml", "version": "0.18.6+local.1", "facts": python },
        ] },
    } });
    let environment = Environment::from_json(&environment).unwrap();
    for (format, source) in [
        (export::Format::Conda, SourceName::Conda),
        (export::Format::Requirements, SourceName::Python),
    ] {
        let text = exported(&environment, format);
        let imported = taken(text.as_bytes());
        let found = packages(&imported.environment, source);
        assert_eq!(found, packages(&environment, source));
        assert_eq!(imported.not_taken, []);
        // What the list has no place for is not told as changed.
        let diff = runstone_env::diff(&imported.environment, &environment);
        assert_eq!(diff.rows, []);
    }
}

#[test]
fn later_version_shows_beside_an_imported_list() {
    let imported = taken(b"numpy==1.25.0\nrequests==2.32.0\n");
    let here = fixture("conda", &[("CONDA_PREFIX", "/opt/conda")]);
    let diff = runstone_env::diff(&imported.environment, &here);
    let rows: Vec<(&str, &str)> = diff
        .rows
        .iter()
        .map(|it| (it.name.as_str(), it.change.as_str()))
        .collect();
    assert_eq!(rows, [("numpy", "upgraded")]);
}

#[test]
fn nothing_that_gives_access_is_kept_or_told() {
    let secret = "hunter2";
    let requirements = format!(
        "--index-url https://ann:{secret}@host/simple\n\
         a @ https://ann:{secret}@host/a-1-py3-none-any.whl?token={secret}\n\
         b @ git+https://ann:{secret}@host/b.git@0123456\n"
    );
    let conda = format!("@EXPLICIT\nhttps://host/t/{secret}/main/linux-64/a-1-0.conda\n");
    let json = json!({
        "schema": "runstone.environment/1",
        "sources": {
            "apt": {
                "state": "captured",
                "facts": { "sources": [format!("deb https://ann:{secret}@host stable")] },
            },
            "npm": {
                "state": "captured",
                "packages": [{
                    "name": "x", "version": "1",
                    "facts": {
                        "mirror": format!("//ann:{secret}@host/x.tgz"),
                        "resolved": format!("https://ann:{secret}@host/x.tgz"),
                    },
                }],
            },
        },
    });
    let bom = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "metadata": { "timestamp": format!("https://ann:{secret}@host") },
        "components": [
            {
                "type": "library", "name": "a", "version": "1",
                "purl": format!("pkg:pypi/a@1?download_url=https:%2F%2Fann:{secret}%40host%2Fa-1.whl"),
            },
            { "type": "library", "name": format!("https://ann:{secret}@host/x") },
        ],
    });
    for bytes in [
        requirements.into_bytes(),
        conda.into_bytes(),
        serde_json::to_vec(&json).unwrap(),
        serde_json::to_vec(&bom).unwrap(),
    ] {
        let imported = taken(&bytes);
        let told = format!(
            "{imported:?}{}",
            canon::text(&imported.environment.to_json())
        );
        assert!(!told.contains(secret), "{told}");
        assert!(
            imported
                .environment
                .sources
                .values()
                .any(|it| it.facts.len() + it.packages.len() > 0)
        );
    }
    let wrong = format!("--hidden https://ann:{secret}@host\nx>=1 --y https://ann:{secret}@host\n");
    assert!(!format!("{:?}", refused(wrong.as_bytes())).contains(secret));
}

#[test]
fn file_is_taken_for_what_it_looks_like() {
    for (bytes, format) in [
        ("{\"schema\":\"x\"}", Format::Json),
        (" \n{\"bomFormat\": \"CycloneDX\"}", Format::CycloneDx),
        ("<?xml version=\"1.0\"?><bom/>", Format::CycloneDx),
        ("# platform: linux-64\n@EXPLICIT\n", Format::Conda),
        ("numpy==1\n", Format::Requirements),
        ("", Format::Requirements),
    ] {
        assert_eq!(Format::of(bytes.as_bytes()), format, "{bytes}");
    }
    assert!(matches!(refused(b"<bom/>"), NotImported::NotJson(_)));
}

#[test]
fn hostile_files_are_refused_and_stay_text() {
    let too_large = vec![b' '; runstone_env::import::BYTES_MAX + 1];
    assert!(matches!(refused(&too_large), NotImported::TooMuch { .. }));
    assert!(matches!(
        refused(b"a==1\n\0\0\0"),
        NotImported::NotText { line: 2 }
    ));
    assert!(matches!(refused(b""), NotImported::Nothing { .. }));
    assert!(matches!(refused(b"{}"), NotImported::NotThisFormat { .. }));
    assert!(matches!(
        refused(br#"{"schema":"other/1"}"#),
        NotImported::NotAnEnvironment(_)
    ));
    let of_nothing = br#"{"schema":"runstone.environment/1","sources":{}}"#;
    assert!(matches!(refused(of_nothing), NotImported::Nothing { .. }));
    let deep = format!("{{\"schema\":{}1{}}}", "[".repeat(1000), "]".repeat(1000));
    assert!(matches!(refused(deep.as_bytes()), NotImported::NotJson(_)));
    let many: Vec<String> = (0..100_001).map(|it| format!("p{it}==1\n")).collect();
    let many = many.concat();
    assert!(matches!(
        refused(many.as_bytes()),
        NotImported::TooMuch { .. }
    ));
    // Names that would be paths or options are no names, whatever the format.
    for name in [
        "../../etc/passwd",
        "/etc/passwd",
        "-rf",
        "--index-url",
        "a\u{1b}[2J",
    ] {
        assert!(
            import(
                format!("{name}==1\n").as_bytes(),
                Format::Requirements,
                &Redaction::default()
            )
            .is_err()
        );
    }
}

#[test]
fn folders_of_the_earlier_tool_are_taken_as_far_as_they_can_be_believed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/imports/earlier");
    let found = earlier::read(&Root::at(&folder).unwrap(), &Redaction::default()).unwrap();
    assert_eq!(found.passed_over, ["notes"]);
    let ids: Vec<&str> = found.snapshots.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "20251118_231533",
            "20251118_231533_123456",
            "20251119_010203_3f9a0c1e",
            "20251120_000000",
        ]
    );
    let [whole, failed, odd, torn] = found.snapshots.as_slice() else {
        panic!("{ids:?}");
    };

    let whole = whole.imported.as_ref().unwrap();
    let environment = &whole.environment;
    assert!(
        environment
            .sources
            .values()
            .all(|it| it.state == State::Partial)
    );
    assert_eq!(
        packages(environment, SourceName::Python),
        [
            ("numpy".to_owned(), "1.26.4".to_owned()),
            ("ruamel-yaml".to_owned(), "0.18.6".to_owned()),
        ]
    );
    assert_eq!(
        packages(environment, SourceName::Npm),
        [("npm".to_owned(), "10.8.2".to_owned())]
    );
    assert_eq!(whole.not_taken.len(), 1);
    assert_eq!(whole.not_taken[0].place, "/packages/npm/1");
    assert_eq!(
        environment.sources[&SourceName::Os].facts["release"],
        json!({ "id": "debian", "version_id": "12" })
    );
    assert_eq!(whole.told["description"], "before the upgrade");

    // A capture that failed left an empty list: that is not known, and nothing would be removed.
    let failed = failed.imported.as_ref().unwrap();
    let known: Vec<SourceName> = failed.environment.sources.keys().copied().collect();
    assert_eq!(known, [SourceName::Python]);
    assert_eq!(failed.warnings.len(), 2);

    let odd = odd.imported.as_ref().unwrap();
    assert_eq!(odd.told["made_by"], json!({ "anything": ["kept"] }));
    assert_eq!(odd.told["packages"]["gem"][0]["name"], "rake");
    assert_eq!(odd.told["id"], "../x");
    // Whose machine it was is nobody's business, and told by no rule of this one.
    assert_eq!(odd.told["USER"], "[redacted]");
    assert_eq!(odd.told["system_info"]["hostname"], "[redacted]");
    assert!(!format!("{odd:?}").contains("lab-12"));
    let bash = &odd.environment.sources[&SourceName::Dpkg].packages[0];
    assert_eq!(bash.facts["source"], "deb https://example.org stable");
    assert!(!format!("{odd:?}").contains("hunter2"));
    assert_eq!(odd.warnings.len(), 3, "{:?}", odd.warnings);

    let torn = torn.imported.as_ref().unwrap_err().to_string();
    assert_eq!(torn, "it is not JSON that can be kept exactly");
}

#[test]
fn links_in_folders_of_the_earlier_tool_lead_nowhere() {
    let outside = TempDir::new().unwrap();
    std::fs::create_dir(outside.path().join("20251118_231533")).unwrap();
    let told = r#"{"packages":{"pip":[{"name":"secret","version":"1"}]}}"#;
    std::fs::write(outside.path().join("20251118_231533/metadata.json"), told).unwrap();
    let folder = TempDir::new().unwrap();
    let link = |from: &Path, to: &str| {
        std::os::unix::fs::symlink(from, folder.path().join(to)).unwrap();
    };
    link(&outside.path().join("20251118_231533"), "20251118_231533");
    std::fs::create_dir(folder.path().join("20251118_231534")).unwrap();
    link(
        &outside.path().join("20251118_231533/metadata.json"),
        "20251118_231534/metadata.json",
    );
    std::fs::create_dir(folder.path().join("20251118_231535")).unwrap();
    let found = earlier::read(&Root::at(folder.path()).unwrap(), &Redaction::default()).unwrap();
    assert_eq!(found.passed_over, ["20251118_231533"]);
    let told: Vec<String> = found
        .snapshots
        .iter()
        .map(|it| it.imported.as_ref().unwrap_err().to_string())
        .collect();
    assert_eq!(
        told,
        ["it has no `metadata.json`", "it has no `metadata.json`"]
    );
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_taken_or_refused(
        parts in proptest::collection::vec(proptest::sample::select(PARTS.as_slice()), 0..24),
        odd in proptest::collection::vec(proptest::num::u8::ANY, 0..4),
        place in 0..64_usize,
    ) {
        let mut bytes = parts.concat().into_bytes();
        let place = place.min(bytes.len());
        bytes.splice(place..place, odd);
        for format in Format::ALL {
            if let Ok(imported) = import(&bytes, format, &Redaction::default()) {
                // What was taken has a name of its own, and is taken again as the same.
                let text = exported(&imported.environment, export::Format::Json);
                let again = taken(text.as_bytes());
                proptest::prop_assert_eq!(
                    again.environment.digests().environment,
                    imported.environment.digests().environment
                );
            }
        }
    }
}

/// What files of these formats are made of.
const PARTS: [&str; 28] = [
    "a",
    "1.0",
    "==",
    "\n",
    "\\\n",
    " # ",
    " @ ",
    "https://",
    "u:p@host/",
    "x-1-py3-none-any.whl",
    "x-1-0.conda",
    "#",
    "@EXPLICIT\n",
    "-r ",
    "[b]",
    ";",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"schema\"",
    "\"runstone.environment/1\"",
    "\"sources\"",
    "\"npm\"",
    "\"bomFormat\"",
    "\"CycloneDX\"",
];
