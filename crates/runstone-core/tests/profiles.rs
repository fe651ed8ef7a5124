//! A profile says what it means or is refused at a line; an edit beside the identity keeps cohorts.
#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use runstone_core::canonical::CanonicalRun;
use runstone_core::cohort::{Comparability, compare};
use runstone_core::input::RunInput;
use runstone_core::profile::{Profile, ProfileError, ProfileFault, UnknownStage};
use runstone_core::record::{Defaults, ProblemKind, Refused, RunRecord};
use serde_json::{Value, json};

const HEAD: &str = "schema = 1\nname = \"p\"\nextends = \"generic\"\n";

fn parse(text: &str) -> Result<Profile, ProfileError> {
    Profile::parse(text, "p.toml", &|_| None)
}

fn extending(text: &str) -> Profile {
    parse(&format!("{HEAD}{text}")).unwrap()
}

fn refused(text: &str) -> ProfileError {
    parse(&format!("{HEAD}{text}")).unwrap_err()
}

fn run(profile: &Profile, document: &Value) -> Result<CanonicalRun, Refused> {
    let input = RunInput::from_document(document.as_object().unwrap().clone());
    let defaults = Defaults {
        experiment: "store".to_owned(),
    };
    RunRecord::validate(input, profile, &defaults)
        .map(|record| CanonicalRun::of(record, profile, None).unwrap())
}

fn cohort(profile: &Profile, document: &Value) -> String {
    run(profile, document).unwrap().cohort().id().to_string()
}

#[test]
fn the_resolved_text_of_a_profile_is_the_same_profile() {
    for name in ["generic", "market"] {
        let profile = Profile::builtin(name).unwrap();
        assert_eq!(parse(&profile.text).unwrap(), profile);
    }
    let custom = extending("[default.metrics]\nprimary = [\"auc\"]\n");
    assert!(!custom.text.contains("extends"));
    assert_eq!(parse(&custom.text).unwrap(), custom);
    assert_eq!(Profile::builtin("elsewhere"), None);
}

#[test]
fn errors_name_file_line_and_column_and_the_nearest_known_key() {
    let error = refused("[default]\nrequird = []\n");
    assert_eq!(
        error.to_string(),
        "p.toml:5:1: unknown key `requird` in `default`"
    );
    assert_eq!(error.hint.as_deref(), Some("did you mean `required`?"));
    let error = refused("[default]\nidentity = { a = [\"x\", \"a..b\"] }\n");
    assert_eq!(
        error.to_string(),
        "p.toml:5:24: not a path: `a..b` has an empty part"
    );
    let error = refused("other_stages = \"refused\"\n");
    assert_eq!(error.hint.as_deref(), Some("did you mean `refuse`?"));
}

#[test]
fn everything_that_is_not_legal_is_refused() {
    use ProfileFault as F;
    type Expected = fn(&ProfileFault) -> bool;
    let cases: [(&str, Expected); 31] = [
        ("[aliases.fields]\nname = \"run_id\"", |it| {
            matches!(
                it,
                F::FixedField {
                    field: "run_id",
                    ..
                }
            )
        }),
        ("[aliases.fields]\nstage = \"step\"", |it| {
            matches!(it, F::FixedField { field: "stage", .. })
        }),
        ("[aliases.fields]\na = \"x.a\"\n\"a.b\" = \"y\"", |it| {
            matches!(it, F::AliasOverlap { .. })
        }),
        ("[aliases.fields]\na = \"a.b\"", |it| {
            matches!(it, F::AliasOverlap { .. })
        }),
        (
            "other_stages = \"refuse\"\n[stage.train]\n[aliases.stages]\nt = \"trian\"",
            |it| matches!(it, F::AliasOfNoStage { .. }),
        ),
        ("ignore = [\"metrics.auc\"]", |it| {
            matches!(it, F::FixedField { .. })
        }),
        ("[default]\nidentity = { sweep = [\"sweep\"] }", |it| {
            matches!(it, F::FixedField { field: "sweep", .. })
        }),
        (
            "[default]\nfactors = [{ class = \"settings\", paths = [\"artifacts.*\"] }]",
            |it| matches!(it, F::FixedField { .. }),
        ),
        (
            "[default]\nseverity = [{ level = \"none\", paths = [\"metrics.*_s\"] }]",
            |it| matches!(it, F::Path(_)),
        ),
        ("[default.metrics]\nprimary = [\"*auc*\"]", |it| {
            matches!(it, F::NotOneMetric { .. })
        }),
        ("[baseline]\nmin_runs = 65", |it| {
            matches!(it, F::OutOfRange { .. })
        }),
        ("[verdict]\nnoise_window = 65", |it| {
            matches!(it, F::OutOfRange { .. })
        }),
        ("times = \"created_at\"", |it| {
            matches!(it, F::WrongType { .. })
        }),
        ("times = [1]", |it| matches!(it, F::WrongType { .. })),
        ("environment = \"a.*\"", |it| matches!(it, F::Path(_))),
        ("[aliases.fields]\na = \"b\"\nb = \"c\"", |it| {
            matches!(it, F::AliasChain { .. })
        }),
        ("[aliases.fields]\na = \"b\"\nb = \"a\"", |it| {
            matches!(it, F::AliasChain { .. })
        }),
        ("[aliases.stages]\na = \"a\"", |it| {
            matches!(it, F::AliasChain { .. })
        }),
        ("[aliases.values.v]\na = \"b\"\nb = \"c\"", |it| {
            matches!(it, F::AliasChain { .. })
        }),
        ("[baseline]\nmin_runs = 0", |it| {
            matches!(it, F::OutOfRange { .. })
        }),
        ("[baseline]\nrule = \"worst\"", |it| {
            matches!(it, F::UnknownWord { .. })
        }),
        ("[default]\ncohort_name = [\"elsewhere\"]", |it| {
            matches!(it, F::NoIdentity { .. })
        }),
        ("[default]\nidentity = { \"*\" = [\"identity\"] }", |it| {
            matches!(it, F::OpenGroup { .. })
        }),
        (
            "[default]\nseverity = [{ level = \"grave\", paths = [] }]",
            |it| matches!(it, F::UnknownWord { .. }),
        ),
        (
            "[default]\nseverity = [{ level = \"minor\", paths = [\"a\"] }, \
             { level = \"major\", paths = [\"a\"] }]",
            |it| matches!(it, F::Twice { .. }),
        ),
        (
            "[default]\nfactors = [{ class = \"seed\", paths = [] }]",
            |it| matches!(it, F::UnknownWord { .. }),
        ),
        ("[default]\nfactors = [{ paths = [\"a\"] }]", |it| {
            matches!(it, F::MissingKey { .. })
        }),
        ("[default.metrics]\nprimary = [\"auc_loss\"]", |it| {
            matches!(it, F::TwoDirections { .. })
        }),
        (
            "[default.metrics]\ntolerance = [{ match = [\"*\"], relative = -1 }]",
            |it| matches!(it, F::OutOfRange { .. }),
        ),
        ("[redact]\nvalues = [\"[0-9]+\"]", |it| {
            matches!(it, F::Shape { .. })
        }),
        ("a = 1\na = 2", |it| matches!(it, F::NotToml { .. })),
    ];
    for (text, expected) in cases {
        let error = refused(text);
        assert!(expected(&error.fault), "{text}: {error}");
        assert!(error.line > 3, "{text}: {error}");
    }
    let newer = parse("schema = 2\nname = \"p\"").unwrap_err();
    assert_eq!(newer.fault, ProfileFault::UnknownSchema { found: 2 });
}

#[test]
fn extends_is_resolved_by_name_and_a_cycle_or_a_gap_is_named() {
    let find = |name: &str| match name {
        "team" => Some(
            "schema = 1\nname = \"team\"\nextends = \"generic\"\nsets = [\"tags\"]\n".to_owned(),
        ),
        "a" => Some("extends = \"b\"".to_owned()),
        "b" => Some("extends = \"a\"".to_owned()),
        "self" => Some("extends = \"self\"".to_owned()),
        longer if longer.starts_with('x') => Some(format!("extends = \"{longer}x\"")),
        "broken" => Some("extends = \"generic\"\nstage_name = \"x\"".to_owned()),
        _ => None,
    };
    let parse = |name: &str| {
        let text = format!("schema = 1\nname = \"p\"\nextends = \"{name}\"\n");
        Profile::parse(&text, "p.toml", &find)
    };
    assert_eq!(parse("team").unwrap().fields.sets.len(), 1);
    let cycle = parse("a").unwrap_err();
    assert!(
        matches!(cycle.fault, ProfileFault::ExtendsCycle { .. }),
        "{cycle}"
    );
    for (name, text) in [
        ("a", "`a` extends itself by way of b"),
        ("self", "`self` extends itself"),
    ] {
        assert_eq!(parse(name).unwrap_err().fault.to_string(), text);
    }
    let long = parse("x").unwrap_err().fault;
    assert!(matches!(long, ProfileFault::ChainTooLong { .. }), "{long}");
    let unknown = parse("markt").unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "p.toml:3:11: there is no profile `markt`"
    );
    assert_eq!(unknown.hint.as_deref(), Some("did you mean `market`?"));
    let elsewhere = parse("broken").unwrap_err();
    assert_eq!(
        (elsewhere.source_name.as_str(), elsewhere.line),
        ("broken", 2)
    );
}

#[test]
fn stages_inherit_from_default_key_by_key() {
    let profile = extending(
        "other_stages = \"refuse\"\n[default]\npolicy = \"exact\"\n[stage.eval]\npolicy = \"controlled\"\n\
         [stage.eval.identity]\nmodel = [\"model\"]\n[stage.train]\n",
    );
    let (_, eval) = profile.stage("eval").unwrap();
    let (_, train) = profile.stage("train").unwrap();
    assert_eq!(eval.required, train.required);
    assert_ne!(eval.policy, train.policy);
    assert!(eval.identity.groups.contains_key("experiment"));
    assert!(
        eval.identity.groups.contains_key("model") && !train.identity.groups.contains_key("model")
    );
    let unknown = profile.stage("test").unwrap_err();
    assert!(matches!(&unknown, UnknownStage::NotListed { listed, .. } if listed.len() == 2));
}

#[test]
fn an_edit_beside_the_identity_of_a_stage_keeps_its_cohorts() {
    let document = json!({
        "run_id": "r", "stage": "train", "identity": {"data": {"tags": ["b", "a"], "day": "2025-04-01"}},
        "factors": {"lr": 0.1},
    });
    let before = cohort(&extending(""), &document);
    for edit in [
        "times = [\"created_at\"]\n",
        "sets = [\"metrics.folds\"]\n",
        "integers = [\"attempt\", \"factors.n\"]\n",
        "ignore = [\"notes\"]\n",
        "[aliases.fields]\nlearn = \"factors.lr\"\n",
        "[aliases.stages]\nfit = \"train\"\n",
        "[baseline]\nmin_runs = 7\n[verdict]\nnoise_window = 20\n",
        "[default]\nrequired = [\"run_id\", \"stage\", \"factors\"]\nseverity = []\n",
        "[default]\nfactors = []\n",
        "[default.metrics]\nprimary = [\"auc\"]\ntolerance = []\n",
        "[stage.eval]\npolicy = \"exact\"\n[stage.eval.identity]\nmodel = [\"model\"]\n",
    ] {
        assert_eq!(cohort(&extending(edit), &document), before, "{edit}");
    }
    for edit in [
        "sets = [\"identity.data.tags\"]\n",
        "times = [\"identity.data.day\"]\n",
        "upper = [\"identity.data.day\"]\n",
        "tagged = [\"identity.data\"]\n",
        "[aliases.fields]\nday = \"identity.data.day\"\n",
        "[aliases.values.\"identity.data.day\"]\ntoday = \"2025-04-01\"\n",
        "[default]\npolicy = \"exact\"\n",
        "[default.identity]\nmodel = [\"model\"]\n",
        "[stage.train.identity]\nmodel = [\"model\"]\n",
    ] {
        assert_ne!(cohort(&extending(edit), &document), before, "{edit}");
    }
}

#[test]
fn under_the_policy_exact_an_edit_of_the_factors_opens_new_cohorts() {
    let document =
        json!({"run_id": "r", "stage": "train", "identity": {"d": 1}, "factors": {"lr": 0.1}});
    let exact = "[default]\npolicy = \"exact\"\n";
    let other = "[default]\npolicy = \"exact\"\n\
                 factors = [{ class = \"settings\", paths = [\"factors.**\"], strip = \"factors.\" }]\n";
    assert_ne!(
        cohort(&extending(exact), &document),
        cohort(&extending(other), &document)
    );
}

#[test]
fn market_stages_and_views_are_read_in_other_spellings_and_others_refused() {
    let market = Profile::builtin("market").unwrap();
    for spelling in ["TRAINING", "training", "Model Training", "model-training"] {
        assert_eq!(
            market.stage(spelling).unwrap().0.as_str(),
            "TRAINING",
            "{spelling}"
        );
    }
    assert!(market.stage("evaluation").is_err());
    let document = |members: Value| {
        let mut document = json!({
            "stage": "target ranking", "run_id": "r", "cohort_id": "c", "date_start": "2025-04-01",
            "date_end": "2025-06-30T00:00:00Z", "n_symbols": 1.0, "n_effective": 5, "target": "t",
            "view": "CROSS_SECTIONAL", "min_cs": 1, "max_cs_samples": 10,
            "created_at": "2025-04-01T00:00:00",
        });
        document
            .as_object_mut()
            .unwrap()
            .extend(members.as_object().unwrap().clone());
        document
    };
    let plain = run(&market, &document(json!({}))).unwrap();
    let warnings: Vec<String> = plain.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["`/date_start`: states no zone, read as UTC: 2025-04-01T00:00:00Z"],
        "a clock of the run itself is read as UTC without a word"
    );
    for view in ["loso", "INDIVIDUAL", "symbol_specific"] {
        let run = run(&market, &document(json!({"view": view, "symbol": "NVDA"}))).unwrap();
        assert_eq!(
            run.cohort().groups["routing"]["view"],
            "SYMBOL_SPECIFIC",
            "{view}"
        );
    }
    let kind = |members: Value| run(&market, &document(members)).unwrap_err().problems[0].kind;
    assert_eq!(kind(json!({"view": "LOSO"})), ProblemKind::Missing);
    assert_eq!(kind(json!({"symbol": "NVDA"})), ProblemKind::Forbidden);
    assert_eq!(kind(json!({"view": "BOTH"})), ProblemKind::NotAllowed);
    assert_eq!(
        kind(json!({"stage": "evaluation"})),
        ProblemKind::UnknownStage
    );
    assert_eq!(kind(json!({"N_effective": 6})), ProblemKind::Contradiction);
    assert_eq!(
        kind(json!({"python_version": "3", "environment": {"python_version": "4"}})),
        ProblemKind::Collision
    );
    assert_eq!(
        kind(json!({"split_seed": 1, "training": {"split_seed": 2}})),
        ProblemKind::Contradiction
    );
}

#[test]
fn tagged_values_compare_by_kind_and_value_and_a_reason_never_counts() {
    let profile = extending("tagged = [\"identity.cv.folds\"]\n");
    let cohort = |folds: Value| {
        let identity = json!({"cv": {"folds": folds}});
        cohort(
            &profile,
            &json!({"run_id": "r", "stage": "train", "identity": identity}),
        )
    };
    assert_eq!(
        cohort(json!(5)),
        cohort(json!({"kind": "scalar", "value": 5.0, "reason": "asked"}))
    );
    assert_eq!(
        cohort(json!({"kind": "auto", "value": 5, "reason": "a"})),
        cohort(json!({"kind": "auto", "value": 5, "reason": "b"}))
    );
    assert_ne!(
        cohort(json!(5)),
        cohort(json!({"kind": "auto", "value": 5}))
    );
    assert_ne!(
        cohort(json!({"kind": "auto"})),
        cohort(json!({"kind": "not_applicable"}))
    );
}

#[test]
fn explain_says_what_each_field_counts_as() {
    let market = Profile::builtin("market").unwrap();
    let document = json!({
        "run_id": "r", "stage": "training", "target": "t", "N_effective": 5, "cohort_id": "c",
        "training": {"model_family": "m", "lr": 0.1, "train_seed": 1}, "git_commit": "c0ffee",
        "environment": {"python_version": "3"}, "metrics": {"auc": 0.5, "name": "ROC"},
    });
    let rows = market.explain(document.as_object().unwrap());
    let rows: Vec<(&str, &str)> = rows
        .iter()
        .map(|row| (row.path.as_str(), row.counts_as.as_str()))
        .collect();
    assert_eq!(
        rows,
        [
            ("N_effective", "identity: sample, as `n_effective`"),
            ("cohort_id", "kept, never compared"),
            ("environment.python_version", "versions: python_version"),
            ("git_commit", "code"),
            ("metrics.auc", "metric"),
            ("metrics.name", "label: shown, never judged"),
            ("run_id", "run id"),
            ("stage", "stage"),
            ("target", "identity: task"),
            ("training.lr", "settings: lr"),
            (
                "training.model_family",
                "identity: model, as `model_family`"
            ),
            ("training.train_seed", "seeds: train_seed"),
        ]
    );
}

#[test]
fn what_hides_a_field_from_the_identity_opens_another_cohort_and_what_hides_another_does_not() {
    let document = json!({"run_id": "a", "stage": "s", "identity": {"data": 1}});
    let of = |text: &str| cohort(&extending(text), &document);
    assert_ne!(of("ignore = [\"identity.notes\"]"), of(""));
    assert_ne!(of("code = \"identity.commit\""), of(""));
    assert_eq!(
        of("ignore = [\"metadata\", \"notes\"]\ncode = \"commit\""),
        of("")
    );
}

#[test]
fn cohorts_that_are_only_named_otherwise_are_told_apart_with_the_reason() {
    let document = json!({"run_id": "a", "stage": "s", "identity": {"data": 1}});
    let key = |text: &str| run(&extending(text), &document).unwrap().cohort().clone();
    let (one, other) = (key(""), key("[default]\ncohort_name = []"));
    assert_ne!(one.id(), other.id());
    let Comparability::Incomparable(reasons) = compare(&one, &other) else {
        panic!("two cohorts are comparable");
    };
    assert_eq!(reasons.len(), 1);
    assert_eq!(reasons[0].to_string(), "cohort_name ([\"store\"] and [])");
    assert_eq!(compare(&one, &key("")), Comparability::Comparable);
}

#[test]
fn long_lists_that_differ_at_their_end_do_not_read_alike_in_an_explanation() {
    let key = |last: &str| {
        let mut symbols = vec!["SAME"; 30];
        symbols.push(last);
        let document = json!({"run_id": "a", "stage": "s", "identity": {"symbols": symbols}});
        run(&extending(""), &document).unwrap().cohort().clone()
    };
    let Comparability::Incomparable(reasons) = compare(&key("A"), &key("B")) else {
        panic!("two cohorts are comparable");
    };
    let text = reasons[0].to_string();
    let (one, other) = text.split_once(" and ").unwrap();
    assert!(!one.ends_with(other.trim_end_matches(')')), "{text}");
}

#[test]
fn a_profile_may_write_values_and_names_in_any_spelling_that_is_compared_alike() {
    let profile = extending(
        "upper = [\"view\"]\nallowed = { view = [\"cross\"] }\n\
         [aliases.fields]\n\"cafe\u{301}\" = \"identity.place\"\n\
         [aliases.values.view]\nwide = \"cross\"\n\
         [default]\nrequire_if = [{ when = \"view\", is = \"cross\", required = [\"width\"] }]\n",
    );
    let document = |view: &str| json!({"run_id": "a", "stage": "s", "view": view, "caf\u{e9}": 1});
    for view in ["cross", "CROSS", "Wide"] {
        let refused = run(&profile, &document(view)).unwrap_err();
        assert_eq!(refused.to_string(), "missing `width`", "{view}");
    }
    let mut whole = document("cross");
    whole["width"] = json!(1);
    let cohort = run(&profile, &whole).unwrap().cohort().clone();
    assert_eq!(cohort.groups["place"]["identity.place"], json!(1));
}
