//! What is refused is refused without a word of its secrets.

use runstone_core::input::{Overrides, RunInput};
use serde_json::json;

use crate::support::*;

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
