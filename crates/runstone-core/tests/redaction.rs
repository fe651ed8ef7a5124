//! Secrets are gone from everything a run becomes, and what is left still tells runs apart.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use proptest::prelude::*;
use runstone_core::canonical::{CanonicalRun, Captures, NotCanonical};
use runstone_core::id::Attempt;
use runstone_core::input::{Overrides, RunInput};
use runstone_core::profile::Profile;
use runstone_core::record::{Defaults, Refused, RunRecord, without_secrets};
use runstone_core::redact::{Names, PseudonymKey, is_mark};
use runstone_core::snapshot::{Captured, Snapshot, Writer};
use serde_json::{Value, json};

const PASSWORD: &str = "hunter2-Zwiebel";

fn token() -> String {
    format!("ghp_{}", "Ab1".repeat(12))
}

fn key() -> PseudonymKey {
    PseudonymKey::new([7; 32], "k1")
}

fn defaults() -> Defaults {
    Defaults {
        experiment: "churn".to_owned(),
    }
}

/// The profile `generic` with more rules.
fn generic_with(rules: &str) -> Profile {
    let text = format!("schema = 1\nname = \"generic\"\nextends = \"generic\"\n{rules}");
    Profile::parse(&text, "p.toml", &|_| None).unwrap()
}

fn market_with(rules: &str) -> Profile {
    let text = format!("schema = 1\nname = \"market\"\nextends = \"market\"\n{rules}");
    Profile::parse(&text, "p.toml", &|_| None).unwrap()
}

fn validated(document: &Value, profile: &Profile) -> Result<RunRecord, Refused> {
    let input = RunInput::from_document(document.as_object().unwrap().clone());
    RunRecord::validate(input, profile, &defaults())
}

#[test]
fn a_document_that_cannot_be_recorded_yet_becomes_the_same_run_without_its_secrets() {
    let profile = generic_with("[redact]\npaths = [{ path = \"note\", mode = \"drop\" }]\n");
    let document = json!({
        "run_id": "r", "stage": "train", "note": "n", "metrics": {"auc": 1},
        "identity": {"k": token(), "at": format!("https://u:{PASSWORD}@host/x")},
        "factors": {"api_key": PASSWORD},
    });
    let strip = |document: &Value| {
        let document = document.as_object().unwrap();
        assert_eq!(without_secrets(document, &profile, None), None);
        Value::Object(without_secrets(document, &profile, Some(&key())).unwrap())
    };
    let left = strip(&document);
    assert!(!left.to_string().contains(PASSWORD) && !left.to_string().contains(&token()));
    let again = without_secrets(left.as_object().unwrap(), &profile, None);
    assert_eq!(again.map(Value::Object), Some(left.clone()));
    let (direct, finished) = (canonical(&document, &profile), canonical(&left, &profile));
    assert_eq!(direct.cohort(), finished.cohort());
    assert_eq!(direct.content(), finished.content());
    // A stage that is not known yet: any field may tell runs apart, and names hold no secret.
    let market = market_with("");
    let unknown = json!({"stage": "no such stage", "run_id": token(), "x": token()});
    let left = without_secrets(unknown.as_object().unwrap(), &market, Some(&key())).unwrap();
    assert_eq!(left["run_id"], "[redacted]");
    assert!(is_mark(left["x"].as_str().unwrap()) && left["x"] != "[redacted]");
}

fn canonical(document: &Value, profile: &Profile) -> CanonicalRun {
    CanonicalRun::of(validated(document, profile).unwrap(), profile, Some(&key())).unwrap()
}

fn snapshot(run: &CanonicalRun) -> Snapshot {
    let nothing = || Captured::NotCaptured {
        reason: "a test".to_owned(),
    };
    let captures = Captures {
        environment: nothing(),
        code: nothing(),
        process: nothing(),
    };
    let writer = Writer {
        name: "runstone".to_owned(),
        version: "0".to_owned(),
    };
    run.to_snapshot(Attempt(0), captures, writer)
}

fn recorded(document: &Value, profile: &Profile) -> Value {
    snapshot(&canonical(document, profile)).to_payload()
}

/// Returns the redactions of a payload as `path mode rule`, one a line.
fn told(payload: &Value) -> Vec<String> {
    let listed = payload["redactions"].as_array().unwrap().iter();
    let text = |it: &Value, member: &str| it[member].as_str().unwrap().to_owned();
    listed
        .map(|it| {
            format!(
                "{} {} {}",
                text(it, "path"),
                text(it, "mode"),
                text(it, "rule")
            )
        })
        .collect()
}

/// Asserts that a payload is what reading its own document again gives, as `verify` does.
fn assert_reads_again(document: &Value, profile: &Profile) {
    let first = canonical(document, profile);
    let (content, cohort) = (first.content(), first.cohort().id());
    let kept = snapshot(&first);
    let again = CanonicalRun::again(&kept, profile, &defaults()).unwrap();
    assert_eq!(again.content(), content, "{document}");
    assert_eq!(again.cohort().id(), cohort);
    let again = snapshot(&again);
    assert_eq!(again.identity, kept.identity);
    assert_eq!(again.factors, kept.factors);
    assert_eq!(again.metrics, kept.metrics);
    assert_eq!(again.labels, kept.labels);
    assert_eq!(again.artifacts, kept.artifacts);
    assert_eq!(again.fingerprints, kept.fingerprints);
}

fn run(more: &Value) -> Value {
    let mut document = json!({"run_id": "r1", "stage": "train"});
    let members = document.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    document
}

#[test]
fn secrets_are_gone_from_every_part_of_a_snapshot_without_a_word_in_the_profile() {
    let (secret, generic) = (token(), generic_with(""));
    let url = format!("postgres://ann:{PASSWORD}@db/runs");
    let document = run(&json!({
        "identity": {"data": {"url": format!("https://h/x?sig={PASSWORD}")}},
        "factors": {"loader": {"api_key": PASSWORD}, "note": format!("see {secret}"), "lr": 0.1},
        "metrics": {"auc": 0.5, "label": secret, secret.clone(): 1},
        "artifacts": [{"path": url, "sha256": "ab"}],
        "metadata": {"argv": ["train", "--password", PASSWORD, "--lr", "0.1"],
            "dashed": ["--api-key", format!("-{PASSWORD}"), "-v"],
            "env": [{"name": "DB_PASSWORD", "value": PASSWORD}, {"key": "LANG", "value": "C"}], "n": [[{"k": secret}]]},
        "other": {"password": 1234, "credentials": {"user": "ann", "pin": PASSWORD}},
    }));
    let payload = recorded(&document, &generic);
    let text = payload.to_string();
    for gone in [secret.as_str(), PASSWORD, "1234"] {
        assert!(!text.contains(gone), "{gone} in {text}");
    }
    assert_eq!(payload["document"]["metadata"]["argv"][2], "[redacted]");
    assert_eq!(payload["document"]["metadata"]["argv"][4], "0.1");
    assert_eq!(payload["document"]["metadata"]["dashed"][2], "-v");
    assert_eq!(payload["document"]["metadata"]["env"][1]["value"], "C");
    assert_eq!(
        payload["document"]["artifacts"][0]["path"],
        "postgres://ann:[redacted]@db/runs"
    );
    assert_eq!(payload["factors"]["settings"]["lr"], 0.1);
    assert_eq!(payload["metrics"]["[redacted]"], 1);
    assert_eq!(payload["pseudonym_key"], "k1");
    insta::assert_snapshot!(told(&payload).join("\n"));
    assert_reads_again(&document, &generic);
}

#[test]
fn what_has_no_secret_is_kept_to_the_letter_and_lists_nothing() {
    let document = run(&json!({
        "identity": {"data": {"sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}},
        "factors": {"max_tokens": 512, "eos_token": "</s>", "tokenizer": "bert", "token": "the", "seed": 1},
        "metrics": {"token_count": 7, "auc": 0.5},
        "metadata": {"commit": "718f7ea0e05e12c0b5cdd1a1fb4ee58162eb4564", "store": "de00711f-d954-4b7f-97df-f5a9dcff1ed7",
            "cohort": "train.churn.0123456789abcdef", "password": null, "has_password": true, "token": "", "PWD": "/data",
            "argv": ["--password", "-v", "--lr"], "pairs": [{"name": "auc", "value": "x"}, {"name": "token", "value": "the"}]},
    }));
    let payload = recorded(&document, &generic_with(""));
    assert_eq!(payload["document"], document);
    assert_eq!(payload["redactions"], json!([]));
    assert_eq!(payload.get("pseudonym_key"), None);
}

#[test]
fn a_secret_in_an_identity_gets_a_pseudonym_so_that_runs_stay_apart() {
    let generic = generic_with("");
    let of = |secret: &str| {
        canonical(
            &run(&json!({"identity": {"data": {"api_key": secret}}})),
            &generic,
        )
    };
    assert_eq!(of("aaaa").cohort().id(), of("aaaa").cohort().id());
    assert_ne!(of("aaaa").cohort().id(), of("bbbb").cohort().id());
    let record = validated(
        &run(&json!({"identity": {"data": {"api_key": "aaaa"}}})),
        &generic,
    )
    .unwrap();
    let lacking = CanonicalRun::of(record, &generic, None).unwrap_err();
    let NotCanonical::NeedsKey(record) = lacking else {
        panic!("{lacking:?}");
    };
    assert_eq!(
        CanonicalRun::of(*record, &generic, Some(&key())).unwrap(),
        of("aaaa")
    );
}

#[test]
fn a_secret_that_was_renewed_is_the_same_content() {
    let generic = generic_with("");
    let of = |password: &str| {
        let url = format!("postgres://ann:{password}@db/runs");
        canonical(&run(&json!({"metadata": {"db": url}})), &generic).content()
    };
    assert_eq!(of("old"), of("new"));
    let document = run(&json!({"metadata": {"db": "postgres://ann:old@db/runs"}}));
    let payload = recorded(&document, &generic);
    assert_eq!(
        canonical(&payload["document"], &generic).content(),
        of("old")
    );
}

#[test]
fn equal_values_in_two_spellings_share_a_pseudonym() {
    let market = market_with(
        "[redact]\npaths = [{ path = \"date_end\", mode = \"pseudonym\" }, { path = \"symbols\", mode = \"pseudonym\" }, \
         { path = \"cv_details.folds\", mode = \"pseudonym\" }, { path = \"n_effective\", mode = \"pseudonym\" }]\n",
    );
    let document = |end: &str, symbols: Value, folds: Value, effective: &str| {
        json!({
            "run_id": "r", "stage": "target ranking", "cohort_id": "c", "date_start": "2026-01-01", "date_end": end,
            "n_symbols": 2, "symbols": symbols, effective: 9, "target": "y", "view": "cross_sectional",
            "min_cs": 1, "max_cs_samples": 2, "cv_details": {"folds": folds}, "auc": 0.5,
        })
    };
    let one = document("2026-02-01", json!(["B", "A"]), json!(5), "n_effective");
    let other = document(
        "2026-02-01T00:00:00Z",
        json!(["A", "B", "A"]),
        json!({"kind": "scalar", "value": 5}),
        "N_effective",
    );
    let (a, b) = (canonical(&one, &market), canonical(&other, &market));
    assert_eq!(a.cohort().id(), b.cohort().id());
    let payload = recorded(&other, &market);
    assert!(is_mark(
        payload["identity"]["dataset"]["date_end"].as_str().unwrap()
    ));
    assert!(is_mark(
        payload["identity"]["sample"]["n_effective"]
            .as_str()
            .unwrap()
    ));
    assert!(is_mark(
        payload["identity"]["split"]["cv_details.folds"]
            .as_str()
            .unwrap()
    ));
    let symbols = payload["identity"]["dataset"]["symbols"]
        .as_array()
        .unwrap();
    assert!(symbols.len() == 2 && symbols.iter().all(|it| is_mark(it.as_str().unwrap())));
    for document in [one, other] {
        assert_reads_again(&document, &market);
    }
}

#[test]
fn path_rules_drop_mask_and_give_pseudonyms_and_never_touch_what_names_a_run() {
    let profile = generic_with(
        "[redact]\npaths = [\n{ path = \"metadata.gone\", mode = \"drop\" },\n{ path = \"metadata.hidden\" },\n\
         { path = \"metadata.who\", mode = \"pseudonym\" },\n{ path = \"artifacts.*.owner\", mode = \"drop\" },\n\
         { path = \"**.name\", mode = \"drop\" },\n{ path = \"experiment\", mode = \"pseudonym\" },\n{ path = \"sweep\" }]\n",
    );
    let document = run(&json!({
        "sweep": "s1",
        "identity": {"data": {"name": "secret-set", "rows": 5}},
        "metadata": {"gone": {"a": [1, 2]}, "hidden": {"a": [1, "x"], "b": null}, "who": "ann", "name": "n"},
        "artifacts": [{"path": "m", "owner": "ann"}],
    }));
    let payload = recorded(&document, &profile);
    let kept = &payload["document"];
    assert_eq!(
        kept["metadata"]["hidden"],
        json!({"a": ["[redacted]", "[redacted]"], "b": null})
    );
    assert_eq!(kept["metadata"].get("gone"), None);
    assert_eq!(kept["metadata"].get("name"), None);
    assert_eq!(kept["artifacts"], json!([{"path": "m"}]));
    for pointer in [
        "/metadata/who",
        "/identity/data/name",
        "/experiment",
        "/sweep",
    ] {
        let text = kept.pointer(pointer).and_then(Value::as_str).unwrap();
        assert!(text.starts_with("pseudonym:"), "{pointer}: {text}");
    }
    assert_eq!(
        (kept["run_id"].as_str(), kept["stage"].as_str()),
        (Some("r1"), Some("train"))
    );
    insta::assert_snapshot!(told(&payload).join("\n"));
    assert_reads_again(&document, &profile);
    // The experiment that is left to the store is the same one, stated or not.
    let silent = canonical(&run(&json!({})), &profile);
    let stated = canonical(&run(&json!({"experiment": "churn"})), &profile);
    assert_eq!(silent.cohort().id(), stated.cohort().id());
    assert!(!stated.cohort().id().as_str().contains("churn"));
}

#[test]
fn only_what_is_allowed_is_kept() {
    let profile = generic_with(
        "[redact]\nallow_only = [\"experiment\", \"identity\", \"factors.lr\", \"metrics\"]\n",
    );
    let document = run(&json!({
        "identity": {"data": {"rows": 5}}, "factors": {"lr": 0.1, "who": "ann"}, "metrics": {"auc": 1},
        "metadata": {"a": {"b": 1}, "c": []}, "status": "failed", "artifacts": [{"path": "p"}],
    }));
    let payload = recorded(&document, &profile);
    assert_eq!(
        payload["document"],
        json!({
            "run_id": "r1", "stage": "train", "status": "failed",
            "identity": {"data": {"rows": 5}}, "factors": {"lr": 0.1}, "metrics": {"auc": 1},
        })
    );
    assert_reads_again(&document, &profile);
}

#[test]
fn own_patterns_home_directories_and_names_are_redacted_where_a_profile_asks() {
    let profile = generic_with(
        "[redact]\nvalues = [\"builtin:home\", \"builtin:user-host\", \"corp_[a-z]{8}\", \
         { pattern = \"member ([0-9]{6})\", name = \"members\", mode = \"pseudonym\" }, \
         { pattern = \"internal-only\", mode = \"drop\" }]\n",
    )
    .knowing(Names {
        home: None,
        user: Some("ann".to_owned()),
        host: Some("gpu-17".to_owned()),
    });
    let document = run(&json!({"metadata": {
        "cwd": "/home/bob/x", "by": "ann@gpu-17", "a": "x corp_abcdefgh y", "m": "member 123456",
        "b": "this is internal-only", "kept": "planning",
    }}));
    let payload = recorded(&document, &profile);
    let kept = payload["document"]["metadata"].clone();
    assert_eq!(kept["cwd"], "/home/[redacted]/x");
    assert_eq!(kept["by"], "[redacted]@[redacted]");
    assert_eq!(kept["a"], "x [redacted] y");
    assert!(kept["m"].as_str().unwrap().starts_with("member pseudonym:"));
    assert_eq!(kept.get("b"), None);
    assert_eq!(kept["kept"], "planning");
    insta::assert_snapshot!(told(&payload).join("\n"));
    assert_reads_again(&document, &profile);
}

#[test]
fn two_secret_names_that_would_become_one_stay_two() {
    let other = format!("ghp_{}", "Cd2".repeat(12));
    let document = run(&json!({"metadata": {token(): 1, other: 2, "[redacted]": 3}}));
    let payload = recorded(&document, &generic_with(""));
    assert_eq!(
        payload["document"]["metadata"],
        json!({"[redacted]": 3, "[redacted]~2": 1, "[redacted]~3": 2})
    );
    assert_reads_again(&document, &generic_with(""));
}

#[test]
fn a_name_of_a_run_that_holds_a_secret_is_refused_without_quoting_it() {
    let secret = token();
    let document = json!({"run_id": format!("r-{secret}"), "stage": secret});
    let refused = validated(&document, &generic_with("")).unwrap_err();
    let text = format!("{refused:?} {refused}");
    assert!(!text.contains(&secret), "{text}");
    let found: Vec<String> = refused.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "`/run_id`: holds what `builtin:tokens` redacts, and it is never redacted itself",
            "`/stage`: holds what `builtin:tokens` redacts, and it is never redacted itself",
        ]
    );
}

#[test]
fn no_problem_quotes_what_a_rule_redacts() {
    let secret = token();
    let profile = market_with(
        "[redact]\npaths = [{ path = \"n_symbols\", mode = \"pseudonym\" }, { path = \"training.model_family\", mode = \"pseudonym\" }, \
         { path = \"model_family\", mode = \"pseudonym\" }, { path = \"symbol\", mode = \"pseudonym\" }]\nvalues = [\"corp_[a-z]{8}\"]\n",
    );
    let long = format!("{} {secret} x", "x".repeat(60));
    let document = json!({
        "run_id": "r", "stage": "TRAINING", "cohort_id": "c", "date_start": "corp_abcdefgh", "date_end": long,
        "n_symbols": "hidden-number", "n_effective": format!("corp_abcdefgh{}", "y".repeat(90)), "target": "y",
        "view": secret, "symbol": "hidden-symbol", "min_cs": 1, "max_cs_samples": {"password": PASSWORD},
        "model_family": "hidden-a", "training": {"model_family": "hidden-b"}, "status": secret,
        "metrics": {"loss": {"mean": 1, "values": [1, PASSWORD, {"password": PASSWORD}]}},
        "artifacts": [{"path": secret}, {"path": secret}], secret: 1,
    });
    let refused = validated(&document, &profile).unwrap_err();
    let text = format!("{refused:?} {refused}");
    for gone in ["hidden", "corp_a", "ghp_", PASSWORD] {
        assert!(!text.contains(gone), "{gone} in {text}");
    }
    insta::assert_snapshot!(
        refused
            .problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    );
}

#[test]
fn no_contradiction_quotes_what_a_rule_redacts() {
    let profile = generic_with(
        "[redact]\npaths = [{ path = \"experiment\", mode = \"pseudonym\" }]\nvalues = [\"corp_[a-z]{8}\"]\n",
    );
    let document = run(&json!({"experiment": "hidden-a", "sweep": "s"}));
    let overrides = Overrides {
        experiment: Some("hidden-b".to_owned()),
        sweep: Some(format!("{}corp_abcdefgh", "x".repeat(75))),
        run_id: Some(token()),
        ..Overrides::default()
    };
    let input = RunInput::from_document(document.as_object().unwrap().clone());
    let refused = input.with(overrides, &profile).unwrap_err();
    let text = format!("{refused:?}");
    for gone in ["hidden", "corp_", "ghp_"] {
        assert!(!text.contains(gone), "{gone} in {text}");
    }
    assert_eq!(refused.problems.len(), 3);
}

#[test]
fn bytes_that_are_no_document_are_refused_without_their_secrets() {
    let secret = token();
    for text in [
        format!("{{\"{secret}\": {{\"a\": oops}}}}"),
        format!("{{\"{secret}\": 1, \"{secret}\": 2}}"),
        format!("{{\"{secret}\": 1e400}}"),
        "{\"password\": 12345678901234567891}".to_owned(),
        format!("{{\"a\": \"{secret}"),
        format!("[\"{secret}\"]"),
    ] {
        let error = RunInput::from_json(text.as_bytes(), &runstone_core::json::Limits::default());
        let error = error.unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let said = format!("{error} {error:?} {source:?}");
        assert!(
            !said.contains(&secret) && !said.contains("345678901234"),
            "{said}"
        );
    }
}

#[test]
fn captures_lose_their_secrets_on_the_way_into_a_snapshot() {
    let profile = generic_with("[redact]\npaths = [{ path = \"process.cwd\", mode = \"drop\" }]\n");
    let process = json!({
        "command": ["train", "--api-key", PASSWORD, format!("--db=postgres://a:{PASSWORD}@h/x")],
        "cwd": "/home/ann", "env": {"HF_TOKEN": PASSWORD, "LANG": "C"},
    });
    let captures = Captures {
        environment: Captured::NotCaptured {
            reason: format!("`curl {}` failed", token()),
        },
        code: Captured::Known(json!({"remote": format!("https://{}@github.com/x", token())})),
        process: Captured::Known(process),
    };
    let writer = Writer {
        name: "runstone".to_owned(),
        version: "0".to_owned(),
    };
    let run = CanonicalRun::of(
        validated(&run(&json!({})), &profile).unwrap(),
        &profile,
        None,
    )
    .unwrap();
    let payload = run.to_snapshot(Attempt(0), captures, writer).to_payload();
    let text = payload.to_string();
    for gone in [PASSWORD, "ghp_", "/home/ann"] {
        assert!(!text.contains(gone), "{gone} in {text}");
    }
    insta::assert_snapshot!(told(&payload).join("\n"));
}

fn fault(rules: &str) -> String {
    let text = format!("schema = 1\nname = \"p\"\nextends = \"generic\"\n{rules}");
    let error = Profile::parse(&text, "p.toml", &|_| None).unwrap_err();
    format!("{error} ({})", error.hint.as_deref().unwrap_or_default())
}

#[test]
fn rules_that_would_conflate_runs_or_do_nothing_are_refused_with_their_line() {
    let rules = [
        "[redact]\npaths = [{ path = \"run_id\" }]\n",
        "[redact]\npaths = [{ path = \"identity.dataset.user\" }]\n",
        "[redact]\npaths = [{ path = \"experiment\", mode = \"drop\" }]\n",
        "[redact]\npaths = [\n  { path = \"metadata.a\" },\n  { path = \"identity\", mode = \"mask\" },\n]\n",
        "[default.metrics]\nprimary = [\"auc\"]\n[redact]\npaths = [{ path = \"metrics.auc\" }]\n",
        "[redact]\npaths = [{ path = \"metadata.a\", mode = \"hide\" }]\n",
        "[redact]\npaths = [{ mode = \"drop\" }]\n",
        "[redact]\npaths = [\"metadata\"]\n",
        "[redact]\nvalues = [\"builtin:nothing\"]\n",
        "[redact]\nvalues = [\"[0-9]+\"]\n",
        "[redact]\nvalues = [\"corp_(\"]\n",
        "[redact]\nallow_only = [\"identity\"]\n",
        "[redact]\nallow_only = [\"experiment\"]\n",
        "[redact]\nremove = []\n",
    ];
    let faults: Vec<String> = rules.iter().map(|rules| fault(rules)).collect();
    insta::assert_snapshot!(faults.join("\n"));
}

#[test]
fn a_profile_adds_to_the_redaction_below_it_and_takes_nothing_away() {
    let below = "schema = 1\nname = \"below\"\nextends = \"generic\"\n[redact]\n\
        paths = [{ path = \"metadata.a\", mode = \"drop\" }]\nvalues = [\"corp_[a-z]{8}\"]\n\
        allow_only = [\"experiment\", \"identity\", \"metadata\", \"metrics\"]\n";
    let find = |name: &str| (name == "below").then(|| below.to_owned());
    let above = |redact: &str| {
        let text = format!("schema = 1\nname = \"above\"\nextends = \"below\"\n{redact}");
        Profile::parse(&text, "above.toml", &find)
    };
    let profile = above(
        "[redact]\npaths = [{ path = \"metadata.a\" }, { path = \"metadata.b\" }]\nvalues = []\n\
         allow_only = [\"experiment\", \"identity\", \"metadata.a\", \"metadata.b\", \"metrics\"]\n",
    )
    .unwrap();
    let document =
        run(&json!({"metadata": {"a": 1, "b": 2, "c": 3}, "metrics": {"x": "corp_abcdefgh"}}));
    let kept = recorded(&document, &profile)["document"].clone();
    assert_eq!(kept["metadata"], json!({"b": "[redacted]"}));
    assert_eq!(kept["metrics"]["x"], "[redacted]");
    let wider =
        above("[redact]\nallow_only = [\"experiment\", \"identity\", \"factors\"]\n").unwrap_err();
    assert!(wider.to_string().contains("holds `factors`"), "{wider}");
    let silent = above("").unwrap();
    assert_eq!(
        *silent.redaction,
        *Profile::parse(below, "below.toml", &|_| None)
            .unwrap()
            .redaction
    );
    // The resolved text reads as the same rules.
    let again = Profile::parse(&profile.text, "again.toml", &|_| None).unwrap();
    assert_eq!(again.redaction, profile.redaction);
}

#[test]
fn explaining_a_document_says_what_becomes_of_each_field_and_shows_no_secret() {
    let profile =
        generic_with("[redact]\npaths = [{ path = \"metadata.who\", mode = \"pseudonym\" }]\n");
    let document = run(&json!({
        "identity": {"data": {"url": format!("https://h/x?token={PASSWORD}")}}, "factors": {"lr": 1},
        "metadata": {"who": "ann", token(): 1}, "metrics": {"note": token()},
    }));
    let rows: Vec<String> = profile
        .explain(document.as_object().unwrap())
        .into_iter()
        .map(|row| format!("{}: {:?}", row.path, row.redacted))
        .collect();
    insta::assert_snapshot!(rows.join("\n"));
}

fn any_document() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("password".to_owned()),
        Just("token".to_owned()),
        Just("url".to_owned()),
        Just(token()),
        "[a-z]{1,4}",
    ];
    let leaf = prop_oneof![
        Just(json!(token())),
        Just(json!(format!(
            "https://a:{PASSWORD}@h/x?sig={PASSWORD}&b=1"
        ))),
        Just(json!(format!("x --password {PASSWORD} y"))),
        Just(json!("[redacted]")),
        Just(json!("pseudonym:0123456789abcdef0123456789abcdef")),
        any::<i32>().prop_map(Value::from),
        Just(Value::Null),
        "[a-z ]{0,20}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(word.clone(), inner, 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    });
    let object = proptest::collection::btree_map("[a-d]", value, 0..3)
        .prop_map(|members| members.into_iter().collect::<Value>());
    (object.clone(), object.clone(), object.clone(), object).prop_map(|(identity, factors, metrics, metadata)| {
        run(&json!({"identity": identity, "factors": factors, "metrics": metrics, "metadata": metadata}))
    })
}

proptest! {
    #[test]
    fn whatever_a_document_holds_its_snapshot_is_clean_and_reads_again(document in any_document()) {
        let profile = generic_with("");
        let Ok(record) = validated(&document, &profile) else {
            return Ok(());
        };
        let Ok(first) = CanonicalRun::of(record, &profile, Some(&key())) else {
            return Ok(());
        };
        let payload = snapshot(&first).to_payload();
        let text = payload.to_string();
        prop_assert!(!text.contains(PASSWORD) && !text.contains("ghp_"), "{}", text);
        assert_reads_again(&document, &profile);
        // Recorded again from what was kept, it is the same recording.
        let again = canonical(&payload["document"], &profile);
        prop_assert_eq!(again.content(), first.content());
    }
}
