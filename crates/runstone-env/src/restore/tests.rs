//! Plans on a model: what a plan says is done to a list of packages, and the list is the target's.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::document::{Environment, Package, Source};
use crate::names::{SourceName, State};
use crate::restore::argv::{Installer, Means, acting, proving, script};

const PREFIX: &str = "/srv/venv";
const CONDA: &str = "/srv/conda/envs/e";

/// An environment with a system around its packages.
fn environment(packages: &[(SourceName, Package)]) -> Environment {
    let mut environment = Environment::default();
    for name in SourceName::ALL.iter().copied() {
        let mut source = Source::without_facts(State::Captured);
        source.facts = match name {
            SourceName::Os => facts(&json!({
                "release": { "id": "debian", "version_id": "12", "version_codename": "bookworm" },
                "libc": "glibc", "libc_version": "2.36",
            })),
            SourceName::Kernel => {
                facts(&json!({ "release": "6.1.0-18-amd64", "machine": "x86_64" }))
            }
            SourceName::Dpkg => facts(&json!({ "native_arch": "amd64" })),
            SourceName::Apt => facts(&json!({ "automatic": { "amd64": [] } })),
            SourceName::Python => facts(&json!({ "version": "3.11.7", "virtual": true })),
            SourceName::Npm => serde_json::Map::new(),
            _ => {
                source.state = State::Absent;
                serde_json::Map::new()
            }
        };
        let own = packages.iter().filter(|(source, _)| *source == name);
        source.packages = own.map(|(_, package)| package.clone()).collect();
        environment.sources.insert(name, source);
    }
    environment
}

fn facts(value: &Value) -> serde_json::Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn package(name: &str, version: &str, more: &Value) -> Package {
    let mut package = Package::new(name, version);
    package.facts = facts(more);
    package
}

fn python(name: &str, version: &str) -> (SourceName, Package) {
    (SourceName::Python, Package::new(name, version))
}

fn dpkg(name: &str, version: &str) -> (SourceName, Package) {
    let mut package = Package::new(name, version);
    package.arch = Some("amd64".to_owned());
    (SourceName::Dpkg, package)
}

fn side(environment: &Environment) -> Side<'_> {
    let mut side = Side::of(environment);
    side.places.python = Some(PREFIX.to_owned());
    side.places.conda = Some(CONDA.to_owned());
    side.places.npm = Some("/srv/npm/lib/node_modules".to_owned());
    side
}

fn planned(current: &Environment, target: &Environment, policy: &Policy) -> Plan {
    plan(&side(current), &side(target), policy).unwrap()
}

fn refused(current: &Environment, target: &Environment, policy: &Policy) -> Vec<String> {
    let refused = plan(&side(current), &side(target), policy).unwrap_err();
    let obstacles = refused.obstacles.iter();
    let texts = obstacles.map(|it| format!("{}: {}", it.manager.as_str(), it.text));
    texts.collect()
}

fn told(plan: &Plan) -> Vec<String> {
    let steps = plan.steps.iter().map(|step| {
        let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "-".to_owned());
        format!(
            "{} {} {} {} → {}",
            step.manager.as_str(),
            step.action.as_str(),
            step.name,
            version(&step.before),
            version(&step.after)
        )
    });
    steps.collect()
}

fn pruning() -> Policy {
    Policy {
        prune: true,
        ..Policy::default()
    }
}

fn lines(plan: &Plan, manager: Manager, installer: Installer) -> Vec<String> {
    let means = Means {
        installer,
        base: Some("/usr/bin/python3".to_owned()),
        without: Some("/tmp/without".to_owned()),
    };
    let lines = proving(plan, manager, &means)
        .into_iter()
        .chain(acting(plan, manager, &means));
    lines.map(|line| line.words().join(" ")).collect()
}

#[test]
fn each_kind_of_change_is_its_own_step() {
    let held = |version: &str| {
        let (name, mut package) = dpkg("held", version);
        package.facts = facts(&json!({ "want": "hold" }));
        (name, package)
    };
    let current = environment(&[
        dpkg("g++", "4:12"),
        dpkg("here", "1.0-1"),
        dpkg("extra", "1"),
        held("2"),
        python("numpy", "2.0.0"),
        python("six", "1.16.0"),
        (SourceName::Npm, Package::new("semver", "7.10.0")),
    ]);
    let target = environment(&[
        dpkg("g++", "4:13"),
        dpkg("here", "1.0~rc1-1"),
        held("3"),
        dpkg("new", "1"),
        python("numpy", "1.26.4"),
        python("attrs", "23.2.0"),
        (SourceName::Npm, Package::new("semver", "7.9.0")),
        (SourceName::Npm, Package::new("@scope/x", "1.0.0")),
    ]);
    let plan = planned(&current, &target, &pruning());
    assert_eq!(
        told(&plan),
        [
            "apt remove extra 1 → -",
            "apt upgrade g++ 4:12 → 4:13",
            "apt upgrade held 2 → 3",
            "apt downgrade here 1.0-1 → 1.0~rc1-1",
            "apt install new - → 1",
            "pip install attrs - → 23.2.0",
            "pip downgrade numpy 2.0.0 → 1.26.4",
            "pip remove six 1.16.0 → -",
            "npm install @scope/x - → 1.0.0",
            "npm downgrade semver 7.10.0 → 7.9.0",
        ]
    );
    let apt = lines(&plan, Manager::Apt, Installer::Uv);
    assert_eq!(apt.len(), 4, "{apt:#?}");
    let end = "--allow-downgrades --allow-change-held-packages install -- extra:amd64- \
               g++:amd64=4:13 held:amd64=3 here:amd64=1.0~rc1-1 new:amd64=1";
    assert!(
        apt[0].starts_with("apt-get --simulate ") && apt[0].ends_with(end),
        "{apt:#?}"
    );
    assert!(
        apt[1].starts_with("apt-get -o DPkg::Lock") && apt[1].ends_with(end),
        "{apt:#?}"
    );
    assert_eq!(
        apt[2],
        "apt-mark manual -- g++:amd64 held:amd64 here:amd64 new:amd64"
    );
    assert_eq!(apt[3], "apt-mark hold -- held:amd64");
    assert_eq!(
        lines(&plan, Manager::Pip, Installer::Uv),
        [
            "uv pip install --color never --python /srv/venv --no-deps --only-binary :all: \
             --dry-run -- attrs==23.2.0 numpy==1.26.4",
            "uv pip uninstall --color never --python /srv/venv -- six",
            "uv pip install --color never --python /srv/venv --no-deps --only-binary :all: \
             -- attrs==23.2.0 numpy==1.26.4",
        ]
    );
    let pip = lines(&plan, Manager::Pip, Installer::Pip);
    assert_eq!(
        pip[0],
        "pip --python /srv/venv install --no-deps --only-binary :all: --no-input \
         --disable-pip-version-check --no-warn-script-location --dry-run --quiet --report - \
         -- attrs==23.2.0 numpy==1.26.4"
    );
    let npm = lines(&plan, Manager::Npm, Installer::Pip);
    assert_eq!(
        npm[1],
        "npm install --global --prefix /srv/npm --ignore-scripts --no-audit --no-fund \
         --no-update-notifier --json -- @scope/x@1.0.0 semver@7.9.0"
    );
}

#[test]
fn nothing_is_removed_unless_it_was_asked_for() {
    let current = environment(&[dpkg("extra", "1"), python("six", "1.16.0")]);
    let target = environment(&[]);
    let plan = planned(&current, &target, &Policy::default());
    assert!(plan.is_nothing());
    let kept: Vec<&str> = plan.kept.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(kept, ["extra", "six"]);
    assert!(plan.kept.iter().all(|it| it.protected.is_none()));
}

#[test]
fn what_a_system_needs_is_never_removed() {
    let essential = package("bash", "5", &json!({ "essential": true }));
    let required = package("mawk", "1", &json!({ "priority": "required" }));
    let protected = package("init", "1", &json!({ "protected": true }));
    let current = environment(&[
        (SourceName::Dpkg, essential),
        (SourceName::Dpkg, required),
        (SourceName::Dpkg, protected),
        dpkg("libc6", "2.36"),
        dpkg("apt", "2.6"),
        dpkg("runstone", "1"),
        dpkg("nvidia-driver", "535"),
        dpkg("linux-image-6.1.0-18-amd64", "6.1"),
        dpkg("linux-image-6.1.0-17-amd64", "6.1"),
        dpkg("linux-image-amd64", "6.1"),
        dpkg("linux-image-generic-hwe-22.04", "6.1"),
        dpkg("linux-image-unsigned-6.5.0-9-generic", "6.5"),
        python("pip", "24.0"),
        python("setuptools", "69"),
        python("uv", "0.1"),
        (SourceName::Npm, Package::new("npm", "10.0.0")),
    ]);
    let plan = planned(&current, &environment(&[]), &pruning());
    assert_eq!(
        told(&plan),
        [
            "apt remove linux-image-6.1.0-17-amd64 6.1 → -",
            "apt remove linux-image-unsigned-6.5.0-9-generic 6.5 → -",
        ]
    );
    assert_eq!(plan.kept.len(), 14);
    assert!(
        plan.kept.iter().all(|it| it.protected.is_some()),
        "{:#?}",
        plan.kept
    );
}

#[test]
fn failed_capture_on_either_side_is_refused_and_no_removal_of_everything() {
    let whole = environment(&[dpkg("bash", "5")]);
    for state in [
        State::Absent,
        State::Unreadable,
        State::Partial,
        State::Skipped,
    ] {
        let mut failed = environment(&[]);
        failed
            .sources
            .insert(SourceName::Dpkg, Source::without_facts(state));
        let word = state.as_str();
        let expected = format!("apt: `dpkg` is captured now and {word} in the target");
        assert_eq!(refused(&whole, &failed, &pruning()), [expected]);
        let expected = format!("apt: `dpkg` is {word} now and captured in the target");
        assert_eq!(refused(&failed, &whole, &pruning()), [expected]);
    }
    let mut unknown = environment(&[]);
    unknown.sources.remove(&SourceName::Dpkg);
    assert_eq!(
        refused(&whole, &unknown, &pruning()),
        ["apt: `dpkg` is captured now and not captured in the target"]
    );
    let only = Policy {
        only: [Manager::Pip].into(),
        ..pruning()
    };
    assert!(planned(&whole, &unknown, &only).is_nothing());
}

fn with_states(packages: &[(SourceName, Package)], others: &Value) -> Environment {
    let mut environment = environment(packages);
    let dpkg = environment.sources.get_mut(&SourceName::Dpkg).unwrap();
    dpkg.facts.insert("other_states".to_owned(), others.clone());
    environment
}

#[test]
fn package_that_the_target_was_setting_up_is_not_removed() {
    let current = environment(&[dpkg("ssh", "2"), dpkg("extra", "1"), dpkg("purged", "1")]);
    let target = with_states(
        &[],
        &json!([
            { "name": "purged", "version": "1", "arch": "amd64", "state": "config-files" },
            { "name": "ssh", "version": "2", "arch": "amd64", "state": "unpacked" },
        ]),
    );
    let plan = planned(&current, &target, &pruning());
    assert_eq!(
        told(&plan),
        ["apt remove extra 1 → -", "apt remove purged 1 → -"]
    );
    assert_eq!(plan.kept.len(), 1);
    assert_eq!(
        plan.kept[0].protected.as_deref(),
        Some("the target had it `unpacked`")
    );
    assert_eq!(
        plan.notes,
        ["the target had `ssh` `unpacked`: its version is not brought back"]
    );
}

#[test]
fn machine_that_is_being_set_up_is_to_be_finished_first() {
    let states = json!([
        { "name": "ssh", "version": "2", "arch": "amd64", "state": "half-configured" },
        { "name": "sudo", "version": "2", "arch": "amd64", "state": "unpacked" },
    ]);
    assert_eq!(
        refused(&with_states(&[], &states), &environment(&[]), &pruning()),
        [
            "apt: `ssh` is half-configured, and 1 more are unfinished: finish that with `dpkg --configure -a`"
        ]
    );
}

#[test]
fn distribution_that_the_target_was_in_the_middle_of_is_not_removed() {
    let current = environment(&[
        python("attrs", "1"),
        python("extra", "1"),
        python("numpy", "1"),
    ]);
    let mut target = environment(&[]);
    let facts = &mut target.sources.get_mut(&SourceName::Python).unwrap().facts;
    let broken = json!(["attrs-1.dist-info", "~umpy-1.26.0.dist-info"]);
    facts.insert("broken".to_owned(), broken);
    let plan = planned(&current, &target, &pruning());
    assert_eq!(told(&plan), ["pip remove extra 1 → -"]);
    let kept: Vec<_> = plan.kept.iter().map(|it| it.protected.as_deref()).collect();
    assert_eq!(
        kept,
        [
            Some("the target had `attrs-1.dist-info` of it"),
            Some("the target had `~umpy-1.26.0.dist-info` of it"),
        ]
    );
}

#[test]
fn work_of_somebody_is_never_removed() {
    let (source, mut work) = python("work", "0.1");
    work.facts = facts(&json!({ "editable": true, "url": "file:///srv/work" }));
    let current = environment(&[python("extra", "1"), (source, work)]);
    let found = planned(&current, &environment(&[]), &pruning());
    let removed: Vec<&str> = found.steps.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(removed, ["extra"]);
    assert_eq!(
        found.kept[0].protected.as_deref(),
        Some("it is editable: its folder is somebody's work")
    );
}

#[test]
fn another_system_is_refused_and_allowed_to_managers_of_one_user_alone() {
    let current = environment(&[dpkg("a1", "1"), python("six", "1")]);
    let mut other = current.clone();
    let os = other.sources.get_mut(&SourceName::Os).unwrap();
    os.facts["release"] = json!({ "id": "ubuntu", "version_id": "24.04" });
    os.facts["libc_version"] = "2.39".into();
    let found = refused(&current, &other, &Policy::default());
    assert_eq!(found.len(), 6, "{found:#?}");
    assert_eq!(
        found[0],
        "apt: another distribution: debian bookworm now, ubuntu 24 in the target"
    );
    assert_eq!(
        found[1],
        "apt: another C library: glibc 2.36 now, glibc 2.39 in the target"
    );
    let foreign = Policy {
        allow_foreign: true,
        ..Policy::default()
    };
    let found = refused(&current, &other, &foreign);
    assert!(found.iter().all(|it| it.starts_with("apt: ")), "{found:#?}");
    let foreign = Policy {
        only: [Manager::Pip, Manager::Npm].into(),
        ..foreign
    };
    assert!(planned(&current, &other, &foreign).is_nothing());
}

#[test]
fn another_python_another_place_and_a_system_that_is_not_known_are_refused() {
    let current = environment(&[]);
    let pip = Policy {
        only: [Manager::Pip].into(),
        ..Policy::default()
    };
    let mut other = current.clone();
    let python = other.sources.get_mut(&SourceName::Python).unwrap();
    python.facts["version"] = "3.12.1".into();
    assert_eq!(
        refused(&current, &other, &pip),
        ["pip: another Python: 3.11 now, 3.12 in the target"]
    );
    let mut elsewhere = side(&current);
    elsewhere.places.python = Some("/other".to_owned());
    let found = plan(&side(&current), &elsewhere, &pip).unwrap_err();
    assert_eq!(
        found.obstacles[0].text,
        "another place: /srv/venv now, /other in the target"
    );
    let mut imported = current.clone();
    imported
        .sources
        .retain(|name, _| *name == SourceName::Python);
    let found = refused(&current, &imported, &pip);
    assert_eq!(
        found[0],
        "pip: another distribution: debian bookworm now, not known in the target"
    );
}

#[test]
fn interpreter_that_others_live_on_is_not_changed() {
    let target = environment(&[python("six", "1.16.0")]);
    for (fact, value, text) in [
        (
            "virtual",
            false,
            "the interpreter is no virtual environment's",
        ),
        (
            "externally_managed",
            true,
            "the interpreter belongs to the system's packages",
        ),
        (
            "system_site_packages",
            true,
            "the environment also has the packages of the interpreter below",
        ),
    ] {
        let mut current = environment(&[]);
        let python = current.sources.get_mut(&SourceName::Python).unwrap();
        python.facts.insert(fact.to_owned(), value.into());
        assert_eq!(
            refused(&current, &target, &Policy::default()),
            [format!("pip: {text}")]
        );
        let into = Policy {
            into: Some("/srv/new".to_owned()),
            ..Policy::default()
        };
        let fresh = planned(&current, &target, &into);
        assert_eq!(told(&fresh), ["pip install six - → 1.16.0"]);
        let folder = format!("/srv/new.{}", fresh.id().prefix(12));
        assert_eq!(fresh.environment_folder(), Some(folder.clone()));
        let told = lines(&fresh, Manager::Pip, Installer::Uv);
        assert_eq!(
            told[1],
            format!(
                "uv venv --quiet --color never --no-project --python /usr/bin/python3 -- {folder}"
            )
        );
    }
}

#[test]
fn what_is_in_no_index_comes_from_a_source_that_was_allowed_or_not_at_all() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let items = [
        package(
            "mine",
            "1.0",
            &json!({ "url": "file:///home/me/mine", "editable": true }),
        ),
        package(
            "theirs",
            "1.0",
            &json!({ "url": "https://host/team/theirs.git", "vcs": "git", "commit_id": commit }),
        ),
        package("wheel-of", "1.0", &json!({ "url": "file:///tmp/x.whl" })),
        package(
            "no-commit",
            "1.0",
            &json!({ "url": "https://host/team/x.git", "vcs": "git" }),
        ),
    ];
    let items = items.map(|it| (SourceName::Python, it));
    let (current, target) = (environment(&[]), environment(&items));
    let plan = planned(&current, &target, &Policy::default());
    assert_eq!(plan.unavailable().count(), 4);
    assert!(lines(&plan, Manager::Pip, Installer::Uv).is_empty());
    let allowed = Policy {
        allow_source: vec![SourcePrefix::new("https://host/team").unwrap()],
        ..Policy::default()
    };
    let plan = planned(&current, &target, &allowed);
    let words: Vec<String> = plan
        .unavailable()
        .map(|it| format!("{}: {}", it.name, it.reason.as_deref().unwrap()))
        .collect();
    assert_eq!(
        words,
        [
            "mine: it is editable: its folder is somebody's work, and no package",
            "no-commit: its commit is not known",
            "wheel-of: it came from a folder or an address that is neither https nor ssh",
        ]
    );
    let told = lines(&plan, Manager::Pip, Installer::Uv);
    let end = format!("-- theirs @ git+https://host/team/theirs.git@{commit}");
    assert!(told[0].ends_with(&end), "{told:#?}");
}

#[test]
fn same_version_with_other_contents_or_another_origin_is_put_in_place_again() {
    let one = |more: &Value| environment(&[(SourceName::Python, package("x1", "1.0", more))]);
    let built = one(&json!({ "files": "aa", "installer": "pip", "requested": true }));
    let other = one(&json!({ "files": "bb", "installer": "uv" }));
    let unknown = one(&json!({}));
    let mine = one(&json!({ "files": "aa", "url": "file:///x", "editable": true }));
    let actions = |current: &Environment, target: &Environment| {
        told(&planned(current, target, &Policy::default()))
    };
    assert_eq!(actions(&built, &other), ["pip reinstall x1 1.0 → 1.0"]);
    assert_eq!(actions(&mine, &built), ["pip reinstall x1 1.0 → 1.0"]);
    assert!(actions(&built, &unknown).is_empty());
    assert!(actions(&built, &built).is_empty());
}

#[test]
fn marks_follow_the_versions() {
    let marked = |automatic: &[&str], held: bool| {
        let want = if held { "hold" } else { "install" };
        let mut environment = environment(&[
            (
                SourceName::Dpkg,
                package("aa", "1", &json!({ "want": want })),
            ),
            dpkg("bb", "1"),
        ]);
        let apt = environment.sources.get_mut(&SourceName::Apt).unwrap();
        apt.facts["automatic"] = json!({ "amd64": automatic });
        environment
    };
    let (current, target) = (marked(&["aa"], false), marked(&["bb"], true));
    let plan = planned(&current, &target, &Policy::default());
    assert_eq!(
        told(&plan),
        [
            "apt mark aa automatic → manual, held",
            "apt mark bb manual → automatic"
        ]
    );
    assert_eq!(
        lines(&plan, Manager::Apt, Installer::Pip),
        [
            "apt-mark auto -- bb:amd64",
            "apt-mark manual -- aa:amd64",
            "apt-mark hold -- aa:amd64"
        ]
    );
    let mut unknown = target;
    unknown.sources.get_mut(&SourceName::Apt).unwrap().facts =
        facts(&json!({ "marks": "unknown" }));
    let plan = planned(&current, &unknown, &Policy::default());
    assert_eq!(told(&plan), ["apt mark aa automatic → automatic, held"]);
    assert_eq!(plan.notes.len(), 1);
}

/// A prefix of conda with these packages: name, version and what else is known.
fn prefix(packages: &[(&str, &str, Value)]) -> Environment {
    let packages = packages.iter();
    let packages: Vec<_> = packages
        .map(|(name, version, more)| (SourceName::Conda, package(name, version, more)))
        .collect();
    let mut environment = environment(&packages);
    let conda = environment.sources.get_mut(&SourceName::Conda).unwrap();
    conda.state = State::Captured;
    environment
}

fn only(manager: Manager) -> Policy {
    Policy {
        only: [manager].into(),
        ..pruning()
    }
}

#[test]
fn package_of_conda_is_wanted_by_version_and_build() {
    let built = |build: &str| json!({ "build": build });
    let current = prefix(&[
        ("extra", "1", built("0")),
        ("mkl", "2024.2", built("h0_0")),
        ("pip", "24.0", built("py_0")),
        ("python", "3.11.9", built("h1_0")),
        ("same", "1", built("0")),
        ("zlib", "1.3", built("h0_0")),
    ]);
    let target = prefix(&[
        ("mkl", "2024.1", built("h0_0")),
        ("new", "1!0.1", built("py_0")),
        ("python", "3.11.10", built("h1_0")),
        ("same", "1", built("0")),
        ("zlib", "1.3", built("h1_1")),
    ]);
    let plan = planned(&current, &target, &only(Manager::Conda));
    assert_eq!(
        told(&plan),
        [
            "conda remove extra 1=0 → -",
            "conda downgrade mkl 2024.2=h0_0 → 2024.1=h0_0",
            "conda install new - → 1!0.1=py_0",
            "conda upgrade python 3.11.9=h1_0 → 3.11.10=h1_0",
            "conda reinstall zlib 1.3=h0_0 → 1.3=h1_1",
        ]
    );
    let kept: Vec<_> = plan.kept.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(kept, ["pip"], "what installs the others stays");
    let remove = "conda remove --prefix /srv/conda/envs/e --yes --quiet --force-remove";
    let install = "conda install --prefix /srv/conda/envs/e --yes --quiet --no-deps";
    let asked = install.replace("/srv/conda/envs/e", "/tmp/without");
    let packages = "mkl=2024.1=h0_0 new=1!0.1=py_0 python=3.11.10=h1_0 zlib=1.3=h1_1";
    assert_eq!(
        lines(&plan, Manager::Conda, Installer::Pip),
        [
            format!("{remove} --json --dry-run -- extra"),
            format!("{asked} --json --dry-run -- {packages}"),
            format!("{remove} -- extra"),
            format!("{install} -- {packages}"),
        ]
    );
}

#[test]
fn archive_of_conda_with_other_contents_is_put_in_place_again() {
    let with = |more: Value| prefix(&[("mkl", "1", more)]);
    let (a, b) = ("a".repeat(64), "b".repeat(64));
    let current = with(json!({ "build": "0", "sha256": a, "md5": "c" }));
    for same in [
        json!({ "build": "0", "sha256": a, "md5": "d" }),
        json!({ "build": "0", "md5": "c" }),
        json!({ "build": "0" }),
    ] {
        let plan = planned(&current, &with(same), &only(Manager::Conda));
        assert!(plan.is_nothing());
    }
    for (more, archive) in [
        (
            json!({ "build": "0", "sha256": b, "md5": "c" }),
            format!("sha256={b}"),
        ),
        (
            json!({ "build": "0", "sha256": b, "md5": &b[..32] }),
            format!("md5={}", &b[..32]),
        ),
    ] {
        let plan = planned(&current, &with(more), &only(Manager::Conda));
        assert_eq!(told(&plan), ["conda reinstall mkl 1=0 → 1=0"]);
        let lines = lines(&plan, Manager::Conda, Installer::Pip);
        let told = format!("-- mkl=1=0[{archive}]");
        assert!(
            lines[1].contains("--no-deps --force-reinstall"),
            "{lines:?}"
        );
        assert!(lines[1].ends_with(&told), "{lines:?}");
    }
}

#[test]
fn what_conda_would_take_for_a_pattern_or_an_order_is_unavailable() {
    let built = json!({ "build": "0" });
    let target = prefix(&[
        ("--file=evil", "1", built.clone()),
        ("a", "1.*", built.clone()),
        ("b", "1", json!({ "build": "*" })),
        ("c", "1", json!({})),
        ("d", ">=1", built.clone()),
        ("e[md5=0]", "1", built.clone()),
        ("https://host/f", "1", built.clone()),
        ("g", "1|2", built.clone()),
        ("Upper", "1", built.clone()),
        ("h.conda", "1", built),
        ("i", "1", json!({ "build": "0.tar.bz2" })),
        ("j", "1", json!({ "build": "0.conda" })),
        ("k", "1", json!({ "build": "0[md5=0]" })),
    ]);
    let plan = planned(&prefix(&[]), &target, &only(Manager::Conda));
    assert_eq!(plan.unavailable().count(), 13, "{:?}", told(&plan));
    assert!(plan.at_work().is_empty());
}

#[test]
fn prefix_that_conda_stands_in_or_that_nobody_knows_is_not_changed() {
    let base = prefix(&[("conda", "26.7.0", json!({ "build": "0" }))]);
    assert_eq!(
        refused(&base, &base, &only(Manager::Conda)),
        ["conda: the prefix is the one that `conda` itself stands in: make another one beside it"]
    );
    let empty = prefix(&[]);
    let policy = only(Manager::Conda);
    let at = |place: Option<&str>| {
        let mut here = side(&empty);
        here.places.conda = place.map(ToOwned::to_owned);
        let not = plan(&here, &Side::of(&empty), &policy).unwrap_err();
        not.obstacles[0].text.clone()
    };
    assert_eq!(at(None), "where the prefix stands is not known");
    for other in [
        "envs/e",
        "/srv/$HOME/e",
        "/srv/../e",
        "/srv/~/e",
        "/srv/a\nb",
    ] {
        let refusal = format!("conda would take `{other}` for another path");
        assert_eq!(at(Some(other)), refusal);
    }
    let built = json!({ "build": "0" });
    let twice = prefix(&[("a", "1", built.clone()), ("a", "2", built)]);
    assert_eq!(
        refused(&twice, &empty, &policy),
        ["conda: `a` is in the prefix twice now"]
    );
    let mut there = side(&empty);
    there.places.conda = Some("/srv/conda/envs/other".to_owned());
    let not = plan(&side(&empty), &there, &policy).unwrap_err();
    let texts: Vec<_> = not.obstacles.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(
        texts,
        ["another place: /srv/conda/envs/e now, /srv/conda/envs/other in the target"]
    );
}

#[test]
fn python_of_a_prefix_is_changed_by_pip_where_conda_is_captured() {
    let no_virtual = |mut environment: Environment| {
        let python = environment.sources.get_mut(&SourceName::Python).unwrap();
        python.facts.remove("virtual");
        environment
    };
    let with = |current: &Environment, target: &Environment, folder: &str| {
        let mut here = side(current);
        here.places.python = Some(folder.to_owned());
        let there = Side {
            environment: target,
            ..here.clone()
        };
        plan(&here, &there, &only(Manager::Pip)).map_err(|not| not.obstacles[0].text.clone())
    };
    let same = |environment: &Environment, folder: &str| with(environment, environment, folder);
    let own = no_virtual(prefix(&[("python", "3.11.7", json!({ "build": "0" }))]));
    assert!(same(&own, CONDA).is_ok());
    let refusal = "the interpreter is no virtual environment's";
    assert_eq!(same(&own, "/usr").unwrap_err(), refusal);
    let base = no_virtual(prefix(&[("conda", "26.7.0", json!({ "build": "0" }))]));
    assert_eq!(same(&base, CONDA).unwrap_err(), refusal);
    let unknown = no_virtual(environment(&[]));
    assert_eq!(same(&unknown, CONDA).unwrap_err(), refusal);
    assert_eq!(with(&own, &unknown, CONDA).unwrap_err(), refusal);
}

/// A distribution of Python, and who says to have brought it.
fn brought(name: &str, version: &str, installer: Option<&str>) -> (SourceName, Package) {
    let mut package = Package::new(name, version);
    if let Some(installer) = installer {
        package.facts = facts(&json!({ "installer": installer }));
    }
    (SourceName::Python, package)
}

/// A prefix with these packages of conda, each of version 1, and these distributions.
fn in_prefix(names: &[&str], distributions: &[(SourceName, Package)]) -> Environment {
    let build = || json!({ "build": "0" });
    let packages: Vec<_> = names.iter().map(|name| (*name, "1", build())).collect();
    let mut environment = prefix(&packages);
    let python = environment.sources.get_mut(&SourceName::Python).unwrap();
    python.packages = distributions.iter().map(|it| it.1.clone()).collect();
    environment
}

/// What a plan says where Python stands in conda's prefix, each step with its reason.
fn told_in_prefix(now: &Environment, then: &Environment, policy: &Policy) -> Vec<String> {
    let in_one = |environment| {
        let mut side = side(environment);
        side.places.python = Some(CONDA.to_owned());
        side
    };
    let plan = plan(&in_one(now), &in_one(then), policy).unwrap();
    let reasons = plan.steps.iter().map(|step| match &step.reason {
        Some(reason) => format!(": {}", reason.split([',', ':']).next().unwrap()),
        None => String::new(),
    });
    let told = told(&plan).into_iter().zip(reasons);
    told.map(|(step, reason)| format!("{step}{reason}"))
        .collect()
}

#[test]
fn what_conda_brought_is_never_pips_and_the_other_way_round() {
    let conda = |name: &str, version: &str| brought(name, version, Some("conda"));
    let pip = |name: &str, version: &str| brought(name, version, Some("pip"));
    let both = Policy {
        only: [Manager::Conda, Manager::Pip].into(),
        ..pruning()
    };
    // What conda brought comes and goes by conda alone; an old one does not say who brought it.
    let now = in_prefix(&["a", "old"], &[conda("a", "1"), brought("old", "1", None)]);
    let then = in_prefix(&["b"], &[conda("b", "1")]);
    assert_eq!(
        told_in_prefix(&now, &then, &both),
        [
            "conda remove a 1=0 → -",
            "conda install b - → 1=0",
            "conda remove old 1=0 → -"
        ]
    );
    // pip put another over what conda brought.
    let over = in_prefix(&["a"], &[pip("a", "2")]);
    let as_it_was = in_prefix(&["a"], &[conda("a", "1")]);
    assert_eq!(
        told_in_prefix(&over, &as_it_was, &both),
        ["pip unavailable a 2 → 1: pip put what is there over what conda brought"]
    );
    assert_eq!(
        told_in_prefix(&as_it_was, &over, &both),
        ["pip unavailable a 1 → 2: conda brought what is there"]
    );
    let same = in_prefix(&["a"], &[pip("a", "1")]);
    assert_eq!(told_in_prefix(&same, &as_it_was, &both), [""; 0]);
    // One brought it here, the other in the target.
    let by_pip = in_prefix(&[], &[pip("a", "1")]);
    assert_eq!(
        told_in_prefix(&by_pip, &as_it_was, &both),
        ["conda unavailable a - → 1=0: pip brought what is there under this name"]
    );
    assert_eq!(
        told_in_prefix(&as_it_was, &by_pip, &both),
        [
            "conda remove a 1=0 → -",
            "pip unavailable a 1 → 1: conda takes away what it brought"
        ]
    );
}

#[test]
fn python_beside_conda_gets_what_conda_brought_elsewhere() {
    let conda = brought("a", "1", Some("conda"));
    let now = in_prefix(&["python"], &[]);
    let then = in_prefix(&["a", "python"], &[conda]);
    // The environment at hand is no part of conda's prefix, or is made anew.
    let plan = planned(&now, &then, &only(Manager::Pip));
    assert_eq!(told(&plan), ["pip install a - → 1"]);
    let fresh = Policy {
        into: Some("/srv/fresh".to_owned()),
        ..Policy::default()
    };
    let mut here = side(&now);
    here.places.python = Some(CONDA.to_owned());
    let made = super::plan(&here, &Side::of(&then), &fresh).unwrap();
    assert_eq!(told(&made), ["pip install a - → 1"]);
}

#[test]
fn conda_is_put_into_no_prefix() {
    let target = in_prefix(&["conda", "mamba", "mkl"], &[]);
    let plan = planned(&in_prefix(&[], &[]), &target, &only(Manager::Conda));
    assert_eq!(
        told(&plan),
        [
            "conda unavailable conda - → 1=0",
            "conda unavailable mamba - → 1=0",
            "conda install mkl - → 1=0"
        ]
    );
}

#[test]
fn pnpm_and_yarn_are_told_and_not_changed_and_in_nobodys_way() {
    let with = |packages: &[(SourceName, Package)]| {
        let mut environment = environment(packages);
        for (name, _) in packages {
            environment.sources.get_mut(name).unwrap().state = State::Captured;
        }
        environment
    };
    let pnpm = |name: &str, version: &str| (SourceName::Pnpm, Package::new(name, version));
    let yarn = |version: &str| (SourceName::Yarn, Package::new("typescript", version));
    let current = with(&[
        pnpm("cowsay", "1.5.0"),
        pnpm("extra", "1.0.0"),
        yarn("5.4.5"),
    ]);
    let target = with(&[pnpm("cowsay", "1.6.0"), pnpm("-rf", "1;id"), yarn("5.4.5")]);
    let plan = planned(&current, &target, &pruning());
    assert_eq!(
        told(&plan),
        [
            "pnpm unavailable -rf - → 1;id",
            "pnpm unavailable cowsay 1.5.0 → 1.6.0"
        ]
    );
    assert!(plan.at_work().is_empty());
    assert_eq!(plan.notes, [""; 0]);
    let reason = "global packages of pnpm are not changed: `pnpm add --global` does";
    assert_eq!(plan.steps[1].reason.as_deref(), Some(reason));

    // A document of before names neither, and is restored as it was.
    let mut before = environment(&[python("six", "1.16.0")]);
    before.sources.remove(&SourceName::Pnpm);
    before.sources.remove(&SourceName::Yarn);
    let plan = planned(&current, &before, &Policy::default());
    assert_eq!(told(&plan), ["pip install six - → 1.16.0"]);
    assert_eq!(
        plan.notes,
        [
            "`pnpm` is captured now and not captured in the target: its packages are not compared",
            "`yarn` is captured now and not captured in the target: its packages are not compared",
        ]
    );
    let only = |manager: Manager| Policy {
        only: [manager].into(),
        ..Policy::default()
    };
    assert_eq!(
        planned(&current, &before, &only(Manager::Pip)).notes,
        [""; 0]
    );
    assert_eq!(
        refused(&current, &before, &only(Manager::Pnpm)),
        ["pnpm: `pnpm` is captured now and not captured in the target"]
    );
}

#[test]
fn name_of_a_plan_follows_everything_it_says() {
    let current = environment(&[python("six", "1.16.0")]);
    let target = environment(&[python("six", "1.15.0")]);
    let plan = planned(&current, &target, &Policy::default());
    assert_eq!(
        plan.id(),
        planned(&current, &target, &Policy::default()).id()
    );
    assert_ne!(plan.id(), planned(&current, &target, &pruning()).id());
    assert_ne!(
        plan.id(),
        planned(&target, &current, &Policy::default()).id()
    );
    let json = plan.to_json();
    assert_eq!(json["plan_id"], json!(plan.id()));
    assert_eq!(Policy::from_json(&json["policy"]), Ok(Policy::default()));
    // What is in no manager's source, such as a variable, is no reason for another plan.
    let mut noisy = current;
    let variables = noisy.sources.get_mut(&SourceName::Variables).unwrap();
    variables.facts.insert("LANG".to_owned(), "C".into());
    assert_eq!(plan.id(), planned(&noisy, &target, &Policy::default()).id());
}

#[test]
fn script_quotes_every_word() {
    let current = environment(&[]);
    let target = environment(&[dpkg("g++", "4:12"), python("six", "1.16.0")]);
    let mut here = side(&current);
    here.places.python = Some("/srv/it's $HOME".to_owned());
    let foreign = Policy {
        allow_foreign: true,
        ..Policy::default()
    };
    let script = script(
        &plan(&here, &side(&target), &foreign).unwrap(),
        &Means::default(),
    );
    assert!(script.starts_with("#!/bin/sh\n"));
    assert!(script.contains(r"'/srv/it'\''s $HOME'"), "{script}");
    assert!(
        script.contains("'install' '--' 'g++:amd64=4:12'\n"),
        "{script}"
    );
}

/// What stands on a machine: manager, name, architecture → version and origin.
type Model = BTreeMap<(Manager, String, Option<String>), (String, Option<String>)>;

fn model(environment: &Environment) -> Model {
    let mut model = Model::new();
    for manager in [Manager::Apt, Manager::Pip, Manager::Npm] {
        for package in &environment.sources[&manager.source()].packages {
            let arch = package.arch.as_ref().map(|arch| match arch.as_str() {
                "all" => "amd64".to_owned(),
                other => other.to_owned(),
            });
            let arch = arch.or((manager == Manager::Apt).then(|| "amd64".to_owned()));
            let url = package.facts.get("url").and_then(Value::as_str);
            let url = url.filter(|_| manager == Manager::Pip);
            let key = (manager, package.name.clone(), arch);
            model.insert(key, (package.version.clone(), url.map(ToOwned::to_owned)));
        }
    }
    model
}

fn done(mut model: Model, plan: &Plan, target: &Model) -> Model {
    for step in plan.steps.iter().filter(|step| step.acts()) {
        let key = (step.manager, step.name.clone(), step.arch.clone());
        if step.puts() {
            let origin = step.origin.as_ref().and_then(|_| target[&key].1.clone());
            model.insert(key, (step.after.clone().unwrap(), origin));
        } else if step.action == Action::Remove {
            assert!(model.remove(&key).is_some(), "{key:?} was not there");
        }
    }
    model
}

const HOSTILE: [&str; 8] = [
    "-rf",
    "--index-url=https://x",
    "a b",
    "a;id",
    "$(id)",
    "a\nb",
    "../a",
    "a==1",
];

fn any_package() -> impl Strategy<Value = (SourceName, Package)> {
    let source = prop_oneof![
        Just(SourceName::Dpkg),
        Just(SourceName::Python),
        Just(SourceName::Npm)
    ];
    let name = prop_oneof![
        8 => prop::sample::select(vec!["aa", "bb", "cc", "g++", "zope.interface", "ab-"]),
        1 => prop::sample::select(vec!["libc6", "pip", "npm", "bash"]),
        1 => prop::sample::select(HOSTILE.to_vec()),
    ];
    let version = prop_oneof![
        8 => prop::sample::select(vec!["1.0.0", "1.0.1", "2.0.0", "10.0.0", "1.0.0-1"]),
        1 => prop::sample::select(HOSTILE.to_vec()),
    ];
    let more = prop::sample::select(vec![
        json!({}),
        json!({}),
        json!({}),
        json!({ "essential": true }),
        json!({ "want": "hold" }),
        json!({ "url": "https://host/team/x.whl" }),
        json!({ "url": "https://evil/x.whl" }),
        json!({ "editable": true, "url": "file:///x" }),
    ]);
    let arch = prop::sample::select(vec![None, Some("all"), Some("i386")]);
    (source, name, version, more, arch).prop_map(|(source, name, version, more, arch)| {
        let mut package = package(name, version, &more);
        if source == SourceName::Dpkg {
            package.arch = arch.map(ToOwned::to_owned);
        }
        (source, package)
    })
}

fn any_environment() -> impl Strategy<Value = Environment> {
    prop::collection::vec(any_package(), 0..12).prop_map(|packages| {
        // One name stands once, as on a machine.
        let mut unique = BTreeMap::new();
        for (source, package) in packages {
            let is_foreign = package.arch.as_deref() == Some("i386");
            unique.insert(
                (source, package.name.clone(), is_foreign),
                (source, package),
            );
        }
        environment(&unique.into_values().collect::<Vec<_>>())
    })
}

proptest! {
    #[test]
    fn following_a_plan_leads_to_the_target_but_for_what_it_names(
        current in any_environment(),
        target in any_environment(),
    ) {
        let policy = Policy {
            allow_source: vec![SourcePrefix::new("https://host/team").unwrap()],
            ..pruning()
        };
        let plan = planned(&current, &target, &policy);
        let wanted = model(&target);
        let mut expected = wanted.clone();
        let before = model(&current);
        for step in plan.unavailable() {
            let key = (step.manager, step.name.clone(), step.arch.clone());
            match before.get(&key) {
                Some(here) => expected.insert(key, here.clone()),
                None => expected.remove(&key),
            };
        }
        for kept in &plan.kept {
            let key = (kept.manager, kept.name.clone(), kept.arch.clone());
            prop_assert!(kept.protected.is_some());
            expected.insert(key.clone(), before[&key].clone());
        }
        prop_assert_eq!(done(before, &plan, &wanted), expected);
    }

    #[test]
    fn plan_without_pruning_removes_nothing(
        current in any_environment(),
        target in any_environment(),
    ) {
        let plan = planned(&current, &target, &Policy::default());
        prop_assert!(plan.steps.iter().all(|step| step.action != Action::Remove));
    }

    #[test]
    fn plan_removes_nothing_that_is_protected(
        current in any_environment(),
        target in any_environment(),
    ) {
        let plan = planned(&current, &target, &pruning());
        for step in plan.steps.iter().filter(|step| step.action == Action::Remove) {
            prop_assert!(!["libc6"].contains(&step.name.as_str()) || step.manager != Manager::Apt);
            prop_assert!(step.name != "pip" || step.manager != Manager::Pip);
            prop_assert!(step.name != "npm" || step.manager != Manager::Npm);
            let packages = &current.sources[&step.manager.source()].packages;
            let here = packages.iter().filter(|it| it.name == step.name);
            let essential = here.filter(|it| it.facts.contains_key("essential"));
            prop_assert!(step.manager != Manager::Apt || essential.count() < 2);
        }
    }

    #[test]
    fn same_two_environments_make_the_same_plan(
        current in any_environment(),
        target in any_environment(),
    ) {
        let plan = planned(&current, &target, &pruning());
        prop_assert_eq!(&plan, &planned(&current, &target, &pruning()));
        let mut turned = current;
        turned.sources.values_mut().for_each(|it| it.packages.reverse());
        prop_assert_eq!(&plan.steps, &planned(&turned, &target, &pruning()).steps);
    }

    #[test]
    fn no_document_makes_an_option_or_an_order(
        current in any_environment(),
        target in any_environment(),
    ) {
        let policy = Policy {
            allow_source: vec![SourcePrefix::new("https://host/team").unwrap()],
            ..pruning()
        };
        let plan = planned(&current, &target, &policy);
        for manager in Manager::ALL.iter().copied() {
            for installer in [Installer::Uv, Installer::Pip] {
                let means = Means {
                    installer,
                    ..Means::default()
                };
                let lines = proving(&plan, manager, &means);
                for line in lines.iter().chain(&acting(&plan, manager, &means)) {
                    let at = line.arguments.iter().position(|word| word == "--").unwrap();
                    for word in &line.arguments[at + 1..] {
                        let is_plain = word.bytes().all(|it| {
                            it.is_ascii_alphanumeric() || b"._-+~:=@/ ".contains(&it)
                        });
                        prop_assert!(is_plain && !word.starts_with('-'), "{word:?}");
                        prop_assert!(!word.contains(' ') || word.contains(" @ https://host/team/"));
                        let is_order = manager == Manager::Apt && word.ends_with('-');
                        let is_planned = plan.steps_of(manager).any(|step| {
                            let arch = step.arch.as_deref().unwrap_or_default();
                            step.action == Action::Remove
                                && format!("{}:{arch}-", step.name) == *word
                        });
                        prop_assert!(!is_order || is_planned);
                    }
                }
            }
        }
    }
}
