//! Answers of the managers, as they were given, held against plans.

use super::*;
use crate::document::{Environment, Package, Source};
use crate::names::{SourceName, State};
use crate::restore::{Policy, Side, plan};

fn python(packages: &[(&str, &str)]) -> Environment {
    let mut source = Source::without_facts(State::Captured);
    source.facts.insert("virtual".to_owned(), true.into());
    let packages = packages.iter();
    source.packages = packages
        .map(|(name, version)| Package::new(*name, *version))
        .collect();
    let mut environment = Environment::default();
    environment.sources.insert(SourceName::Python, source);
    environment
}

/// attrs goes back, idna comes, six goes.
fn planned() -> Plan {
    let current = python(&[("attrs", "24.2.0"), ("six", "1.16.0")]);
    let target = python(&[("attrs", "23.2.0"), ("idna", "3.7")]);
    let policy = Policy {
        allow_foreign: true,
        prune: true,
        ..Policy::default()
    };
    let mut here = Side::of(&current);
    here.places.python = Some("/srv/venv".to_owned());
    plan(&here, &Side::of(&target), &policy).unwrap()
}

fn put(name: &str, version: &str) -> Announced {
    Announced {
        name: name.to_owned(),
        arch: None,
        effect: Effect::Put {
            version: version.to_owned(),
        },
    }
}

#[test]
fn uv_announces_what_the_plan_names() {
    let said = "Using Python 3.11.7 environment at: e1\nResolved 2 packages in 52ms\n\
                Would download 2 packages\nWould uninstall 1 package\nWould install 2 packages\n\
                \x20- attrs==24.2.0\n + attrs==23.2.0\n + idna==3.7\n";
    let announced = uv::announced(said).unwrap();
    assert_eq!(announced.len(), 3);
    assert!(held_against(&planned(), Manager::Pip, &announced).is_none());
    let from = uv::announced(" + a_B==1.0 (from https://host/x.whl)\n").unwrap();
    assert_eq!(from, [put("a-b", "1.0")]);
    assert!(uv::announced(" + something else\n").is_err());
}

#[test]
fn pip_announces_what_the_plan_names() {
    let said = r#"{"version":"1","install":[
        {"metadata":{"name":"Attrs","version":"23.2.0"}},
        {"metadata":{"name":"idna","version":"3.7"}}]}"#;
    let announced = pip::announced(said).unwrap();
    assert!(held_against(&planned(), Manager::Pip, &announced).is_none());
    for unclear in [
        "",
        "{}",
        r#"{"version":"2","install":[]}"#,
        r#"{"version":"1","install":[{}]}"#,
    ] {
        assert!(pip::announced(unclear).is_err(), "{unclear}");
    }
}

#[test]
fn what_the_plan_does_not_name_is_collateral_and_what_nobody_announces_is_missing() {
    let announced = [put("attrs", "23.2.1"), put("evil", "1")];
    let found = held_against(&planned(), Manager::Pip, &announced);
    let words: Vec<String> = found.collateral.iter().map(Announced::in_words).collect();
    assert_eq!(words, ["install attrs 23.2.1", "install evil 1"]);
    assert_eq!(found.missing, ["attrs 23.2.0", "idna 3.7"]);
}

#[test]
fn apt_announces_versions_architectures_and_removals() {
    let said = "NOTE: This is only a simulation!\nReading package lists...\n\
        Remv old [1.0]\nRemv old:i386 [1.0]\n\
        Inst libc6 [2.36-9+deb12u8] (2.36-9+deb12u9 Debian:12.9/stable [amd64]) []\n\
        Inst tzdata (2024a Debian:12.5/oldstable [all])\n\
        Conf libc6 (2.36-9+deb12u9 Debian:12.9/stable [amd64])\n";
    let announced = apt::announced(said, Some("amd64")).unwrap();
    let words: Vec<String> = announced.iter().map(Announced::in_words).collect();
    assert_eq!(
        words,
        [
            "remove old:amd64",
            "remove old:i386",
            "install libc6:amd64 2.36-9+deb12u9",
            "install tzdata:amd64 2024a",
            "configure libc6:amd64",
        ]
    );
    assert!(apt::announced("Inst \n", None).is_err());
    assert!(apt::announced("Inst x\n", None).is_err());
    assert!(apt::announced("Conf x broken\n", None).is_err());
}

#[test]
fn npm_announces_global_packages_and_not_what_is_below_them() {
    let said = "add is-number 7.0.0\nchange semver 7.5.0 => 7.6.0\n{\n  \"add\": [\n    {\n      \
        \"name\": \"is-number\", \"version\": \"7.0.0\", \"path\": \"/p/lib/node_modules/is-number\"\n    }\n  ],\n  \
        \"change\": [ { \"from\": {}, \"to\": { \"version\": \"7.6.0\", \"path\": \"/p/lib/node_modules/@s/semver\" } },\n  \
        { \"from\": {}, \"to\": { \"version\": \"4.0.0\", \"path\": \"/p/lib/node_modules/@s/semver/node_modules/yallist\" } } ],\n  \
        \"remove\": [ { \"version\": \"1.0.0\", \"path\": \"/elsewhere/x\" } ]\n}\n";
    let announced = npm::announced(said, Some("/p/lib/node_modules")).unwrap();
    let words: Vec<String> = announced.iter().map(Announced::in_words).collect();
    assert_eq!(
        words,
        [
            "install is-number 7.0.0",
            "install @s/semver 7.6.0",
            "remove /elsewhere/x"
        ]
    );
    assert!(npm::announced("nothing\n", Some("/p")).is_err());
}

/// A plan for a prefix: mkl goes back, new comes, extra goes.
fn planned_prefix() -> Plan {
    let with = |packages: &[(&str, &str, &str)]| {
        let mut conda = Source::without_facts(State::Captured);
        for (name, version, build) in packages {
            let mut package = Package::new(*name, *version);
            package.facts.insert("build".to_owned(), (*build).into());
            conda.packages.push(package);
        }
        let mut environment = Environment::default();
        environment.sources.insert(SourceName::Conda, conda);
        environment
    };
    let current = with(&[
        ("extra", "1", "0"),
        ("mkl", "2024.2", "h0_0"),
        ("tool", "1", "py_0"),
    ]);
    let target = with(&[
        ("mkl", "2024.1", "h0_0"),
        ("new", "1!0.1", "py_0"),
        ("tool", "1", "py_0"),
    ]);
    let policy = Policy {
        allow_foreign: true,
        prune: true,
        ..Policy::default()
    };
    let mut here = Side::of(&current);
    here.places.conda = Some("/srv/e".to_owned());
    plan(&here, &Side::of(&target), &policy).unwrap()
}

/// An answer of conda with these packages, each as `NAME VERSION BUILD`.
fn answer(prefix: &str, gone: &[&str], put: &[&str]) -> String {
    let items = |packages: &[&str]| -> Vec<serde_json::Value> {
        let packages = packages.iter().map(|package| {
            let mut words = package.split(' ');
            let mut word = || words.next().unwrap();
            let (name, version, build) = (word(), word(), word());
            serde_json::json!({
                "base_url": "file:///c", "build_number": 0, "build_string": build, "channel": "c",
                "dist_name": format!("{name}-{version}-{build}"), "name": name,
                "platform": "noarch", "version": version,
            })
        });
        packages.collect()
    };
    let actions = serde_json::json!({
        "FETCH": [], "PREFIX": prefix, "UNLINK": items(gone), "LINK": items(put),
    });
    serde_json::json!({ "success": true, "actions": actions, "dry_run": true }).to_string()
}

/// What conda announced, in words.
fn of_conda(said: &str) -> Result<Vec<String>, Unclear> {
    let means = Means {
        without: Some("/tmp/without".to_owned()),
        ..Means::default()
    };
    let announced = conda::announced(said, &planned_prefix(), &means)?;
    Ok(announced.iter().map(Announced::in_words).collect())
}

#[test]
fn conda_announces_what_leaves_its_prefix_and_what_comes() {
    let (gone, put) = (["mkl 2024.2 h0_0"], ["mkl 2024.1 h0_0", "new 1!0.1 py_0"]);
    let words = [
        "remove mkl",
        "install mkl 2024.1=h0_0",
        "install new 1!0.1=py_0",
    ];
    for prefix in ["/srv/e", "/tmp/without"] {
        assert_eq!(of_conda(&answer(prefix, &gone, &put)).unwrap(), words);
    }
    assert!(of_conda(&answer("/srv/other", &gone, &put)).is_err());
    let nothing = r#"{"success": true, "message": "All requested packages already installed."}"#;
    assert_eq!(of_conda(nothing).unwrap(), [""; 0]);
    for unclear in [
        "",
        "Collecting package metadata: done",
        r#"{"success": true}"#,
        r#"{"success": false, "actions": {"PREFIX": "/srv/e"}}"#,
        r#"{"success": true, "actions": [{"LINK": []}]}"#,
        r#"{"success": true, "actions": {"LINK": []}}"#,
        r#"{"success": true, "actions": {"PREFIX": 7, "LINK": []}}"#,
        r#"{"success": true, "actions": {"PREFIX": "/srv/e", "LINK": {}}}"#,
        r#"{"success": true, "actions": {"PREFIX": "/srv/e", "LINK": [{"name": "a"}]}}"#,
    ] {
        assert!(of_conda(unclear).is_err(), "{unclear}");
    }
}

#[test]
fn package_of_conda_that_is_put_back_as_it_was_is_no_change() {
    let put = ["mkl 2024.1 h0_0", "tool 1 py_0"];
    let said = answer("/srv/e", &["mkl 2024.2 h0_0", "tool 1 py_0"], &put);
    assert_eq!(
        of_conda(&said).unwrap(),
        ["remove mkl", "install mkl 2024.1=h0_0"]
    );
    let rebuilt = answer("/srv/e", &["tool 1 py_0"], &["tool 1 py_1"]);
    assert_eq!(
        of_conda(&rebuilt).unwrap(),
        ["remove tool", "install tool 1=py_1"]
    );
    let planned = answer("/srv/e", &["mkl 2024.1 h0_0"], &["mkl 2024.1 h0_0"]);
    assert_eq!(of_conda(&planned).unwrap().len(), 2);
}

#[test]
fn conda_that_takes_out_less_or_more_than_planned_is_not_followed() {
    let plan = planned_prefix();
    let gone = |name: &str| Announced {
        name: name.to_owned(),
        arch: None,
        effect: Effect::Remove,
    };
    let mkl = put("mkl", "2024.1=h0_0");
    let whole = [gone("extra"), gone("mkl"), mkl, put("new", "1!0.1=py_0")];
    assert!(held_against(&plan, Manager::Conda, &whole).is_none());
    let less = held_against(&plan, Manager::Conda, &whole[1..]);
    assert_eq!(less.missing, ["extra"]);
    let more = held_against(
        &plan,
        Manager::Conda,
        &[&whole[..], &[gone("tool")]].concat(),
    );
    assert_eq!(more.collateral, [gone("tool")]);
    let rebuilt = [&whole[..3], &[put("new", "1!0.1=py_1")]].concat();
    assert!(!held_against(&plan, Manager::Conda, &rebuilt).is_none());
}

#[test]
fn what_is_gone_is_named_in_the_words_of_each_manager() {
    for (manager, said, named) in [
        (
            Manager::Apt,
            "E: Version '9' for 'toy' was not found\nE: Unable to locate package other\n",
            &["toy=9", "other"][..],
        ),
        (
            Manager::Pip,
            "ERROR: Could not find a version that satisfies the requirement attrs==99 (from …)\n\
             ERROR: No matching distribution found for attrs==99\n",
            &["attrs==99"],
        ),
        (
            Manager::Pip,
            "error: No solution found when resolving dependencies\n  cause: Because there is no \
             version of attrs==99 and you require attrs==99, we can conclude that\n",
            &["attrs==99"],
        ),
        (
            Manager::Npm,
            "{\n  \"error\": {\n    \"summary\": \"No matching version found for semver@99.0.0.\",\n",
            &["semver@99.0.0"],
        ),
        (Manager::Npm, "npm error code EACCES\n", &[]),
        (
            Manager::Conda,
            "{\n  \"exception_name\": \"PackagesNotFoundInChannelsError\",\n  \"message\": \"…\",\n  \
             \"packages\": [\n    \"mkl==9.0=0\"\n  ]\n}\n\n",
            &["mkl==9.0=0"],
        ),
        (
            Manager::Conda,
            "{\"exception_name\": \"CondaHTTPError\", \"packages\": [\"mkl\"]}",
            &[],
        ),
        (
            Manager::Conda,
            "WARN {x}\n{\"exception_name\": \"PackagesNotFoundError\", \"packages\": [\"__cuda>=12\", \"mkl\"]}",
            &["mkl"],
        ),
    ] {
        assert_eq!(gone(manager, said), named, "{said}");
    }
}

#[test]
fn what_conda_complains_of_is_said_in_its_words() {
    let said = "{\n  \"error\": \"E: no\",\n  \"message\": \"no\\nroom\"\n}\n\n";
    assert_eq!(complaint(Manager::Conda, said).as_deref(), Some("no\nroom"));
    let unexpected = "WARN {x}\n{\"error\": \"KeyError: 'x'\", \"traceback\": \"…\"}";
    assert_eq!(
        complaint(Manager::Conda, unexpected).as_deref(),
        Some("KeyError: 'x'")
    );
    assert_eq!(complaint(Manager::Conda, "Traceback"), None);
    assert_eq!(complaint(Manager::Npm, said), None);
}
