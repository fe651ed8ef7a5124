//! Roots of other systems, made by hand, are captured as their package managers mean them.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a failed step should stop the test, fixtures need no flush, and dpkg-query is asked"
)]

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use runstone_core::digest::Digest;
use runstone_env::{Capture, Options, Root, Source, SourceName, State, capture, diff};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Every root, and what is told of the session in it.
fn roots() -> Vec<(&'static str, Options)> {
    let named = |name: &str, value: &str| Options {
        variables: [(name.to_owned(), value.to_owned())].into(),
        ..Options::default()
    };
    vec![
        ("alpine", Options::default()),
        ("arch", Options::default()),
        ("cargo", named("HOME", "/home/ann")),
        ("conda", named("CONDA_PREFIX", "/opt/conda")),
        ("debian", Options::default()),
        ("distroless", Options::default()),
        ("fedora", Options::default()),
        ("globals", named("HOME", "/home/ann")),
        ("node", named("PATH", "/usr/bin")),
        (
            "pyenv",
            named("PATH", "/home/ann/.pyenv/shims:/usr/local/bin"),
        ),
        ("python", in_folder("/srv/project")),
        ("r", named("R_LIBS_USER", "/home/ann/R")),
        ("slim", Options::default()),
    ]
}

fn in_folder(folder: &str) -> Options {
    Options {
        folder: Some(PathBuf::from(folder)),
        ..Options::default()
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn captured_with(name: &str, options: &Options) -> Capture {
    capture(&Root::at(fixture(name)).unwrap(), options)
}

fn captured(name: &str) -> Capture {
    let options = roots().into_iter().find(|(it, _)| *it == name);
    captured_with(name, &options.unwrap().1)
}

fn source(capture: &Capture, name: SourceName) -> &Source {
    &capture.environment.sources[&name]
}

fn json_of(capture: &Capture, name: SourceName) -> Value {
    capture.environment.to_json()["sources"][name.as_str()].clone()
}

/// What is said about a source.
fn said(capture: &Capture, name: SourceName) -> Vec<&str> {
    let warnings = capture.record.warnings.iter();
    let warnings = warnings.filter(|it| it.source == name);
    warnings.map(|it| it.text.as_str()).collect()
}

#[test]
fn dpkg_counts_as_installed_what_is_in_that_state() {
    let capture = captured("debian");
    let amd64 =
        |name: &str, version: &str| json!({ "name": name, "version": version, "arch": "amd64" });
    let with = |mut package: Value, facts: Value| {
        package["facts"] = facts;
        package
    };
    assert_eq!(
        json_of(&capture, SourceName::Dpkg),
        json!({
            "state": "captured",
            "facts": {
                "native_arch": "amd64",
                "other_states": [
                    { "name": "coming", "version": "7-1", "arch": "amd64", "state": "unpacked", "want": "install" },
                    { "name": "half", "version": "3.1-2", "arch": "amd64", "state": "half-configured", "want": "install" },
                    { "name": "removed", "version": "0.9-1", "arch": "amd64", "state": "config-files", "want": "deinstall" },
                ],
            },
            "packages": [
                { "name": "again", "version": "1-1", "arch": "all", "facts": { "flag": "reinstreq" } },
                with(amd64("dpkg", "1.21.22"), json!({ "essential": true, "priority": "required" })),
                with(amd64("held", "2:1.0~rc1-1"), json!({ "want": "hold" })),
                amd64("latin", "1.2"),
                amd64("libc6", "2.36-9+deb12u9"),
                { "name": "libc6", "version": "2.36-9+deb12u9", "arch": "i386" },
                amd64("moving", "1.1-1"),
                amd64("native", "5"),
            ],
        })
    );
    assert_eq!(said(&capture, SourceName::Dpkg), [""; 0]);
}

#[test]
fn dpkg_query_says_the_same_of_the_same_files() {
    let database = format!("--admindir={}", fixture("debian/var/lib/dpkg").display());
    let format = "-f=${Package} ${Architecture} ${Version} ${db:Status-Status}\n";
    let asked = Command::new("dpkg-query")
        .args([&database, "-W", format])
        .output();
    let Ok(output) = asked else {
        skipped("dpkg-query");
        return;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let mut theirs: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_suffix(" installed"))
        // A package that names no architecture is of the native one.
        .map(|line| line.replace("  ", " amd64 "))
        .collect();
    theirs.sort();
    let capture = captured("debian");
    let packages = source(&capture, SourceName::Dpkg).packages.iter();
    let mut ours: Vec<String> = packages
        .map(|it| format!("{} {} {}", it.name, it.arch.as_deref().unwrap(), it.version))
        .collect();
    ours.sort();
    assert_eq!(ours, theirs, "{}", String::from_utf8_lossy(&output.stderr));
}

/// Says on standard error, past the harness, that a program is not there to be asked.
fn skipped(program: &str) {
    let text = format!("SKIPPED: {program} is not here and could not be asked\n");
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

#[test]
fn apt_tells_marks_and_origins_without_credentials() {
    let capture = captured("debian");
    assert_eq!(
        json_of(&capture, SourceName::Apt),
        json!({
            "state": "captured",
            "facts": {
                "automatic": { "amd64": ["libc6", "passwd"], "i386": ["libc6"] },
                "preferences": [
                    { "package": "moving", "pin": "version 1.1-1", "priority": "1001" },
                ],
                "sources": [
                    "deb http://deb.debian.org/debian bookworm main",
                    "deb [signed-by=/k.gpg] https://private.example.org/debian stable main",
                    "deb https://extra.example.org/debian bookworm-updates main",
                ],
            },
        })
    );
    let observed = &capture.record.observed[&SourceName::Apt]["releases"];
    assert_eq!(observed[0]["codename"], "bookworm");
    assert_eq!(observed[0]["date"], "Sat, 15 Nov 2025 09:00:00 UTC");
}

#[test]
fn without_the_file_of_marks_nothing_is_said_about_marks() {
    let capture = captured("slim");
    let facts = &source(&capture, SourceName::Apt).facts;
    assert_eq!(facts["marks"], "unknown");
    assert!(!facts.contains_key("automatic"));
    assert_eq!(
        said(&capture, SourceName::Apt),
        ["var/lib/apt/extended_states cannot be read: what was asked for is unknown"]
    );
}

#[test]
fn damaged_stanza_costs_itself_and_makes_the_source_partial() {
    let capture = captured("slim");
    let dpkg = source(&capture, SourceName::Dpkg);
    assert_eq!(dpkg.state, State::Partial);
    let names: Vec<&str> = dpkg.packages.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["dpkg", "noarch"]);
    assert_eq!(dpkg.packages[1].arch.as_deref(), Some("arm64"));
    assert_eq!(
        said(&capture, SourceName::Dpkg),
        [
            "stanza 3 of var/lib/dpkg/status: `Status: installed` is not three words",
            "stanza 4 of var/lib/dpkg/status: `Version` is not UTF-8",
        ]
    );
}

#[test]
fn image_without_dpkg_has_packages() {
    let capture = captured("distroless");
    assert_eq!(
        json_of(&capture, SourceName::Dpkg),
        json!({
            "state": "captured",
            "packages": [
                { "name": "base-files", "version": "12.4+deb12u11", "arch": "amd64" },
                { "name": "tzdata", "version": "2025b-0+deb12u1", "arch": "all" },
            ],
        })
    );
}

#[test]
fn status_that_cannot_be_read_is_not_a_machine_without_packages() {
    let folder = TempDir::new().unwrap();
    // A folder where the file belongs: root may read everything else.
    std::fs::create_dir_all(folder.path().join("var/lib/dpkg/status")).unwrap();
    let capture = capture(&Root::at(folder.path()).unwrap(), &Options::default());
    assert_eq!(source(&capture, SourceName::Dpkg).state, State::Unreadable);
    assert_eq!(
        said(&capture, SourceName::Dpkg),
        ["var/lib/dpkg/status is not a regular file"]
    );
}

/// A root with these files, and what is said of one source of it.
fn state_of(files: &[(&str, &str)], name: SourceName) -> (State, Vec<String>) {
    let folder = TempDir::new().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let capture = capture(&Root::at(folder.path()).unwrap(), &Options::default());
    let words = said(&capture, name).into_iter().map(ToOwned::to_owned);
    (source(&capture, name).state, words.collect())
}

#[test]
fn database_that_is_empty_or_cut_off_is_no_machine_without_packages() {
    const STATUS: &str = "var/lib/dpkg/status";
    const STANZA: &str = "Package: a\nStatus: install ok installed\nVersion: 1\n";
    let partial = |text: &str| (State::Partial, vec![text.to_owned()]);
    let none = "the database of dpkg names no package: it is empty or was cut off";
    let dpkg = |files: &[(&str, &str)]| state_of(files, SourceName::Dpkg);
    assert_eq!(dpkg(&[(STATUS, "")]), partial(none));
    assert_eq!(dpkg(&[(STATUS, "\n\n")]), partial(none));
    assert_eq!(
        dpkg(&[("var/lib/dpkg/status.d/x.md5sums", "")]),
        partial(none)
    );
    assert_eq!(
        dpkg(&[(STATUS, &format!("{STANZA}\n{STANZA}"))]),
        partial("var/lib/dpkg/status ends within a stanza: it was cut off")
    );
    assert_eq!(
        dpkg(&[(STATUS, &format!("{STANZA}\n"))]),
        (State::Captured, vec![])
    );
    let installed = "lib/apk/db/installed";
    let apk = |text: &str| state_of(&[(installed, text)], SourceName::Apk);
    assert_eq!(
        apk(""),
        partial("lib/apk/db/installed names no package: it is empty")
    );
    assert_eq!(
        apk("P:musl\nV:1\n"),
        partial("lib/apk/db/installed ends within a package: it was cut off")
    );
    assert_eq!(apk("P:musl\nV:1\n\n").0, State::Captured);
    let version = ("var/lib/pacman/local/ALPM_DB_VERSION", "9\n");
    assert_eq!(
        state_of(&[version], SourceName::Pacman),
        partial("var/lib/pacman/local names no package: it is empty")
    );
    let marks = |text: &str| state_of(&[("var/lib/apt/extended_states", text)], SourceName::Apt);
    assert_eq!(
        marks(""),
        partial("var/lib/apt/extended_states is empty: what was asked for is unknown")
    );
    assert_eq!(
        marks("Package: a\nAuto-Installed: 1\n"),
        partial("var/lib/apt/extended_states ends within a stanza: it was cut off")
    );
}

#[test]
fn package_that_waits_for_a_trigger_is_installed() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir_all(folder.path().join("var/lib/dpkg")).unwrap();
    let stanza = |name: &str, state: &str| {
        format!("Package: {name}\nStatus: install ok {state}\nVersion: 1\n\n")
    };
    let status = stanza("man-db", "triggers-pending") + &stanza("ssh", "triggers-awaited");
    std::fs::write(folder.path().join("var/lib/dpkg/status"), status).unwrap();
    let capture = capture(&Root::at(folder.path()).unwrap(), &Options::default());
    assert_eq!(
        json_of(&capture, SourceName::Dpkg),
        json!({
            "state": "captured",
            "packages": [
                { "name": "man-db", "version": "1" },
                { "name": "ssh", "version": "1" },
            ],
        })
    );
}

#[test]
fn os_is_told_with_its_c_library() {
    assert_eq!(
        json_of(&captured("debian"), SourceName::Os),
        json!({
            "state": "captured",
            "facts": {
                "release": { "id": "debian", "version_id": "12", "version_codename": "bookworm" },
                "libc": "glibc",
                "libc_version": "2.36",
            },
        })
    );
    let alpine = captured("alpine");
    let facts = &source(&alpine, SourceName::Os).facts;
    assert_eq!(facts["libc"], "musl");
    assert_eq!(facts["release"]["id"], "alpine");
}

#[test]
fn apk_reads_the_package_and_not_its_files() {
    let capture = captured("alpine");
    assert_eq!(
        json_of(&capture, SourceName::Apk),
        json!({
            "state": "partial",
            "facts": {
                "repositories": [
                    "https://dl-cdn.alpinelinux.org/alpine/v3.20/main",
                    "https://private.example.org/alpine",
                ],
                "world": ["alpine-baselayout>=3", "busybox"],
            },
            "packages": [
                { "name": "busybox", "version": "1.36.1-r29", "arch": "x86_64", "facts": { "checksum": "Q1efgh=" } },
                { "name": "musl", "version": "1.2.5-r0", "arch": "x86_64", "facts": { "checksum": "Q1abcd=" } },
            ],
        })
    );
    assert_eq!(
        said(&capture, SourceName::Apk),
        ["package 3 of lib/apk/db/installed has no name or no version"]
    );
}

#[test]
fn pacman_tells_what_came_along() {
    let capture = captured("arch");
    let pacman = source(&capture, SourceName::Pacman);
    assert_eq!(pacman.state, State::Partial);
    assert_eq!(
        json_of(&capture, SourceName::Pacman)["packages"],
        json!([
            { "name": "bash", "version": "5.2.037-1", "arch": "x86_64", "facts": { "build": "1700000000" } },
            { "name": "glibc", "version": "2.40-1", "arch": "x86_64", "facts": { "automatic": true } },
        ])
    );
    assert_eq!(
        said(&capture, SourceName::Pacman),
        ["var/lib/pacman/local/torn-1-1/desc is missing"]
    );
}

#[test]
fn rpm_has_several_versions_of_one_name_and_epochs() {
    let capture = captured("fedora");
    let package = |name: &str, version: &str, facts: Value| json!({ "name": name, "version": version, "arch": "noarch", "facts": facts });
    // The database was made by rpm 4.18 itself (`rpmbuild`, `rpm -i --justdb`), in pages of 512
    // bytes; `rpm -qa` says the same of it.
    assert_eq!(
        json_of(&capture, SourceName::Rpm),
        json!({
            "state": "captured",
            "packages": [
                package("kernel-toy", "6.1.0-1.fc40", json!({
                    "build": "5f63de0137fd4cc215ad176c5ac38a92c73932060764d305168598a468d49a57",
                })),
                package("kernel-toy", "6.2.0-1.fc40", json!({
                    "build": "03878a9056dc6d4345f6b1fa0ce1e205a8d5464e8319aa123fdafb113c62d307",
                })),
                package("many", "1.0-1.fc40", json!({
                    "build": "dcb4f572ae3fc07cb7a3c84f90de09374463f13ed90ac30575ad1f7cce653ee9",
                    "module": "nodejs:18:20230101:abc",
                })),
                package("toy", "1:2.0~rc1-3.fc40", json!({
                    "build": "296c26106560fb0b3fc70fad6d64fc319cb3542946bf415f1540496164b3351e",
                })),
            ],
        })
    );
    assert_eq!(said(&capture, SourceName::Rpm), Vec::<&str>::new());
    assert_eq!(
        source(&captured("debian"), SourceName::Rpm).state,
        State::Absent
    );
}

#[test]
fn conda_tells_builds_and_hides_its_tokens() {
    let capture = captured("conda");
    let conda = source(&capture, SourceName::Conda);
    assert_eq!(conda.state, State::Partial);
    assert_eq!(
        said(&capture, SourceName::Conda),
        ["/opt/conda/conda-meta/torn.json is not as expected at line 1, column 17"]
    );
    let packages = json_of(&capture, SourceName::Conda)["packages"].clone();
    assert_eq!(
        packages[0],
        json!({
            "name": "numpy",
            "version": "1.26.4",
            "facts": {
                "build": "py311h64a7726_0",
                "build_number": 0,
                "channel": "https://conda.example.org/conda-forge/linux-64",
                "md5": "a502d7aad449a1206efb366d6a12c52d",
                "requested": "numpy=1.26",
                "sha256": "3f4365e11b28e244c95ba8579942b0802761ba7bb31c026f50d1a9ea9c728149",
                "subdir": "linux-64",
                "url": "https://conda.example.org/conda-forge/linux-64/numpy-1.26.4.conda",
            },
        })
    );
    let python = source(&capture, SourceName::Python);
    assert_eq!(
        capture.record.observed[&SourceName::Python]["chosen_by"],
        "CONDA_PREFIX"
    );
    assert_eq!(python.facts["version"], "3.11");
    let installers: Vec<&Value> = python
        .packages
        .iter()
        .map(|it| &it.facts["installer"])
        .collect();
    assert_eq!(installers, ["conda", "pip"]);
}

#[test]
fn python_sees_what_an_import_would_find() {
    let capture = captured("python");
    let record = b"friendly_bard/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0";
    assert_eq!(
        json_of(&capture, SourceName::Python),
        json!({
            "state": "captured",
            "facts": {
                "broken": ["empty-1.0.dist-info", "~umpy-1.26.0.dist-info"],
                "made_by_uv": "0.9.5",
                "system_site_packages": true,
                "torch_cuda": "12.1",
                "torch_git_version": "97ff6cfd9c86c5c09d7ce775ab64ec5c99230f5d",
                "version": "3.12.4",
                "virtual": true,
            },
            "packages": [
                { "name": "develop", "version": "0.0.1", "facts": { "editable": true, "url": "file:///srv/develop/src" } },
                { "name": "editable", "version": "0.1", "facts": { "editable": true, "url": "file:///srv/project" } },
                { "name": "extra", "version": "4" },
                {
                    "name": "friendly-bard",
                    "version": "1.0",
                    "facts": {
                        "files": Digest::of_named("python.files", record).to_string(),
                        "installer": "uv",
                        "raw_name": "Friendly_Bard",
                        "requested": true,
                    },
                },
                {
                    "name": "fromgit",
                    "version": "2.0",
                    "facts": {
                        "commit_id": "0123456789abcdef0123456789abcdef01234567",
                        "requested_revision": "main",
                        "url": "https://git.example.org/team/fromgit.git",
                        "vcs": "git",
                    },
                },
                { "name": "old", "version": "0.5" },
                { "name": "only-base", "version": "3", "facts": { "raw_name": "only.base" } },
                { "name": "shadowed", "version": "1.0", "facts": { "raw_name": "Shadowed", "shadowed": true } },
                { "name": "shadowed", "version": "2.0" },
            ],
        })
    );
    let observed = &capture.record.observed[&SourceName::Python];
    assert_eq!(observed["prefix"], "/srv/project/.venv");
    assert_eq!(observed["base"], "/srv/base");
    let site = "/srv/project/.venv/lib/python3.12/site-packages";
    assert_eq!(
        said(&capture, SourceName::Python),
        [
            format!("{site}/empty-1.0.dist-info/METADATA is missing"),
            format!("{site}/~umpy-1.26.0.dist-info is left of a removal that did not end"),
            "shadowed 1.0 in /srv/base/lib/python3.12/site-packages is shadowed by an earlier folder, or stands there twice".to_owned(),
        ]
    );
}

/// A virtual environment in `/srv/venv` with one distribution, and its base in `/usr`.
fn virtual_environment() -> (TempDir, Options) {
    let folder = TempDir::new().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("usr/bin/python3.11", "");
    write("usr/lib/python3.11/site-packages/README.txt", "");
    write("srv/venv/bin/python3", "");
    write(
        "srv/venv/pyvenv.cfg",
        "home = /usr/bin\nversion = 3.11.7\ninclude-system-site-packages = false\n",
    );
    write(
        "srv/venv/lib/python3.11/site-packages/numpy-1.26.0.dist-info/METADATA",
        "Name: numpy\nVersion: 1.26.0\n",
    );
    let options = Options {
        python: Some(PathBuf::from("/srv/venv")),
        ..Options::default()
    };
    (folder, options)
}

#[test]
fn library_folder_that_is_not_there_is_no_environment_without_packages() {
    let (folder, options) = virtual_environment();
    let root = Root::at(folder.path()).unwrap();
    let state = || source(&capture(&root, &options), SourceName::Python).state;
    assert_eq!(state(), State::Captured);
    let library = folder.path().join("srv/venv/lib/python3.11/site-packages");
    std::fs::remove_dir_all(&library).unwrap();
    assert_eq!(state(), State::Partial);
    assert_eq!(
        said(&capture(&root, &options), SourceName::Python),
        ["/srv/venv/lib/python3.11/site-packages is missing"]
    );
    std::fs::create_dir(&library).unwrap();
    assert_eq!(state(), State::Captured, "one that is empty is one");
    std::fs::remove_dir_all(folder.path().join("usr/lib/python3.11/site-packages")).unwrap();
    assert_eq!(state(), State::Captured, "which does not see its base");
    let base = Options {
        python: Some(PathBuf::from("/usr/bin/python3.11")),
        ..Options::default()
    };
    let capture = capture(&root, &base);
    assert_eq!(source(&capture, SourceName::Python).state, State::Partial);
    assert_eq!(
        said(&capture, SourceName::Python),
        ["no folder of distributions is below /usr"]
    );
}

#[test]
fn folder_that_a_list_names_and_that_is_not_mounted_leaves_python_partial() {
    let (folder, options) = virtual_environment();
    let library = folder.path().join("srv/venv/lib/python3.11/site-packages");
    std::fs::write(
        library.join("shared.pth"),
        "import sys\n# text\n/mnt/shared\n",
    )
    .unwrap();
    let root = Root::at(folder.path()).unwrap();
    let without = capture(&root, &options);
    assert_eq!(source(&without, SourceName::Python).state, State::Partial);
    assert_eq!(
        said(&without, SourceName::Python),
        ["/srv/venv/lib/python3.11/site-packages/shared.pth names /mnt/shared, which is not there"]
    );
    std::fs::create_dir_all(folder.path().join("mnt/shared")).unwrap();
    let with = capture(&root, &options);
    assert_eq!(source(&with, SourceName::Python).state, State::Captured);
}

#[test]
fn interpreter_that_is_named_and_missing_is_replaced_by_no_other() {
    let named = Options {
        python: Some(PathBuf::from("/srv/other")),
        ..in_folder("/srv/project")
    };
    let capture = captured_with("python", &named);
    assert_eq!(
        source(&capture, SourceName::Python).state,
        State::Unreadable
    );
    assert_eq!(
        said(&capture, SourceName::Python),
        ["there is no interpreter at /srv/other"]
    );
}

#[test]
fn interpreter_of_the_distribution_says_who_manages_it() {
    let named = Options {
        python: Some(PathBuf::from("/srv/base/bin/python3")),
        ..Options::default()
    };
    let capture = captured_with("python", &named);
    let facts = &source(&capture, SourceName::Python).facts;
    assert_eq!(facts["externally_managed"], true);
    assert_eq!(facts.get("virtual"), None);
}

#[test]
fn script_of_pyenv_leads_to_its_interpreter_and_other_scripts_to_none() {
    let capture = captured("pyenv");
    let observed = &capture.record.observed[&SourceName::Python];
    let executable = observed["executable"].as_str().unwrap();
    assert!(
        executable.ends_with(".pyenv/versions/3.10.1/bin/python3"),
        "{executable}"
    );
    let other = Options {
        variables: [("PATH".to_owned(), "/usr/local/bin".to_owned())].into(),
        ..Options::default()
    };
    let capture = captured_with("pyenv", &other);
    assert_eq!(
        source(&capture, SourceName::Python).state,
        State::Unreadable
    );
    let hostile = Options {
        variables: [
            ("PATH".to_owned(), "/home/ann/.pyenv/shims".to_owned()),
            ("PYENV_VERSION".to_owned(), "../../../../usr".to_owned()),
        ]
        .into(),
        ..Options::default()
    };
    let capture = captured_with("pyenv", &hostile);
    assert_eq!(
        source(&capture, SourceName::Python).state,
        State::Unreadable
    );
}

#[test]
fn npm_marks_links_and_names_what_is_no_package() {
    let capture = captured("node");
    assert_eq!(
        json_of(&capture, SourceName::Npm),
        json!({
            "state": "partial",
            "facts": { "broken": ["half"] },
            "packages": [
                {
                    "name": "@team/tool",
                    "version": "2.0.0-rc.1",
                    "facts": { "resolved": "https://registry.example.org/tool.tgz" },
                },
                { "name": "linked", "version": "0.0.0", "facts": { "calls_itself": "renamed", "link": true } },
                { "name": "npm", "version": "11.19.1" },
            ],
        })
    );
}

#[test]
fn package_that_links_out_of_the_root_is_not_read() {
    let outside = TempDir::new().unwrap();
    std::fs::write(
        outside.path().join("package.json"),
        r#"{"version": "6.6.6"}"#,
    )
    .unwrap();
    let folder = TempDir::new().unwrap();
    let modules = folder.path().join("usr/lib/node_modules");
    std::fs::create_dir_all(&modules).unwrap();
    symlink(outside.path(), modules.join("absolute")).unwrap();
    let up = "../".repeat(20) + outside.path().strip_prefix("/").unwrap().to_str().unwrap();
    symlink(up, modules.join("up")).unwrap();
    let capture = capture(&Root::at(folder.path()).unwrap(), &Options::default());
    assert_eq!(
        json_of(&capture, SourceName::Npm),
        json!({ "state": "captured", "facts": { "broken": ["absolute", "up"] } })
    );
}

#[test]
fn pnpm_and_yarn_tell_what_was_asked_for_globally_and_not_what_came_along() {
    let capture = captured("globals");
    assert_eq!(
        json_of(&capture, SourceName::Pnpm),
        json!({
            "state": "partial",
            "facts": { "broken": ["gone"] },
            "packages": [
                {
                    "name": "@team/tool",
                    "version": "2.0.0",
                    "facts": { "from": "git+https://git.example.org/tool.git#0123abc" },
                },
                { "name": "cowsay", "version": "1.6.0" },
                {
                    "name": "linked",
                    "version": "0.0.0",
                    "facts": {
                        "calls_itself": "renamed",
                        "from": "link:../../../../../../../srv/work/linked",
                        "link": true,
                    },
                },
            ],
        })
    );
    let folder = "/home/ann/.local/share/pnpm/global/5";
    assert_eq!(
        said(&capture, SourceName::Pnpm),
        [
            format!("{folder}/package.json asks for what is no name of a package"),
            format!("{folder}/node_modules/gone/package.json is missing: no package"),
        ]
    );
    assert_eq!(
        capture.record.observed[&SourceName::Pnpm],
        json!({ "folder": folder })
    );
    assert_eq!(
        json_of(&capture, SourceName::Yarn),
        json!({
            "state": "captured",
            "packages": [
                {
                    "name": "mine",
                    "version": "0.1.0",
                    "facts": { "from": "file:/srv/work/mine.tgz" },
                },
                { "name": "typescript", "version": "5.4.5" },
            ],
        })
    );
}

/// A root with these files and links, as a session with these variables captures it.
fn made(files: &[(&str, &str)], links: &[(&str, &str)], variables: &[(&str, &str)]) -> Capture {
    let folder = TempDir::new().unwrap();
    let place = |path: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    };
    for (path, text) in files {
        std::fs::write(place(path), text).unwrap();
    }
    for (path, target) in links {
        symlink(target, place(path)).unwrap();
    }
    let variables = variables.iter().copied();
    let options = Options {
        variables: variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        ..Options::default()
    };
    capture(&Root::at(folder.path()).unwrap(), &options)
}

/// Name and version of each package.
fn names(capture: &Capture, source: SourceName) -> Vec<String> {
    let packages = self::source(capture, source).packages.iter();
    packages
        .map(|it| format!("{} {}", it.name, it.version))
        .collect()
}

#[test]
fn groups_that_pnpm_keeps_apart_count_as_far_as_a_link_leads_to_them() {
    let files = [
        (
            "p/global/5/package.json",
            r#"{"dependencies":{"older":"1.0.0"}}"#,
        ),
        (
            "p/global/v11/a1/package.json",
            r#"{"dependencies":{"cowsay":"1.6.0","work":"1.0.0"}}"#,
        ),
        (
            "p/global/v11/b2/package.json",
            r#"{"dependencies":{"@s/x":"npm:y@2"}}"#,
        ),
        (
            "p/global/v11/c3/package.json",
            r#"{"dependencies":{"unfinished":"1.0.0"}}"#,
        ),
        (
            "p/global/v11/b2/node_modules/@s/x/package.json",
            r#"{"name":"y","version":"2.0.0"}"#,
        ),
        (
            "mnt/store/v11/links/cowsay/1/node_modules/cowsay/package.json",
            r#"{"version":"1.6.0"}"#,
        ),
        ("srv/work/package.json", r#"{"version":"0.0.0"}"#),
    ];
    let links = [
        ("p/global/v11/00aa", "a1"),
        ("p/global/v11/00bb", "b2"),
        ("p/global/v11/00cc", "gone"),
        (
            "p/global/v11/a1/node_modules/cowsay",
            "/mnt/store/v11/links/cowsay/1/node_modules/cowsay",
        ),
        ("p/global/v11/a1/node_modules/work", "/srv/work"),
    ];
    let capture = made(&files, &links, &[("PNPM_HOME", "/p")]);
    assert_eq!(
        json_of(&capture, SourceName::Pnpm),
        json!({
            "state": "captured",
            "packages": [
                { "name": "@s/x", "version": "2.0.0", "facts": { "calls_itself": "y", "from": "npm:y@2" } },
                { "name": "cowsay", "version": "1.6.0" },
                { "name": "work", "version": "0.0.0", "facts": { "link": true } },
            ],
        })
    );
    // A layout that was begun and holds nothing takes nothing from an older one.
    let older = made(
        &[
            files[0],
            (
                "p/global/5/node_modules/older/package.json",
                r#"{"version":"1.0.0"}"#,
            ),
            ("p/global/v11/.keep", ""),
        ],
        &[],
        &[("PNPM_HOME", "/p")],
    );
    assert_eq!(names(&older, SourceName::Pnpm), ["older 1.0.0"]);
    let none = made(&[("p/global/v11/.keep", "")], &[], &[("PNPM_HOME", "/p")]);
    assert_eq!(
        json_of(&none, SourceName::Pnpm),
        json!({ "state": "captured" })
    );
}

/// Fails unless a source finds what lies in a folder, in a session of Ann's with settings and
/// variables.
fn assert_found_in(
    folder: &str,
    source: SourceName,
    settings: &[(&str, &str)],
    variables: &[(&str, &str)],
) {
    let asked_in = format!("{folder}/package.json");
    let lies_in = format!("{folder}/node_modules/x/package.json");
    let mut files = vec![
        (asked_in.as_str(), r#"{"dependencies":{"x":"1"}}"#),
        (lies_in.as_str(), r#"{"version":"1.0.0"}"#),
    ];
    files.extend_from_slice(settings);
    let mut session = vec![("HOME", "/home/ann")];
    session.extend_from_slice(variables);
    let capture = made(&files, &[], &session);
    assert_eq!(names(&capture, source), ["x 1.0.0"], "{folder}");
}

#[test]
fn global_folders_are_where_variables_and_settings_say() {
    let pnpm = |folder: &str, settings: &[(&str, &str)], variables: &[(&str, &str)]| {
        assert_found_in(folder, SourceName::Pnpm, settings, variables);
    };
    pnpm("home/ann/.local/share/pnpm/global/5", &[], &[]);
    pnpm("data/pnpm/global/5", &[], &[("XDG_DATA_HOME", "/data")]);
    pnpm(
        "p/global/5",
        &[],
        &[("PNPM_HOME", "/p"), ("XDG_DATA_HOME", "/data")],
    );
    pnpm(
        "g/5",
        &[],
        &[("npm_config_global_dir", "/g"), ("PNPM_HOME", "/p")],
    );
    pnpm(
        "home/ann/g/5",
        &[("home/ann/.npmrc", "global-dir=~/g\n")],
        &[],
    );
    pnpm(
        "g/5",
        &[("home/ann/.config/pnpm/rc", "global-dir=/g\n")],
        &[],
    );
    pnpm(
        "g/5",
        &[("c/pnpm/config.yaml", "globalDir: /g\n")],
        &[("XDG_CONFIG_HOME", "/c")],
    );

    let yarn = |folder: &str, settings: &[(&str, &str)], variables: &[(&str, &str)]| {
        assert_found_in(folder, SourceName::Yarn, settings, variables);
    };
    yarn(
        "home/ann/.config/yarn/global",
        &[],
        &[("XDG_CONFIG_HOME", "/c")],
    );
    yarn("usr/local/share/.config/yarn/global", &[], &[]);
    yarn("data/yarn/global", &[], &[("XDG_DATA_HOME", "/data")]);
    yarn("g", &[], &[("YARN_GLOBAL_FOLDER", "/g")]);
    yarn(
        "home/ann/g",
        &[(
            "home/ann/.yarnrc",
            "registry \"https://r\"\nglobal-folder \"./g\"\n",
        )],
        &[],
    );
    yarn(
        "g",
        &[("home/ann/.yarnrc", "--global-folder \"/g\"\n")],
        &[],
    );
}

#[test]
fn packages_of_which_nobody_says_whether_they_were_asked_for_leave_the_source_partial() {
    let inner = r#"{"version":"1.0.0"}"#;
    for (folder, source) in [
        ("home/ann/.local/share/pnpm/global/5", SourceName::Pnpm),
        ("home/ann/.config/yarn/global", SourceName::Yarn),
    ] {
        let lies_in = format!("{folder}/node_modules/x/package.json");
        let asked_in = format!("{folder}/package.json");
        let session = [("HOME", "/home/ann")];
        let lies = (lies_in.as_str(), inner);
        let capture = made(&[lies], &[], &session);
        assert_eq!(json_of(&capture, source), json!({ "state": "partial" }));
        let reason = format!("/{folder}/package.json is missing: what was asked for is not known");
        assert_eq!(said(&capture, source), [reason]);
        for torn in ["{\"dependencies\":", r#"{"dependencies":["x"]}"#] {
            let capture = made(&[lies, (&asked_in, torn)], &[], &session);
            assert_eq!(
                json_of(&capture, source),
                json!({ "state": "partial" }),
                "{torn}"
            );
        }
        let none = made(&[lies, (&asked_in, "{}")], &[], &session);
        assert_eq!(json_of(&none, source), json!({ "state": "captured" }));
    }
}

#[test]
fn environment_without_what_later_releases_read_is_the_one_it_was() {
    let folder = TempDir::new().unwrap();
    let capture = capture(&Root::at(folder.path()).unwrap(), &Options::default());
    let named = capture.environment.sources.keys().map(|it| it.as_str());
    assert_eq!(
        named.collect::<Vec<_>>().join(" "),
        "apk apt cargo conda cpu dpkg gpu kernel modules npm os pacman python r rpm variables"
    );
}

#[test]
fn cargo_tells_programs_by_either_of_its_lists() {
    let capture = captured("cargo");
    assert_eq!(
        json_of(&capture, SourceName::Cargo)["packages"],
        json!([
            {
                "name": "just",
                "version": "1.59.0",
                "facts": {
                    "bins": ["just"],
                    "from": "registry+https://github.com/rust-lang/crates.io-index",
                    "profile": "release",
                    "rustc": "rustc 1.95.0 (59807616e 2026-04-14)",
                    "target": "x86_64-unknown-linux-gnu",
                },
            },
            {
                "name": "tool",
                "version": "0.1.0",
                "facts": { "bins": ["tool"], "from": "git+https://git.example.org/tool?branch=main#0123456789abcdef" },
            },
        ])
    );
    let older = Options {
        variables: [("HOME".to_owned(), "/home/old".to_owned())].into(),
        ..Options::default()
    };
    let capture = captured_with("cargo", &older);
    assert_eq!(
        json_of(&capture, SourceName::Cargo)["packages"][0]["name"],
        "ripgrep"
    );
}

#[test]
fn first_library_of_r_wins_and_what_is_being_installed_is_no_package() {
    let capture = captured("r");
    assert_eq!(
        json_of(&capture, SourceName::R),
        json!({
            "state": "captured",
            "packages": [
                { "name": "Matrix", "version": "1.5-3", "facts": { "shadowed": true } },
                { "name": "Matrix", "version": "1.6-0", "facts": { "repository": "CRAN", "remote_sha": "0123abc" } },
                { "name": "stats", "version": "4.2.2", "facts": { "built": "R 4.2.2" } },
            ],
        })
    );
}

#[test]
fn empty_root_is_absent_everywhere_and_nothing_in_it_is_empty() {
    let folder = TempDir::new().unwrap();
    let capture = capture(&Root::at(folder.path()).unwrap(), &Options::default());
    for (name, source) in &capture.environment.sources {
        let is_none = matches!(source.state, State::Absent | State::Skipped);
        assert!(is_none, "{name:?} is {:?}", source.state);
    }
}

#[test]
fn no_secret_of_any_root_reaches_facts_or_record() {
    for (name, options) in roots() {
        let capture = captured_with(name, &options);
        let whole = format!("{} {:?}", capture.environment.to_json(), capture.record);
        for secret in [
            "hunter2",
            "token-1234",
            "tk-secret",
            "ghp_secret",
            ":pw@",
            "token=abc",
        ] {
            assert!(!whole.contains(secret), "{secret} of {name}: {whole}");
        }
    }
}

#[test]
fn capturing_again_gives_the_same_bytes_and_no_difference() {
    for (name, options) in roots() {
        let first = captured_with(name, &options);
        let second = captured_with(name, &options);
        assert_eq!(first.digests, second.digests, "{name}");
        assert_eq!(diff(&first.environment, &second.environment).rows, []);
        let read = runstone_env::Environment::from_json(&first.environment.to_json());
        assert_eq!(read.unwrap(), first.environment, "{name}");
    }
}

#[test]
fn source_that_is_left_out_is_skipped_and_not_absent() {
    let options = Options {
        skip: [SourceName::Dpkg].into(),
        ..Options::default()
    };
    let capture = captured_with("debian", &options);
    assert_eq!(source(&capture, SourceName::Dpkg).state, State::Skipped);
}
