//! Exports say what the managers themselves would have said, and nothing that is an order.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a failed step should stop the test, fixtures need no flush, and here managers are asked"
)]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use runstone_core::canon;
use runstone_core::digest::Digest;
use runstone_env::export::{self, Details, Export, Format, NotExported};
use runstone_env::{
    Capture, Environment, Options, Package, Root, Source, SourceName, State, capture,
};
use serde_json::{Value, json};
use tempfile::TempDir;

fn skipped(why: &str) {
    let text = format!("SKIPPED: {why}\n");
    std::io::stderr().write_all(text.as_bytes()).unwrap();
    let required = std::env::var("RUNSTONE_TEST_REQUIRE").unwrap_or_default();
    let is_required = required.split(',').any(|it| it == "managers");
    assert!(!is_required, "RUNSTONE_TEST_REQUIRE names `managers`");
}

fn asked(program: &str, arguments: &[&str]) -> Option<Output> {
    // A folder of projects would be one to import from.
    let asked = Command::new(program)
        .args(arguments)
        .current_dir("/")
        .output();
    if let Err(error) = &asked {
        skipped(&format!("{program} cannot be asked: {error}"));
    }
    asked.ok()
}

fn export(environment: &Environment, format: Format) -> Result<Export, NotExported> {
    export::export(environment, format, &Details::default())
}

fn here() -> Environment {
    let options = Options {
        variables: std::env::vars().collect(),
        folder: Some("/".into()),
        ..Options::default()
    };
    capture(&Root::host().unwrap(), &options).environment
}

fn fixture(name: &str, variable: Option<(&str, &str)>) -> Environment {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    let variables = variable.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options = Options {
        variables: variables.into_iter().collect(),
        ..Options::default()
    };
    capture(&Root::at(root).unwrap(), &options).environment
}

fn capture_of(name: &str) -> Capture {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    capture(&Root::at(fixtures.join(name)).unwrap(), &Options::default())
}

fn of(name: SourceName, packages: Vec<Package>) -> Environment {
    let source = Source {
        packages,
        ..Source::without_facts(State::Captured)
    };
    let mut environment = Environment::default();
    environment.sources.insert(name, source);
    environment
}

fn package(name: &str, version: &str, facts: Value) -> Package {
    let facts = serde_json::from_value(facts).unwrap();
    Package {
        facts,
        ..Package::new(name, version)
    }
}

fn lines(export: &Export, file: &str) -> Vec<String> {
    let part = export.parts.iter().find(|it| it.file == file).unwrap();
    let lines = part.text.lines().filter(|it| !it.starts_with('#'));
    lines.map(ToOwned::to_owned).collect()
}

#[test]
fn json_is_the_document_and_its_digest_the_one_of_the_environment() {
    let environment = fixture("debian", None);
    let export = export(&environment, Format::Json).unwrap();
    let mut read: Value = serde_json::from_str(&export.parts[0].text).unwrap();
    assert_eq!(Environment::from_json(&read), Ok(environment.clone()));
    let digest = read.as_object_mut().unwrap().remove("digest").unwrap();
    let digests = environment.digests();
    assert_eq!(digest, digests.environment.to_string());
    assert_eq!(Digest::of(&canon::bytes(&read)), digests.environment);
}

#[test]
fn source_that_was_not_read_gives_no_empty_list() {
    let environment = fixture("slim", None);
    let refused = export(&environment, Format::Conda).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`conda` needs what `conda` reads, which is absent"
    );
    let refused = export(&Environment::default(), Format::Requirements).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`requirements` needs what `python` reads, which is missing"
    );
}

#[test]
fn distributions_come_from_where_they_came_from() {
    let hash = "a".repeat(64);
    let environment = of(
        SourceName::Python,
        vec![
            package("torch", "2.4.0+cu121", json!({})),
            package("torch", "2.3.0", json!({ "shadowed": true })),
            package(
                "from-git",
                "1",
                json!({
                    "url": "https://host/team/code.git", "vcs": "git",
                    "commit_id": "0123456789abcdef0123456789abcdef01234567",
                    "requested_revision": "main; rm -rf /", "subdirectory": "python/core",
                }),
            ),
            package(
                "from-archive",
                "1",
                json!({ "url": "https://host/a-1.whl#egg=x", "hashes": { "sha256": hash } }),
            ),
            package(
                "mine",
                "1",
                json!({ "url": "file:///srv/mine", "editable": true }),
            ),
            package(
                "lost",
                "1",
                json!({ "url": "https://host/x.git", "vcs": "git" }),
            ),
        ],
    );
    let export = export(&environment, Format::Requirements).unwrap();
    assert_eq!(
        lines(&export, "requirements.txt"),
        [
            "torch==2.4.0+cu121".to_owned(),
            "from-git @ git+https://host/team/code.git@0123456789abcdef0123456789abcdef01234567#subdirectory=python/core".to_owned(),
            format!("from-archive @ https://host/a-1.whl#sha256={hash}"),
            "-e file:///srv/mine".to_owned(),
        ]
    );
    let left_out: Vec<String> = export
        .left_out
        .iter()
        .map(|it| format!("{}: {}", it.item, it.reason))
        .collect();
    assert_eq!(left_out, ["lost 1: its commit is not known"]);
}

#[test]
fn what_would_be_an_order_is_left_out_and_named() {
    let hostile = [
        package("-rf", "1", json!({})),
        package("--index-url=https://x", "1", json!({})),
        package("a", "1\n--index-url https://x", json!({})),
        package("b", "1; os_name == 'posix'", json!({})),
        package("c", "1", json!({ "url": "https://host/${TOKEN}" })),
        package("d", "1", json!({ "url": "https://host/x --hash=y" })),
        package(
            "e",
            "1",
            json!({
                "url": "https://host/x", "vcs": "git+ext::sh -c", "commit_id": "0123456",
            }),
        ),
        package(
            "f",
            "1",
            json!({
                "url": "https://host/x", "vcs": "git", "commit_id": "0123456 --upload-pack=x",
            }),
        ),
        package(
            "g",
            "1",
            json!({ "url": "https://host/x", "subdirectory": "../../etc" }),
        ),
    ];
    let count = hostile.len();
    let python = export(
        &of(SourceName::Python, hostile.to_vec()),
        Format::Requirements,
    )
    .unwrap();
    assert_eq!(lines(&python, "requirements.txt"), Vec::<String>::new());
    assert_eq!(python.left_out.len(), count);

    let with_arch = |name: &str, version: &str, arch: &str| Package {
        arch: Some(arch.to_owned()),
        ..Package::new(name, version)
    };
    let hostile = vec![
        with_arch("-oAPT::x", "1", "amd64"),
        with_arch("a b", "1", "amd64"),
        with_arch("ok", "1\n\nPackage: *", "amd64"),
        with_arch("ok", "1", "amd64\nPin: x"),
        with_arch("ok", "*", "amd64"),
        Package::new("ok", "1"),
        with_arch("bash-", "5.2", "amd64"),
    ];
    let apt = export(&of(SourceName::Dpkg, hostile), Format::Apt).unwrap();
    // The last is a legal name; with what stands behind it, it is no order to remove `bash`.
    assert_eq!(lines(&apt, "packages.list"), ["bash-:amd64=5.2"]);
    assert_eq!(apt.left_out.len(), 6);
    assert!(apt.parts.iter().all(|it| it.file != "automatic.list"));

    let md5 = "0".repeat(32);
    let hostile = vec![
        package(
            "a",
            "1",
            json!({ "url": "https://host/a.conda\n@EXPLICIT", "md5": md5 }),
        ),
        package("b", "1", json!({ "url": "https://host/b.sh", "md5": md5 })),
        package(
            "c",
            "1",
            json!({ "url": "https://host/c.conda", "md5": "x" }),
        ),
        package("d", "1", json!({})),
    ];
    let conda = export(&of(SourceName::Conda, hostile), Format::Conda).unwrap();
    assert_eq!(lines(&conda, "explicit.txt"), ["@EXPLICIT"]);
    assert_eq!(conda.left_out.len(), 4);
}

#[test]
fn apt_is_told_which_archive_still_has_these_versions() {
    let capture = capture_of("debian");
    let details = Details {
        releases: Some(capture.record.observed[&SourceName::Apt]["releases"].clone()),
        ..Details::default()
    };
    let apt = export::export(&capture.environment, Format::Apt, &details).unwrap();
    let [line] = lines(&apt, "snapshot.list").try_into().unwrap();
    assert!(
        line.starts_with("deb [check-valid-until=no] https://snapshot.debian.org/archive/debian/2"),
        "{line}"
    );
    assert!(line.ends_with("Z/ bookworm main"), "{line}");
    let without = export(&capture.environment, Format::Apt).unwrap();
    assert!(without.parts.iter().all(|it| it.file != "snapshot.list"));
}

#[test]
fn conda_names_archives_with_their_hash() {
    let environment = fixture("conda", Some(("CONDA_PREFIX", "/opt/conda")));
    let export = export(&environment, Format::Conda).unwrap();
    assert!(
        export.parts[0]
            .text
            .starts_with("# platform: linux-64\n@EXPLICIT\n")
    );
    let numpy = "https://conda.example.org/conda-forge/linux-64/numpy-1.26.4.conda#a502d7aad449a1206efb366d6a12c52d";
    assert!(lines(&export, "explicit.txt").contains(&numpy.to_owned()));
}

#[test]
fn dockerfile_copies_the_lists_and_quotes_variables() {
    let with_arch = |name: &str| Package {
        arch: Some("amd64".to_owned()),
        ..Package::new(name, "1.0-1")
    };
    let mut environment = of(SourceName::Dpkg, vec![with_arch("libc6"), with_arch("a;b")]);
    let facts = |json: Value| Source {
        facts: serde_json::from_value(json).unwrap(),
        ..Source::without_facts(State::Captured)
    };
    let os = facts(json!({ "release": { "id": "debian", "version_id": "12" } }));
    let variables = facts(json!({
        "LANG": "C.UTF-8",
        "LD_PRELOAD": "/srv/x.so",
        "OMP_NUM_THREADS": "\"$(id)\\",
        "XLA_FLAGS": "a\nRUN rm -rf /",
    }));
    environment.sources.insert(SourceName::Os, os);
    environment.sources.insert(SourceName::Variables, variables);
    let named = export(&environment, Format::Docker).unwrap();
    assert_eq!(
        lines(&named, "Dockerfile"),
        [
            "FROM debian:12",
            "COPY runstone.pref /etc/apt/preferences.d/runstone.pref",
            "RUN apt-get update \\",
            " && apt-get install --yes --no-install-recommends --allow-downgrades -- \\",
            "    libc6:amd64=1.0-1 \\",
            " && rm -rf /var/lib/apt/lists/*",
            "ENV LANG=\"C.UTF-8\"",
            "ENV OMP_NUM_THREADS=\"\\\"\\$(id)\\\\\"",
        ]
    );
    assert!(named.parts.iter().any(|it| it.file == "runstone.pref"));
    assert_eq!(named.left_out.len(), 3, "{:?}", named.left_out);
    environment.sources.remove(&SourceName::Os);
    let unnamed = export(&environment, Format::Docker).unwrap();
    assert!(
        lines(&unnamed, "Dockerfile")
            .iter()
            .all(|it| !it.starts_with("FROM"))
    );
}

#[test]
fn dockerfile_begins_with_the_image_of_the_distribution_that_was_captured() {
    let environment = fixture("debian", None);
    let export = export(&environment, Format::Docker).unwrap();
    let lines = lines(&export, "Dockerfile");
    assert!(lines.iter().any(|it| it == "FROM debian:12"), "{lines:#?}");
}

#[test]
fn pip_finds_each_requirement_satisfied_here() {
    let Ok(requirements) = export(&here(), Format::Requirements) else {
        return skipped("no interpreter is captured here");
    };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("requirements.txt");
    std::fs::write(&file, &requirements.parts[0].text).unwrap();
    let file = file.to_str().unwrap();
    let arguments = [
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--no-index",
        "--no-deps",
        "--disable-pip-version-check",
        "--break-system-packages",
        "--requirement",
        file,
    ];
    let Some(output) = asked("python3", &arguments) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    if error.contains("No module named pip") {
        return skipped("this Python has no pip");
    }
    assert!(output.status.success(), "{said}{error}");
    let satisfied = said
        .lines()
        .filter(|it| it.contains("already satisfied"))
        .count();
    let count = lines(&requirements, "requirements.txt").len();
    assert!(count > 0);
    assert_eq!(satisfied, count, "{said}");
}

#[test]
fn apt_has_nothing_to_do_for_its_own_list_and_keeps_its_pins() {
    let Ok(apt) = export(&here(), Format::Apt) else {
        return skipped("there is no dpkg here");
    };
    assert_eq!(apt.left_out, []);
    let packages = lines(&apt, "packages.list");
    let mut arguments = vec!["--simulate", "--no-download", "install", "--"];
    arguments.extend(packages.iter().map(String::as_str));
    let Some(output) = asked("apt-get", &arguments) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{error}");
    assert!(
        said.contains("0 upgraded, 0 newly installed, 0 to remove"),
        "{said}"
    );

    let folder = TempDir::new().unwrap();
    let pins = folder.path().join("runstone.pref");
    let text = &apt
        .parts
        .iter()
        .find(|it| it.file == "runstone.pref")
        .unwrap()
        .text;
    std::fs::write(&pins, text).unwrap();
    let setting = format!("Dir::Etc::Preferences={}", pins.display());
    let (name, version) = packages[0].split_once('=').unwrap();
    let policy = asked("apt-cache", &["-o", &setting, "policy", name]).unwrap();
    let policy = String::from_utf8_lossy(&policy.stdout).into_owned();
    let pinned = format!("*** {version} 1001");
    assert!(policy.contains(&pinned), "{policy}");
}
