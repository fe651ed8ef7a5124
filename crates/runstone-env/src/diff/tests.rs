//! What a diff promises.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::document::Package;
use crate::names::State;

fn environment(json: &Value) -> Environment {
    let json = json!({ "schema": "runstone.environment/1", "sources": json });
    Environment::from_json(&json).unwrap()
}

fn captured(packages: &Value) -> Value {
    json!({ "state": "captured", "packages": packages })
}

/// The rows as lines.
fn lines(diff: &EnvironmentDiff) -> Vec<String> {
    let lines = diff.rows.iter().map(|row| {
        let arch = row
            .arch
            .as_ref()
            .map_or_else(String::new, |it| format!(":{it}"));
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
        let (source, name, change) = (row.source.as_str(), &row.name, row.change.as_str());
        let (before, after) = (side(&row.before), side(&row.after));
        let facts: Vec<&str> = row.facts.iter().map(|it| it.name.as_str()).collect();
        let line = format!(
            "{source} {name}{arch} {change} {before} {after} {}",
            facts.join(" ")
        );
        line.trim_end().to_owned()
    });
    lines.collect()
}

#[test]
fn versions_move_in_the_order_of_their_ecosystem_and_numerics_come_first() {
    let before = environment(&json!({
        "dpkg": captured(&json!([
            { "name": "bash", "version": "5.2-1", "arch": "amd64" },
            { "name": "gone", "version": "1", "arch": "amd64" },
            { "name": "libx", "version": "1.0~rc1-1", "arch": "amd64" },
        ])),
        "python": captured(&json!([
            { "name": "numpy", "version": "1.26.4" },
            { "name": "black", "version": "24.1rc1" },
        ])),
        "npm": captured(&json!([{ "name": "npm", "version": "9.0.0" }])),
        "r": captured(&json!([{ "name": "lme4", "version": "1.1-34" }])),
    }));
    let after = environment(&json!({
        "dpkg": captured(&json!([
            { "name": "bash", "version": "5.1-9", "arch": "amd64" },
            { "name": "libx", "version": "1.0-1", "arch": "amd64" },
            { "name": "libx", "version": "1.0-1", "arch": "i386" },
        ])),
        "python": captured(&json!([
            { "name": "numpy", "version": "2.0.0" },
            { "name": "black", "version": "24.1" },
        ])),
        "npm": captured(&json!([{ "name": "npm", "version": "10.0.0" }])),
        "r": captured(&json!([{ "name": "lme4", "version": "1.1-35" }])),
    }));
    let diff = diff(&before, &after);
    assert_eq!(
        lines(&diff),
        [
            "python numpy upgraded 1.26.4 2.0.0",
            "dpkg bash:amd64 downgraded 5.2-1 5.1-9",
            "dpkg gone:amd64 removed 1 -",
            "dpkg libx:amd64 upgraded 1.0~rc1-1 1.0-1",
            "dpkg libx:i386 added - 1.0-1",
            "npm npm upgraded 9.0.0 10.0.0",
            "python black upgraded 24.1rc1 24.1",
            "r lme4 changed 1.1-34 1.1-35",
        ]
    );
    assert_eq!(diff.not_compared, []);
}

#[test]
fn same_version_with_other_contents_is_rebuilt_and_with_other_marks_is_marked() {
    let side = |files: &str, want: &str| {
        environment(&json!({
            "python": captured(&json!([
                { "name": "a", "version": "1", "facts": { "files": files, "requested": true } },
            ])),
            "dpkg": captured(&json!([
                { "name": "b", "version": "1", "facts": { "want": want } },
            ])),
        }))
    };
    let diff = diff(&side("aa", "install"), &side("bb", "hold"));
    assert_eq!(
        lines(&diff),
        ["dpkg b marked 1 1 want", "python a rebuilt 1 1 files"]
    );
}

#[test]
fn nothing_is_concluded_from_what_was_not_captured() {
    let packages = json!([{ "name": "numpy", "version": "1" }]);
    let whole = environment(&json!({ "python": captured(&packages) }));
    for state in ["absent", "unreadable", "skipped"] {
        let lacking = environment(&json!({ "python": { "state": state } }));
        let diff = diff(&whole, &lacking);
        assert_eq!(diff.rows, []);
        let reason = format!("captured before, {state} after");
        assert_eq!(diff.not_compared[0].reason, reason);
    }
    let diff = diff(&whole, &Environment::default());
    assert_eq!(diff.rows, []);
    assert_eq!(
        diff.not_compared[0].reason,
        "captured before, not captured after"
    );
}

#[test]
fn of_a_partial_source_only_what_both_sides_have_is_compared() {
    let whole = environment(&json!({ "python": captured(&json!([
        { "name": "numpy", "version": "1" },
        { "name": "scipy", "version": "1" },
    ])) }));
    let partial = environment(&json!({ "python": {
        "state": "partial", "packages": [{ "name": "numpy", "version": "2" }],
    } }));
    let diff = diff(&whole, &partial);
    assert_eq!(lines(&diff), ["python numpy upgraded 1 2"]);
    assert_eq!(
        diff.not_compared[0].reason,
        "captured before, partial after"
    );
}

#[test]
fn what_one_build_asked_of_the_driver_and_another_did_not_neither_came_nor_went() {
    let gpu =
        |facts: Value| environment(&json!({ "gpu": { "state": "captured", "facts": facts } }));
    let processors = json!([{ "model": "NVIDIA H100", "memory_bytes": 85_520_809_984_u64 }]);
    let unasked = gpu(json!({ "nvidia_driver": "550.54.15" }));
    let asked = gpu(json!({
        "nvidia_cuda": "12.8", "nvidia_driver": "570.86.10", "nvidia_processors": processors,
    }));
    let there = diff(&unasked, &asked);
    assert_eq!(
        lines(&there),
        ["gpu nvidia_driver changed 550.54.15 570.86.10"]
    );
    let reason = "memory and CUDA not asked for before";
    assert_eq!(there.not_compared[0].reason, reason);
    let back = diff(&asked, &unasked);
    assert_eq!(back.rows.len(), 1);
    let reason = "memory and CUDA not asked for after";
    assert_eq!(back.not_compared[0].reason, reason);
    // A driver that was not there has nothing that anybody could have asked for.
    let other = gpu(json!({ "amdgpu_driver": "6.8.5" }));
    let swapped = diff(&other, &asked);
    assert_eq!(swapped.rows.len(), 4);
    assert_eq!(swapped.not_compared, []);
}

#[test]
fn packages_of_two_distributions_are_not_compared() {
    let side = |id: &str| {
        environment(&json!({
            "os": { "state": "captured", "facts": { "release": { "id": id } } },
            "dpkg": captured(&json!([{ "name": id, "version": "1" }])),
        }))
    };
    let diff = diff(&side("debian"), &side("ubuntu"));
    assert_eq!(lines(&diff), ["os release.id changed debian ubuntu"]);
    let expected = "another distribution: debian before, ubuntu after";
    assert_eq!(diff.not_compared[0].reason, expected);
}

#[test]
fn what_conda_brought_is_counted_once_and_what_is_shadowed_never() {
    let side = |version: &str| {
        environment(&json!({
            "conda": captured(&json!([{ "name": "numpy", "version": version }])),
            "python": captured(&json!([
                { "name": "numpy", "version": version, "facts": { "installer": "conda" } },
                { "name": "pip", "version": version, "facts": { "shadowed": true } },
            ])),
        }))
    };
    assert_eq!(
        lines(&diff(&side("1"), &side("2"))),
        ["conda numpy upgraded 1 2"]
    );
}

#[test]
fn removed_without_purge_is_a_removal_that_says_so() {
    let installed = captured(&json!([{ "name": "a", "version": "1", "arch": "amd64" }]));
    let before = environment(&json!({ "dpkg": installed }));
    let left = json!([{ "name": "a", "version": "1", "arch": "amd64", "state": "config-files" }]);
    let after = environment(&json!({ "dpkg": {
        "state": "captured", "facts": { "other_states": left },
    } }));
    assert_eq!(
        lines(&diff(&before, &after)),
        ["dpkg a:amd64 removed 1 - state"]
    );
    let gone = environment(&json!({ "dpkg": captured(&json!([])) }));
    assert_eq!(
        lines(&diff(&after, &gone)),
        ["dpkg a:amd64 state config-files -"]
    );
}

#[test]
fn package_that_is_being_set_up_is_a_state_and_no_removal() {
    let installed = captured(&json!([{ "name": "a", "version": "1", "arch": "amd64" }]));
    let before = environment(&json!({ "dpkg": installed }));
    let between = json!([{ "name": "a", "version": "2", "arch": "amd64", "state": "unpacked" }]);
    let after = environment(&json!({ "dpkg": {
        "state": "captured", "facts": { "other_states": between },
    } }));
    assert_eq!(
        lines(&diff(&before, &after)),
        ["dpkg a:amd64 state installed unpacked"]
    );
    assert_eq!(
        lines(&diff(&after, &before)),
        ["dpkg a:amd64 state unpacked installed"]
    );
}

#[test]
fn distribution_that_pip_is_in_the_middle_of_is_a_state_and_no_removal() {
    let packages =
        json!([{ "name": "numpy", "version": "1" }, { "name": "scipy", "version": "1" }]);
    let before = environment(&json!({ "python": captured(&packages) }));
    let after = environment(&json!({ "python": {
        "state": "captured", "facts": { "broken": ["~umpy-1.dist-info"] },
    } }));
    assert_eq!(
        lines(&diff(&before, &after)),
        [
            "python numpy state installed broken",
            "python scipy removed 1 -",
            r#"python broken added - ["~umpy-1.dist-info"]"#,
        ]
    );
    assert_eq!(
        lines(&diff(&after, &before))[0],
        "python numpy state broken installed"
    );
}

#[test]
fn mark_of_a_package_that_went_is_no_row_of_its_own() {
    let side = |names: Value, packages: Value| {
        environment(&json!({
            "apt": { "state": "captured", "facts": { "automatic": { "amd64": names } } },
            "dpkg": captured(&packages),
        }))
    };
    let both = json!([{ "name": "a", "version": "1" }, { "name": "b", "version": "1" }]);
    let before = side(json!(["a", "b"]), both);
    let after = side(json!([]), json!([{ "name": "a", "version": "1" }]));
    assert_eq!(
        lines(&diff(&before, &after)),
        ["apt a:amd64 marked automatic manual", "dpkg b removed 1 -"]
    );
}

#[test]
fn kernels_that_stand_side_by_side_are_paired_by_version() {
    let side = |versions: &[&str]| {
        let packages = versions
            .iter()
            .map(|it| json!({ "name": "kernel", "version": it }));
        environment(&json!({ "rpm": captured(&packages.collect()) }))
    };
    assert_eq!(
        lines(&diff(&side(&["1", "2"]), &side(&["2", "3"]))),
        ["rpm kernel changed 1 3"]
    );
    assert_eq!(
        lines(&diff(&side(&["1", "2"]), &side(&["2", "3", "4"]))),
        [
            "rpm kernel removed 1 -",
            "rpm kernel added - 3",
            "rpm kernel added - 4"
        ]
    );
}

#[test]
fn order_of_modules_is_told_and_elements_of_lists_are_rows() {
    let side = |order: Value| {
        environment(&json!({ "modules": { "state": "captured", "facts": { "order": order } } }))
    };
    assert_eq!(
        lines(&diff(&side(json!(["a", "b"])), &side(json!(["b", "a"])))),
        [r#"modules order changed ["a","b"] ["b","a"]"#]
    );
    assert_eq!(
        lines(&diff(&side(json!(["a"])), &side(json!(["b"])))),
        ["modules order removed a -", "modules order added - b"]
    );
}

fn any_source() -> impl Strategy<Value = Source> {
    let package = (
        "[a-c]",
        "[1-3](~[a-b])?",
        proptest::option::of("[xy]"),
        any::<bool>(),
    );
    let package = package.prop_map(|(name, version, arch, is_held)| {
        let mut package = Package::new(name, version);
        package.arch = arch;
        if is_held {
            package.facts.insert("want".to_owned(), "hold".into());
        }
        package
    });
    let state = proptest::sample::select(State::ALL);
    let facts = proptest::collection::btree_map("[a-b]", "[a-b]", 0..3);
    (state, proptest::collection::vec(package, 0..5), facts).prop_map(|(state, packages, facts)| {
        let facts = facts.into_iter().map(|(name, value)| (name, value.into()));
        Source {
            state,
            packages,
            facts: facts.collect(),
        }
    })
}

fn any_environment() -> impl Strategy<Value = Environment> {
    let name = proptest::sample::select(SourceName::ALL);
    let sources = proptest::collection::btree_map(name, any_source(), 0..4);
    sources.prop_map(|sources| Environment { sources })
}

proptest! {
    #[test]
    fn environment_does_not_differ_from_itself(environment in any_environment()) {
        prop_assert_eq!(diff(&environment, &environment).rows, Vec::new());
    }

    #[test]
    fn the_other_way_round_every_row_is_mirrored(before in any_environment(), after in any_environment()) {
        let line = |row: &Row, is_mirrored: bool| {
            let (change, before, after) = if is_mirrored {
                (row.change.mirrored(), &row.after, &row.before)
            } else {
                (row.change, &row.before, &row.after)
            };
            format!("{:?} {} {:?} {change:?} {before:?} {after:?}", row.source, row.name, row.arch)
        };
        let there = diff(&before, &after);
        let back = diff(&after, &before);
        let mut there: Vec<_> = there.rows.iter().map(|row| line(row, false)).collect();
        let mut back: Vec<_> = back.rows.iter().map(|row| line(row, true)).collect();
        there.sort();
        back.sort();
        prop_assert_eq!(there, back);
    }
}

#[test]
fn source_that_an_earlier_release_did_not_read_is_neither_new_nor_gone() {
    let npm = || captured(&json!([{ "name": "npm", "version": "10.0.0" }]));
    let pnpm = |version: &str| captured(&json!([{ "name": "cowsay", "version": version }]));
    let earlier = environment(&json!({ "npm": npm() }));
    let now = environment(&json!({ "npm": npm(), "pnpm": pnpm("1.6.0") }));
    for (before, after, reason) in [
        (&earlier, &now, "not captured before, captured after"),
        (&now, &earlier, "captured before, not captured after"),
    ] {
        let diff = diff(before, after);
        assert_eq!(lines(&diff), [""; 0]);
        let not_compared = diff.not_compared.iter();
        let not_compared: Vec<_> = not_compared.map(|it| (it.source, &*it.reason)).collect();
        assert_eq!(not_compared, [(SourceName::Pnpm, reason)]);
    }
    let later = environment(&json!({ "npm": npm(), "pnpm": pnpm("1.10.0") }));
    assert_eq!(
        lines(&diff(&now, &later)),
        ["pnpm cowsay upgraded 1.6.0 1.10.0"]
    );
}

#[test]
fn facts_of_a_package_that_only_one_side_can_know_are_no_change() {
    let document = |facts: Value, state: &str| {
        let packages = json!([{ "name": "numpy", "version": "1", "facts": facts }]);
        environment(&json!({ "python": { "state": state, "packages": packages } }))
    };
    let known = json!({ "files": "00", "installer": "pip", "url": "https://h/a" });
    let listed = document(json!({ "url": "https://h/b" }), "partial");
    let diff = diff(&listed, &document(known.clone(), "captured"));
    assert_eq!(lines(&diff), ["python numpy rebuilt 1 1 url"]);
    let whole = super::diff(
        &document(json!({}), "captured"),
        &document(known, "captured"),
    );
    assert_eq!(
        lines(&whole),
        ["python numpy rebuilt 1 1 files installer url"]
    );
}

#[test]
fn package_without_an_architecture_is_compared_with_the_only_one_of_its_name() {
    let listed = environment(&json!({ "dpkg": { "state": "partial", "packages": [
        { "name": "bash", "version": "5.2-1" },
        { "name": "libc6", "version": "2.36-9" },
        { "name": "zlib1g", "version": "1" },
    ] } }));
    let now = environment(&json!({ "dpkg": captured(&json!([
        { "name": "bash", "version": "5.2-2", "arch": "amd64" },
        { "name": "libc6", "version": "2.36-10", "arch": "amd64" },
        { "name": "libc6", "version": "2.36-10", "arch": "i386" },
        { "name": "zlib1g", "version": "1", "arch": "amd64" },
    ])) }));
    assert_eq!(
        lines(&diff(&listed, &now)),
        ["dpkg bash:amd64 upgraded 5.2-1 5.2-2"]
    );
    assert_eq!(
        lines(&diff(&now, &listed)),
        ["dpkg bash:amd64 downgraded 5.2-2 5.2-1"]
    );
}
