//! A document is kept exactly or refused with its place; nothing is altered in silence.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed step should stop the test"
)]

use proptest::prelude::*;
use runstone_core::canon;
use runstone_core::canonical::CanonicalRun;
use runstone_core::input::RunInput;
use runstone_core::json::{Limits, ReadError, read_document, read_value};
use runstone_core::profile::{Direction, Profile};
use runstone_core::record::{Defaults, ProblemKind, Refused, RunRecord};
use serde_json::{Map, Value, json};

fn refused(text: &str) -> ReadError {
    read_document(text.as_bytes(), &Limits::default()).unwrap_err()
}

fn pointer(error: &ReadError) -> String {
    error.pointer().unwrap().to_string()
}

fn validate(document: &Value) -> Result<CanonicalRun, Refused> {
    let profile = Profile::builtin("generic").unwrap();
    let input = RunInput::from_document(document.as_object().unwrap().clone());
    let defaults = Defaults {
        experiment: "store".to_owned(),
    };
    RunRecord::validate(input, &profile, &defaults)
        .map(|record| CanonicalRun::of(record, &profile, None).unwrap())
}

/// A legal document with some members replaced.
fn with(members: &Value) -> Value {
    let mut document = json!({"run_id": "r", "stage": "train", "identity": {"data": "d"}});
    document
        .as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    document
}

fn problem(members: &Value) -> (ProblemKind, String) {
    let refused = validate(&with(members)).unwrap_err();
    let [problem] = refused.problems.as_slice() else {
        panic!("{:?}", refused.problems)
    };
    (problem.kind, problem.pointer.to_string())
}

#[test]
fn numbers_that_would_change_are_refused_with_their_pointer() {
    for (text, at) in [
        (r#"{"a": {"b/c": [1, 9007199254740993]}}"#, "/a/b~1c/1"),
        (r#"{"x": "9007199254740993", "y": 1e400}"#, "/y"),
        (r#"{"x": 0, "y~": -1e-400}"#, "/y~0"),
        (r#"{"m": {"auc": NaN}}"#, "/m/auc"),
        ("{\"m\": [1,\n -Infinity]}", "/m/1"),
        (r#"{"m": Infinity}"#, "/m"),
    ] {
        let error = refused(text);
        assert!(
            matches!(error, ReadError::Number { .. }),
            "{text}: {error:?}"
        );
        assert_eq!(pointer(&error), at, "{text}");
        assert!(
            error.hint().unwrap().contains("as text") || error.hint().unwrap().contains("the text")
        );
    }
}

#[test]
fn a_word_that_only_resembles_nan_is_a_syntax_error() {
    for text in [r#"{"m": NaNs}"#, r#"{"m": nan}"#, r#"{"NaN" 1}"#] {
        assert!(matches!(refused(text), ReadError::Syntax { .. }), "{text}");
    }
}

#[test]
fn duplicate_keys_are_refused_in_whatever_escape() {
    assert_eq!(pointer(&refused(r#"{"a": {"b": 1, "\u0062": 2}}"#)), "/a/b");
    assert!(matches!(
        refused(r#"{"a": 1, "a": 1}"#),
        ReadError::DuplicateKey { .. }
    ));
}

#[test]
fn nesting_is_accepted_to_64_and_refused_beyond() {
    let nested = |depth: usize| {
        format!(
            "{{\"a\":{}{}}}",
            "[".repeat(depth - 1),
            "]".repeat(depth - 1)
        )
    };
    assert!(read_document(nested(64).as_bytes(), &Limits::default()).is_ok());
    let error = refused(&nested(65));
    assert!(matches!(error, ReadError::TooDeep { depth_max: 64, .. }));
    assert!(pointer(&error).starts_with("/a/0/0"));
    assert!(matches!(
        refused(&"[".repeat(1_000_000)),
        ReadError::TooDeep { .. }
    ));
}

#[test]
fn bytes_that_are_no_document_say_what_they_are() {
    let read = |bytes: &[u8]| read_document(bytes, &Limits::default()).unwrap_err();
    assert!(matches!(read(b""), ReadError::Empty));
    assert!(matches!(read(b" \n\t"), ReadError::Empty));
    assert!(matches!(read(b"\xEF\xBB\xBF{}"), ReadError::ByteOrderMark));
    assert!(matches!(
        read(b"{\"a\": \"\xFF\"}"),
        ReadError::NotUtf8 { offset: 7, .. }
    ));
    assert!(matches!(
        read(b"[]"),
        ReadError::NotAnObject { found: "a list" }
    ));
    assert!(matches!(
        read(b"{} {}"),
        ReadError::TrailingData { line: 1, column: 4 }
    ));
    let limits = Limits {
        size_bytes_max: 4,
        ..Limits::default()
    };
    let error = read_document(b"{   }", &limits).unwrap_err();
    assert!(matches!(
        error,
        ReadError::TooLarge {
            size_bytes: 5,
            size_bytes_max: 4
        }
    ));
}

#[test]
fn syntax_errors_name_line_column_and_the_place_that_was_reached() {
    let error = refused("{\"a\": {\n  \"b\": [1, }\n}");
    let ReadError::Syntax {
        line,
        column,
        pointer,
        ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(
        (*line, *column, pointer.to_string().as_str()),
        (2, 12, "/a/b/1")
    );
    assert!(matches!(
        refused(r#"{"a": "\ud800"}"#),
        ReadError::Syntax { .. }
    ));
    assert!(matches!(refused(r#"{"a": 01}"#), ReadError::Syntax { .. }));
}

#[test]
fn what_is_wrong_with_a_text_is_told_with_a_hint_that_mends_it() {
    for (text, line_and_column, hint) in [
        ("{\"a\": \"b\nc\"}", Some((1, 8)), "as escapes"),
        ("{\"a\": \"b\u{1}c\"}", Some((1, 9)), "as escapes"),
        ("{\"a\": \"b\n", Some((1, 8)), "as escapes"),
        ("{\"a\": \"b", Some((1, 8)), "the whole of it"),
        ("{\"a\": \n", Some((1, 6)), "the whole of it"),
        ("{\"a\": 'b'}", Some((1, 7)), "double quotes"),
        ("[{}, {}]", None, "jq -c '.[]' FILE | runstone record -"),
        ("5", None, "`run_id` and `stage`"),
    ] {
        let error = refused(text);
        let hinted = error.hint().unwrap();
        assert!(hinted.contains(hint), "{text:?}: {hinted}");
        let place = match &error {
            ReadError::Syntax { line, column, .. } => Some((*line, *column)),
            _ => None,
        };
        assert_eq!(place, line_and_column, "{text:?}: {error}");
    }
}

#[test]
fn a_number_handed_in_from_memory_is_held_to_the_same_rule() {
    assert_eq!(
        problem(&json!({"factors": {"seed": 9_007_199_254_740_993_u64}})),
        (ProblemKind::NotExact, "/factors/seed".to_owned())
    );
    assert!(
        validate(&with(
            &json!({"factors": {"seed": 9_007_199_254_740_994_u64}})
        ))
        .is_ok()
    );
}

#[test]
fn fixed_fields_of_the_wrong_kind_are_refused_with_their_pointer() {
    use ProblemKind::{BadLength, Collision, NotATime, NotAllowed, NotWhole, WrongType};
    let twice = json!([{"path": "b"}, {"path": "a"}, {"path": "b"}]);
    for (members, kind, at) in [
        (json!({"run_id": 412}), WrongType, "/run_id"),
        (json!({"run_id": ""}), BadLength, "/run_id"),
        (json!({"run_id": "r".repeat(1025)}), BadLength, "/run_id"),
        (json!({"stage": ["train"]}), WrongType, "/stage"),
        (json!({"stage": "s".repeat(257)}), BadLength, "/stage"),
        (json!({"attempt": 1.5}), NotWhole, "/attempt"),
        (json!({"attempt": "0"}), NotWhole, "/attempt"),
        (json!({"attempt": -1}), NotAllowed, "/attempt"),
        (
            json!({"attempt": 4_294_967_296_u64}),
            NotAllowed,
            "/attempt",
        ),
        (json!({"status": "ok"}), NotAllowed, "/status"),
        (json!({"sweep": ""}), BadLength, "/sweep"),
        (json!({"sweep": "s".repeat(257)}), BadLength, "/sweep"),
        (json!({"candidate": "yes"}), WrongType, "/candidate"),
        (json!({"started_at": "yesterday"}), NotATime, "/started_at"),
        (
            json!({"finished_at": 1_700_000_000}),
            NotATime,
            "/finished_at",
        ),
        (json!({"identity": "churn"}), WrongType, "/identity"),
        (json!({"factors": ["lr"]}), WrongType, "/factors"),
        (json!({"metrics": [1]}), WrongType, "/metrics"),
        (
            json!({"metrics": {"a": {"b": 1}, "a.b": 2}}),
            Collision,
            "/metrics/a.b",
        ),
        (
            json!({"metrics": {"a": {"mean": 1, "values": ["x"]}}}),
            WrongType,
            "/metrics/a/values",
        ),
        (json!({"artifacts": {}}), WrongType, "/artifacts"),
        (
            json!({"artifacts": ["model.bin"]}),
            WrongType,
            "/artifacts/0",
        ),
        (json!({"artifacts": twice}), Collision, "/artifacts/2"),
        (
            json!({"environment": {"python": "3"}}),
            WrongType,
            "/environment",
        ),
        (
            json!({"identity": {"a": {"b": 1}, "a.b": 2}}),
            Collision,
            "/identity/a.b",
        ),
        (
            json!({"factors": {"caf\u{e9}": 1, "cafe\u{301}": 1}}),
            Collision,
            "/factors/caf\u{e9}",
        ),
    ] {
        let (found, pointer) = problem(&members);
        assert_eq!((found, pointer.as_str()), (kind, at), "{members}");
    }
}

#[test]
fn missing_and_null_are_told_apart_and_zero_empty_and_false_are_values() {
    let refused = validate(&json!({"run_id": null})).unwrap_err();
    assert_eq!(refused.to_string(), "missing `stage`; null `run_id`");
    let profile = "schema = 1\nname = \"p\"\nextends = \"generic\"\n[default]\n\
                   required = [\"run_id\", \"stage\", \"a\", \"b\", \"c\", \"d\"]\n";
    let profile = Profile::parse(profile, "p.toml", &|_| None).unwrap();
    let document = with(&json!({"a": 0, "b": "", "c": [], "d": false}));
    let input = RunInput::from_document(document.as_object().unwrap().clone());
    let defaults = Defaults {
        experiment: "store".to_owned(),
    };
    assert!(RunRecord::validate(input, &profile, &defaults).is_ok());
}

#[test]
fn a_misspelt_field_is_named_beside_the_one_it_was_meant_to_be() {
    let refused = validate(&json!({"run_id": "r", "stge": "train"})).unwrap_err();
    assert_eq!(refused.problems.len(), 1);
    assert!(
        refused.problems[0]
            .hint
            .as_deref()
            .unwrap()
            .contains("`/stge`")
    );
    let run = validate(&with(&json!({"experimnt": "churn"}))).unwrap();
    let warnings: Vec<String> = run.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["`/experimnt`: nothing reads it: is it meant to be `experiment`?"]
    );
}

#[test]
fn without_any_identity_the_answer_warns() {
    let run = validate(&json!({"run_id": "r", "stage": "train"})).unwrap();
    assert_eq!(
        run.warnings()[0].text,
        "comparable by experiment and stage alone; fields of `identity` narrow it"
    );
    assert!(validate(&with(&json!({}))).unwrap().warnings().is_empty());
    assert_eq!(run.cohort().groups["experiment"]["experiment"], "store");
}

#[test]
fn what_does_not_change_a_run_changes_neither_cohort_nor_content() {
    let plain = validate(&with(&json!({"metrics": {"auc": 0.5}}))).unwrap();
    for same in [
        json!({"attempt": 3, "started_at": "2026-01-01T00:00:00Z", "finished_at": null}),
        json!({"status": "finished", "candidate": false, "sweep": null}),
        json!({"experiment": "store"}),
        json!({"identity": {"data": "d", "rows": null}}),
        json!({"artifacts": [], "metrics": {"auc": 0.5, "f1": null}}),
        json!({"metrics": {"auc": 5e-1}}),
    ] {
        let mut members = json!({"metrics": {"auc": 0.5}});
        members
            .as_object_mut()
            .unwrap()
            .extend(same.as_object().unwrap().clone());
        let other = validate(&with(&members)).unwrap();
        assert_eq!(other.cohort(), plain.cohort(), "{same}");
        assert_eq!(other.content(), plain.content(), "{same}");
    }
    let changed = validate(&with(&json!({"metrics": {"auc": 0.6}}))).unwrap();
    assert_eq!(changed.cohort(), plain.cohort());
    assert_ne!(changed.content(), plain.content());
}

#[test]
fn empty_factors_are_no_factors() {
    let empty = validate(&with(&json!({"factors": {}}))).unwrap();
    let absent = validate(&with(&json!({}))).unwrap();
    assert_eq!(empty.settings_print(), absent.settings_print());
}

#[test]
fn a_null_is_not_the_text_none() {
    let null = validate(&with(&json!({"identity": {"data": "d", "tag": null}}))).unwrap();
    let none = validate(&with(&json!({"identity": {"data": "d", "tag": "None"}}))).unwrap();
    assert_ne!(null.cohort(), none.cohort());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |number| canon::number(number).map(Value::Number)),
        (-1000_i64..1000).prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,4}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Writes JSON with the members of every object in reverse order.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .rev()
                .map(|(key, item)| format!("{} :\n {}", Value::from(key.as_str()), reversed(item)))
                .collect();
            format!("{{ {} }}", members.join(" ,"))
        }
        Value::Array(items) => {
            format!(
                "[{}]",
                items.iter().map(reversed).collect::<Vec<_>>().join(",")
            )
        }
        leaf => leaf.to_string(),
    }
}

proptest! {
    #[test]
    fn canonical_bytes_ignore_key_order_and_round_trip(value in any_json()) {
        let read = |text: &str| read_value(text.as_bytes(), &Limits::default());
        // A whole number beyond 2^53 that is a binary64 may print as one that is not.
        if let Ok(again) = read(&reversed(&value)) {
            prop_assert_eq!(canon::bytes(&again), canon::bytes(&value));
        }
    }

    #[test]
    fn what_the_reader_accepts_is_json_in_its_one_form(
        text in "[\\[\\]{}:,\"a0-9eE.\\-+ NIntfy]{0,24}",
    ) {
        let strict = read_value(text.as_bytes(), &Limits::default());
        let lax = serde_json::from_str::<Value>(&text);
        match (strict, lax) {
            (Ok(value), Ok(lax)) => prop_assert_eq!(&canon::settle(lax), &value),
            (Ok(_), Err(error)) => prop_assert!(false, "accepted, though {}", error),
            (Err(error), Ok(_)) => prop_assert!(
                matches!(error, ReadError::Number { .. } | ReadError::DuplicateKey { .. }),
                "refused: {:?}", error
            ),
            (Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn whatever_stands_in_a_document_is_recorded_or_refused(
        members in prop::collection::btree_map("[a-c]|identity|factors|metrics", any_json(), 0..5),
    ) {
        let members: Map<String, Value> = members.into_iter().collect();
        let document = with(&Value::Object(members));
        if let Ok(run) = validate(&document) {
            let again = validate(&document).unwrap();
            prop_assert_eq!(run.content(), again.content());
            prop_assert_eq!(run.cohort(), again.cohort());
        }
    }
}

#[test]
fn what_would_pass_for_unchanged_without_being_looked_at_is_named() {
    let words_of_another_tool =
        json!({"params": {"lr": 0.1}, "dataset": "x", "metadata": {"a": 1}});
    let run = validate(&with(&words_of_another_tool)).unwrap();
    let warnings: Vec<String> = run.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "kept, never compared: `dataset`, `params` (profile `generic` gives no meaning to them; \
             it compares `identity.dataset` and `factors.params`)"
        ]
    );
    let text_for_a_number = json!({"metrics": {"auc": "0.9", "kind": "ROC-AUC"}});
    let run = validate(&with(&text_for_a_number)).unwrap();
    let warnings: Vec<String> = run.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["metric `auc` is the text `0.9`: kept as a label, never judged"]
    );
}

#[test]
fn a_deciding_metric_that_is_no_number_is_named() {
    let generic = Profile::builtin("generic").unwrap();
    let profile = generic.with_primary("auc", Direction::Higher).unwrap();
    let defaults = Defaults {
        experiment: "store".to_owned(),
    };
    let warnings = |metrics: Value| {
        let document = with(&json!({ "metrics": metrics }));
        let input = RunInput::from_document(document.as_object().unwrap().clone());
        let record = RunRecord::validate(input, &profile, &defaults).unwrap();
        let warnings = record.warnings().iter().map(ToString::to_string);
        warnings.collect::<Vec<_>>()
    };
    let named = "is text, a number is wanted: kept as a label, so it decides nothing";
    assert_eq!(
        warnings(json!({"auc": "high", "kind": "ROC-AUC"})),
        [format!("metric `auc` {named}")]
    );
    assert_eq!(
        warnings(json!({"auc": {"mean": "high", "note": "x"}})),
        [format!("metric `auc.mean` {named}")]
    );
    assert!(warnings(json!({"auc": "NaN", "kind": true})).is_empty());
}
