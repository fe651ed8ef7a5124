//! What is exported as a bill of materials is one, by its own schema, and comes back as it was.
#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::collections::BTreeMap;
use std::path::Path;

use jsonschema::{Registry, Validator};
use runstone_core::redact::Redaction;
use runstone_env::export::{Details, Format, export};
use runstone_env::import::{self, import};
use runstone_env::{Environment, Options, Package, Root, Source, SourceName, State, capture};
use serde_json::{Value, json};

const BOM: &str = include_str!("schemas/bom-1.6.schema.json");
const SPDX: &str = include_str!("schemas/spdx.schema.json");
const JSF: &str = include_str!("schemas/jsf-0.82.schema.json");

fn schema() -> Validator {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let registry = Registry::new()
        .add("http://cyclonedx.org/schema/spdx.schema.json", parsed(SPDX))
        .unwrap()
        .add(
            "http://cyclonedx.org/schema/jsf-0.82.schema.json",
            parsed(JSF),
        )
        .unwrap()
        .prepare()
        .unwrap();
    jsonschema::options()
        .should_validate_formats(true)
        .with_registry(&registry)
        .build(&parsed(BOM))
        .unwrap()
}

fn problems(document: &Value) -> Vec<String> {
    let schema = schema();
    let errors = schema.iter_errors(document);
    errors
        .map(|it| format!("{}: {it}", it.instance_path()))
        .collect()
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

/// Every fixture root, each with what a session there would say.
fn fixtures() -> Vec<(&'static str, Environment)> {
    let cases: [(&str, &[(&str, &str)]); 12] = [
        ("alpine", &[]),
        ("arch", &[]),
        ("cargo", &[("HOME", "/home/ann")]),
        ("conda", &[("CONDA_PREFIX", "/opt/conda")]),
        ("debian", &[]),
        ("distroless", &[]),
        ("fedora", &[]),
        ("globals", &[("HOME", "/home/ann")]),
        ("node", &[]),
        ("python", &[("VIRTUAL_ENV", "/srv/project/.venv")]),
        ("r", &[("R_LIBS_USER", "/home/ann/R")]),
        ("slim", &[]),
    ];
    let cases = cases.into_iter();
    cases
        .map(|(name, variables)| (name, fixture(name, variables)))
        .collect()
}

fn exported(environment: &Environment) -> Value {
    let export = export(environment, Format::CycloneDx, &Details::default()).unwrap();
    assert_eq!(export.left_out, []);
    serde_json::from_str(&export.parts[0].text).unwrap()
}

fn imported(document: &Value) -> import::Imported {
    let bytes = serde_json::to_vec(document).unwrap();
    import(&bytes, import::Format::of(&bytes), &Redaction::default()).unwrap()
}

fn of(name: SourceName, packages: Vec<Package>) -> Environment {
    let source = Source {
        packages,
        ..Source::without_facts(State::Captured)
    };
    Environment {
        sources: [(name, source)].into(),
    }
}

#[test]
fn every_export_is_legal_by_the_official_schema() {
    let host = capture(&Root::host().unwrap(), &Options::default()).environment;
    let hostile = of(
        SourceName::Python,
        vec![
            Package::new("../../etc/passwd", "\u{202e}1\u{1b}[2J"),
            Package::new("a\0b", ""),
            Package::new("a\0b", ""),
            Package::new("-rf", "1\n--index-url https://x"),
        ],
    );
    let mut all = fixtures();
    all.extend([
        ("host", host),
        ("hostile", hostile),
        ("none", Environment::default()),
    ]);
    for (name, environment) in &all {
        assert_eq!(problems(&exported(environment)), [] as [&str; 0], "{name}");
    }
    let at = Details {
        captured_at: Some("2026-11-20T10:00:00Z".to_owned()),
        ..Details::default()
    };
    let dated = export(&all[0].1, Format::CycloneDx, &at).unwrap();
    let dated: Value = serde_json::from_str(&dated.parts[0].text).unwrap();
    assert_eq!(dated["metadata"]["timestamp"], "2026-11-20T10:00:00Z");
    assert_eq!(problems(&dated), [] as [&str; 0]);
}

#[test]
fn schema_would_tell_what_is_wrong() {
    let mut document = exported(&fixture("debian", &[]));
    document["components"][1]["type"] = json!("deb");
    document["metadata"]["timestamp"] = json!("yesterday");
    document["serialNumber"] = json!("urn:uuid:1");
    document["surprise"] = json!(true);
    assert_eq!(problems(&document).len(), 4, "{:?}", problems(&document));
}

#[test]
fn what_was_exported_comes_back_as_the_same_environment() {
    for (name, environment) in fixtures() {
        let imported = imported(&exported(&environment));
        assert_eq!(imported.not_taken, [], "{name}");
        assert_eq!(imported.warnings, [] as [&str; 0], "{name}");
        assert_eq!(
            imported.environment.digests().environment,
            environment.digests().environment,
            "{name}"
        );
    }
}

#[test]
fn same_environment_is_the_same_bytes_and_names_itself_by_its_digest() {
    let (one, other) = (
        exported(&fixture("debian", &[])),
        exported(&fixture("slim", &[])),
    );
    assert_eq!(one, exported(&fixture("debian", &[])));
    assert_ne!(one["serialNumber"], other["serialNumber"]);
    let digest = fixture("debian", &[]).digests().environment.to_string();
    let serial = one["serialNumber"].as_str().unwrap().replace('-', "");
    let serial = serial.strip_prefix("urn:uuid:").unwrap().to_owned();
    // All but the digits that say which kind of UUID it is.
    assert_eq!(&serial[..12], &digest[..12]);
    assert_eq!(&serial[12..13], "8");
    assert_eq!(&serial[17..], &digest[17..32]);
}

#[test]
fn packages_have_the_urls_that_scanners_look_for() {
    // Of one name in two architectures, the first.
    let urls = |name: &str, variables: &[(&str, &str)]| -> BTreeMap<String, String> {
        let document = exported(&fixture(name, variables));
        let components = document["components"].as_array().unwrap().iter();
        let named = components.filter_map(|it| {
            let name = it["name"].as_str()?.to_owned();
            Some((name, it["purl"].as_str()?.to_owned()))
        });
        named.rev().collect()
    };
    let debian = urls("debian", &[]);
    assert_eq!(
        debian["libc6"],
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12"
    );
    let conda = urls("conda", &[("CONDA_PREFIX", "/opt/conda")]);
    assert!(
        conda["numpy"].starts_with("pkg:conda/numpy@1.26.4?build="),
        "{conda:?}"
    );
    let python = urls("python", &[("VIRTUAL_ENV", "/srv/project/.venv")]);
    assert!(!python.contains_key("editable"), "{python:?}");
    assert!(python.contains_key("friendly-bard"), "{python:?}");
    let globals = urls("globals", &[("HOME", "/home/ann")]);
    assert_eq!(
        globals.into_values().collect::<Vec<_>>(),
        ["pkg:npm/cowsay@1.6.0", "pkg:npm/typescript@5.4.5"]
    );
}

#[test]
fn document_that_was_changed_says_nothing_about_what_it_lacks() {
    let environment = fixture("debian", &[]);
    let mut document = exported(&environment);
    let components = document["components"].as_array_mut().unwrap();
    components.retain(|it| it["name"] != "libc6");
    let imported = imported(&document);
    assert_eq!(imported.warnings.len(), 1);
    let sources = &imported.environment.sources;
    assert_eq!(sources[&SourceName::Dpkg].state, State::Partial);
    // Without the proof nobody knows, and a comparison tells no removal of it.
    let diff = runstone_env::diff(&environment, &imported.environment);
    assert_eq!(diff.rows, []);
}

#[test]
fn of_documents_of_others_the_packages_are_taken_that_a_source_would_have_found() {
    let bytes = include_bytes!("imports/others.cdx.json");
    assert_eq!(import::Format::of(bytes), import::Format::CycloneDx);
    let document: Value = serde_json::from_slice(bytes).unwrap();
    assert_eq!(problems(&document), [] as [&str; 0]);
    let imported = imported(&document);
    let found: Vec<String> = imported
        .environment
        .sources
        .iter()
        .flat_map(|(name, source)| {
            assert_eq!(source.state, State::Partial);
            source.packages.iter().map(|it| {
                let arch = it.arch.as_deref().unwrap_or("-");
                format!("{} {} {} {arch}", name.as_str(), it.name, it.version)
            })
        })
        .collect();
    assert_eq!(
        found,
        [
            "cargo ripgrep 14.1.0 -",
            "dpkg libc6 2.36-9+deb12u9 amd64",
            "npm @angular/cli 18.0.1 -",
            "python ruamel-yaml 0.18.6 -",
            "rpm curl 1:7.50.3-1.fc25 i386",
        ]
    );
    let os = &imported.environment.sources[&SourceName::Os];
    assert_eq!(
        os.facts["release"],
        json!({ "id": "debian", "version_id": "12" })
    );
    let not_taken: Vec<String> = imported
        .not_taken
        .iter()
        .map(|it| format!("{} {}: {}", it.place, it.item, it.reason))
        .collect();
    assert_eq!(
        not_taken,
        [
            "/components/6 left-pad: it is a part of a project, and no program by itself",
            "/components/7 example.org/tool: no source here has packages of `golang`",
            "/components/8 bash: it is no package, by its type",
            "/components/9 nameless: it has no package URL",
            "/components/10/components bundle: what stands within another component is installed by no source",
            "/components/10 bundle: its package URL names no version",
            "/components/11 x\n../../etc/passwd: its name or its version is no word",
        ]
    );
}

#[test]
fn what_is_no_document_of_the_format_is_refused_with_its_reason() {
    let refused = |text: &str| {
        let error = import(
            text.as_bytes(),
            import::Format::CycloneDx,
            &Redaction::default(),
        );
        let error = error.unwrap_err();
        let cause = std::error::Error::source(&error);
        cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
    };
    assert_eq!(
        refused(r#"{"bomFormat":"SPDX"}"#),
        "it is no CycloneDX document: `bomFormat` is not `CycloneDX`"
    );
    assert_eq!(
        refused(r#"{"bomFormat":"CycloneDX","specVersion":"9.0"}"#),
        "it is no CycloneDX document: `specVersion` is `9.0`, of which nothing is known here"
    );
    assert_eq!(
        refused(r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[]}"#),
        "it names nothing that could be taken over"
    );
    assert!(refused("<bom/>").starts_with("it is not JSON that can be kept exactly: "));
    let deep = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","x":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(
        refused(&deep).contains("nested deeper than 64"),
        "{}",
        refused(&deep)
    );
    assert!(refused(r#"{"bomFormat":"CycloneDX","bomFormat":"x"}"#).contains("stands there twice"));
}
