//! A profile adds rules, and none that would conflate runs or do nothing.

use runstone_core::profile::Profile;
use runstone_core::redact::Names;
use serde_json::{Value, json};

use crate::support::*;

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
