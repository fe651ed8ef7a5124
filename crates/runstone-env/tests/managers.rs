//! What is read is what the package managers answer themselves, on the machine at hand.
//!
//! A manager that is not there cannot be asked: its test says so and is no proof then.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a failed step should stop the test, and here the managers are asked"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use runstone_env::{Capture, Options, Root, SourceName, State, capture};
use serde_json::Value;
use tempfile::TempDir;

/// Runs a program. `None`, said loudly: it is not there.
fn asked(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Option<Output> {
    let program = program.as_ref();
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            skipped(&format!("{} cannot be asked: {error}", program.display()));
            None
        }
    }
}

/// Says on standard error, past the harness, what was not tried: a test that was not made did not
/// pass unseen.
fn skipped(why: &str) {
    let text = format!("SKIPPED: {why}\n");
    std::io::stderr().write_all(text.as_bytes()).unwrap();
    assert!(!is_required(), "RUNSTONE_TEST_REQUIRE names `managers`");
}

fn is_required() -> bool {
    let required = std::env::var("RUNSTONE_TEST_REQUIRE").unwrap_or_default();
    required.split(',').any(|it| it == "managers")
}

fn captured_with(options: &Options) -> Capture {
    capture(&Root::host().unwrap(), options)
}

/// Name and version of what a source found.
fn packages(capture: &Capture, source: SourceName) -> BTreeSet<(String, String)> {
    let source = &capture.environment.sources[&source];
    assert_eq!(source.state, State::Captured, "{:?}", capture.record);
    let packages = source.packages.iter();
    packages
        .map(|it| (it.name.clone(), it.version.clone()))
        .collect()
}

fn session() -> BTreeMap<String, String> {
    std::env::vars().collect()
}

#[test]
fn dpkg_has_the_packages_that_dpkg_query_names() {
    let format =
        "-f=${Package}\t${Architecture}\t${Version}\t${db:Status-Want}\t${db:Status-Status}\n";
    let Some(output) = asked("dpkg-query", &["-W", format]) else {
        return;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let theirs: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_suffix("\tinstalled"))
        .map(ToOwned::to_owned)
        .collect();
    let capture = captured_with(&Options::default());
    let source = &capture.environment.sources[&SourceName::Dpkg];
    assert_eq!(source.state, State::Captured, "{:?}", capture.record);
    let ours: BTreeSet<String> = source
        .packages
        .iter()
        .map(|it| {
            let want = it.facts.get("want").and_then(Value::as_str);
            let arch = it.arch.as_deref().unwrap();
            format!(
                "{}\t{arch}\t{}\t{}",
                it.name,
                it.version,
                want.unwrap_or("install")
            )
        })
        .collect();
    assert!(!theirs.is_empty());
    assert_same(&ours, &theirs);
}

#[test]
fn apt_marks_are_those_that_apt_mark_shows() {
    let Some(output) = asked("apt-mark", &["showauto"]) else {
        return;
    };
    let theirs: BTreeSet<String> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(ToOwned::to_owned)
        .collect();
    let capture = captured_with(&Options::default());
    let sources = &capture.environment.sources;
    let apt = &sources[&SourceName::Apt];
    let Some(Value::Object(marked)) = apt.facts.get("automatic") else {
        skipped("this machine keeps no marks");
        return;
    };
    let native = sources[&SourceName::Dpkg].facts["native_arch"].as_str();
    // apt leaves out what is not installed any more, and does not say the native architecture.
    let installed = packages(&capture, SourceName::Dpkg);
    let installed: BTreeSet<&str> = installed.iter().map(|(name, _)| name.as_str()).collect();
    let mut ours = BTreeSet::new();
    for (arch, names) in marked {
        let names = names.as_array().unwrap().iter();
        for name in names.map(|name| name.as_str().unwrap()) {
            if installed.contains(name) && Some(arch.as_str()) == native {
                ours.insert(name.to_owned());
            } else if installed.contains(name) {
                ours.insert(format!("{name}:{arch}"));
            }
        }
    }
    assert_same(&ours, &theirs);
}

/// Fails with what one side alone has: whole lists are nothing to read.
fn assert_same<T: Ord + std::fmt::Debug>(ours: &BTreeSet<T>, theirs: &BTreeSet<T>) {
    let unknown: Vec<&T> = theirs.difference(ours).collect();
    let invented: Vec<&T> = ours.difference(theirs).collect();
    assert!(
        unknown.is_empty() && invented.is_empty(),
        "theirs alone: {unknown:?}, ours alone: {invented:?}"
    );
}

#[test]
fn python_has_the_distributions_that_pip_lists() {
    let folder = TempDir::new().unwrap();
    let prefix = folder.path().join("venv");
    let Some(made) = asked("python3", &["-m", "venv", prefix.to_str().unwrap()]) else {
        return;
    };
    if !made.status.success() {
        skipped("this Python makes no virtual environments");
        return;
    }
    let project = project(folder.path());
    let python = prefix.join("bin/python");
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-use-pep517",
        "-e",
    ];
    let arguments: Vec<&str> = install.into_iter().chain([project.as_str()]).collect();
    let mut is_editable = asked(&python, &arguments).unwrap().status.success();
    if !is_editable && is_required() {
        // Newer releases build in an environment of their own, which takes the network.
        let install = ["-m", "pip", "install", "--quiet", "-e", &project];
        is_editable = asked(&python, &install).unwrap().status.success();
    }
    let listed = asked(&python, &["-m", "pip", "list", "--format=json"]).unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let theirs: BTreeSet<(String, String)> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let text = |member: &str| it[member].as_str().unwrap().to_owned();
            (
                text("name").to_lowercase().replace(['_', '.'], "-"),
                text("version"),
            )
        })
        .collect();
    let named = Options {
        python: Some(prefix),
        ..Options::default()
    };
    let capture = captured_with(&named);
    assert_same(&packages(&capture, SourceName::Python), &theirs);
    let source = &capture.environment.sources[&SourceName::Python];
    assert_eq!(source.facts["virtual"], true);
    let said = asked(
        &python,
        &["-c", "import sys; print(sys.version.split()[0])"],
    )
    .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert_eq!(source.facts["version"], said.trim());
    if is_editable {
        let editable = source.packages.iter().find(|it| it.name == "toy-project");
        assert_eq!(editable.unwrap().facts["editable"], true);
    } else {
        skipped("this pip installs nothing editable without the network");
    }
}

/// Writes a wheel, which both pip and uv install without a network and without building.
const WHEEL: &str = "
import sys, zipfile
name = 'toy_wheel-1.0.post1'
files = {
    'toy_wheel.py': 'answer = 42\\n',
    name + '.dist-info/METADATA': 'Metadata-Version: 2.1\\nName: Toy.Wheel\\nVersion: 1.0.post1\\n',
    name + '.dist-info/WHEEL': 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n',
}
names = list(files) + [name + '.dist-info/RECORD']
files[names[-1]] = ''.join(n + ',,\\n' for n in names)
with zipfile.ZipFile(sys.argv[1] + '/' + name + '-py3-none-any.whl', 'w') as wheel:
    for n in names:
        wheel.writestr(n, files[n])
print(wheel.filename)
";

/// What the source says of each distribution, in the words of `pip inspect`.
fn inspected_by_us(prefix: &Path) -> BTreeSet<String> {
    let named = Options {
        python: Some(prefix.to_owned()),
        ..Options::default()
    };
    let capture = captured_with(&named);
    let source = &capture.environment.sources[&SourceName::Python];
    assert_eq!(source.state, State::Captured, "{:?}", capture.record);
    let packages = source.packages.iter();
    packages
        .map(|it| {
            let fact = |name: &str| it.facts.get(name).and_then(Value::as_str).unwrap_or("-");
            let is_requested = it.facts.get("requested") == Some(&Value::Bool(true));
            let (installer, url) = (fact("installer"), fact("url"));
            format!(
                "{} {} {installer} {url} {is_requested}",
                it.name, it.version
            )
        })
        .collect()
}

/// What `pip inspect` says of each.
fn inspected_by_pip(pip: &Path, arguments: &[&str]) -> Option<BTreeSet<String>> {
    let arguments: Vec<&str> = ["-m", "pip"].iter().chain(arguments).copied().collect();
    let output = asked(pip, &arguments)?;
    let Ok(inspected) = serde_json::from_slice::<Value>(&output.stdout) else {
        skipped("this pip is too old to inspect");
        return None;
    };
    let installed = inspected["installed"].as_array().unwrap().iter();
    let distributions = installed.map(|it| {
        let text = |it: &Value| it.as_str().unwrap_or("-").to_owned();
        let name = text(&it["metadata"]["name"]);
        let name = name.to_lowercase().replace(['_', '.'], "-");
        format!(
            "{name} {} {} {} {}",
            text(&it["metadata"]["version"]),
            text(&it["installer"]),
            text(&it["direct_url"]["url"]),
            it["requested"] == true,
        )
    });
    Some(distributions.collect())
}

#[test]
fn distributions_are_those_that_pip_inspects_whoever_made_the_environment() {
    let folder = TempDir::new().unwrap();
    let at = folder.path().to_str().unwrap();
    let Some(wheel) = asked("python3", &["-c", WHEEL, at]) else {
        return;
    };
    let wheel = String::from_utf8(wheel.stdout).unwrap();
    let wheel = wheel.trim();
    let pips = folder.path().join("of-pip");
    let made = asked("python3", &["-m", "venv", pips.to_str().unwrap()]).unwrap();
    if !made.status.success() {
        return skipped("this Python makes no virtual environments");
    }
    let python = pips.join("bin/python");
    let install = ["-m", "pip", "install", "--quiet", "--no-index", wheel];
    assert!(asked(&python, &install).unwrap().status.success());
    if let Some(theirs) = inspected_by_pip(&python, &["inspect", "--local"]) {
        assert!(
            theirs
                .iter()
                .any(|it| it.starts_with("toy-wheel 1.0.post1 pip file://"))
        );
        assert_same(&inspected_by_us(&pips), &theirs);
    }

    let uvs = folder.path().join("of-uv");
    let prefix = uvs.to_str().unwrap();
    let make = [
        "venv",
        "--offline",
        "--quiet",
        "--python",
        python.to_str().unwrap(),
        prefix,
    ];
    let Some(made) = asked("uv", &make) else {
        return;
    };
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let install = [
        "pip",
        "install",
        "--offline",
        "--quiet",
        "--python",
        prefix,
        wheel,
    ];
    let installed = asked("uv", &install).unwrap();
    assert!(
        installed.status.success(),
        "{}",
        String::from_utf8_lossy(&installed.stderr)
    );
    // There is no pip in it; another looks into it.
    if let Some(theirs) = inspected_by_pip(&python, &["--python", prefix, "inspect", "--local"]) {
        assert!(
            theirs
                .iter()
                .any(|it| it.starts_with("toy-wheel 1.0.post1 uv file://"))
        );
        assert_same(&inspected_by_us(&uvs), &theirs);
    }
}

/// Makes a project without dependencies and returns its folder.
fn project(folder: &Path) -> String {
    let project = folder.join("project");
    std::fs::create_dir(&project).unwrap();
    let setup =
        "from setuptools import setup\nsetup(name='Toy_Project', version='1.0', py_modules=[])\n";
    std::fs::write(project.join("setup.py"), setup).unwrap();
    project.to_str().unwrap().to_owned()
}

#[test]
fn named_interpreter_is_the_one_that_the_shell_would_start() {
    let code = "import sys, sysconfig; print(sys.prefix); print('%d.%d' % sys.version_info[:2])";
    let Some(output) = asked("python3", &["-c", code]) else {
        return;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let (prefix, minor) = text.trim().split_once('\n').unwrap();
    let options = Options {
        variables: session(),
        folder: std::env::current_dir().ok(),
        ..Options::default()
    };
    let capture = captured_with(&options);
    let source = &capture.environment.sources[&SourceName::Python];
    let version = source.facts["version"].as_str().unwrap();
    assert!(
        version == minor || version.starts_with(&format!("{minor}.")),
        "{version}"
    );
    assert_eq!(
        capture.record.observed[&SourceName::Python]["prefix"],
        prefix
    );
}

#[test]
fn distributions_are_those_that_an_import_would_find() {
    const CODE: &str = "
import importlib.metadata as metadata, json, re
found = {}
for it in metadata.distributions():
    name = it.metadata['Name']
    if name:
        found.setdefault(re.sub('[-_.]+', '-', name).lower(), it.version)
print(json.dumps(found))
";
    for python in ["python3", "/usr/bin/python3"] {
        // Not here: the folder it is started in is one it imports from.
        let mut asking = Command::new(python);
        let Ok(output) = asking.args(["-c", CODE]).current_dir("/").output() else {
            skipped(&format!("{python} cannot be asked"));
            continue;
        };
        let Ok(found) = serde_json::from_slice::<BTreeMap<String, String>>(&output.stdout) else {
            skipped(&format!("{python} is too old to tell its distributions"));
            continue;
        };
        let theirs: BTreeSet<(String, String)> = found.into_iter().collect();
        let options = Options {
            python: python.starts_with('/').then(|| PathBuf::from(python)),
            variables: session(),
            folder: Some(PathBuf::from("/")),
            ..Options::default()
        };
        let capture = captured_with(&options);
        let source = &capture.environment.sources[&SourceName::Python];
        let unshadowed = source.packages.iter();
        let unshadowed = unshadowed.filter(|it| !it.facts.contains_key("shadowed"));
        let ours = unshadowed.map(|it| (it.name.clone(), it.version.clone()));
        assert_same(&ours.collect(), &theirs);
    }
}

#[test]
fn npm_has_the_packages_that_npm_lists() {
    let Some(output) = asked("npm", &["ls", "-g", "--depth=0", "--json"]) else {
        return;
    };
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let none = serde_json::Map::new();
    let theirs: BTreeSet<(String, String)> = listed["dependencies"]
        .as_object()
        .unwrap_or(&none)
        .iter()
        .map(|(name, it)| (name.clone(), it["version"].as_str().unwrap().to_owned()))
        .collect();
    let options = Options {
        variables: session(),
        ..Options::default()
    };
    assert_same(
        &packages(&captured_with(&options), SourceName::Npm),
        &theirs,
    );
}

/// Fails unless a source has the packages that its manager lists, of the session.
fn assert_listed(source: SourceName, theirs: &BTreeSet<(String, String)>) {
    if theirs.is_empty() {
        return skipped(&format!("{} has no global packages", source.as_str()));
    }
    let options = Options {
        variables: session(),
        ..Options::default()
    };
    assert_same(&packages(&captured_with(&options), source), theirs);
}

#[test]
fn pnpm_has_the_packages_that_pnpm_lists() {
    let Some(output) = asked("pnpm", &["ls", "-g", "--depth=0", "--json"]) else {
        return;
    };
    let Ok(listed) = serde_json::from_slice::<Value>(&output.stdout) else {
        return skipped("pnpm lists no global packages");
    };
    let folders = listed.as_array().unwrap().iter();
    let dependencies = folders.filter_map(|it| it["dependencies"].as_object());
    let theirs = dependencies
        .flatten()
        .map(|(name, it)| (name.clone(), it["version"].as_str().unwrap().to_owned()))
        .collect();
    assert_listed(SourceName::Pnpm, &theirs);
}

#[test]
fn yarn_has_the_packages_that_yarn_lists() {
    let Some(release) = asked("yarn", &["--version"]) else {
        return;
    };
    if !release.stdout.starts_with(b"1.") {
        return skipped("this yarn has no global packages");
    }
    let output = asked("yarn", &["global", "list", "--json"]).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let infos = lines.filter(|line| line["type"] == "info");
    let theirs = infos
        .filter_map(|line| {
            let (name, version) = line["data"].as_str()?.split('"').nth(1)?.rsplit_once('@')?;
            Some((name.to_owned(), version.to_owned()))
        })
        .collect();
    assert_listed(SourceName::Yarn, &theirs);
}

#[test]
fn two_captures_of_one_machine_have_one_digest() {
    let options = Options {
        variables: session(),
        ..Options::default()
    };
    let first = captured_with(&options);
    let second = captured_with(&options);
    assert_eq!(first.digests, second.digests);
    assert_eq!(first.environment, second.environment);
}
