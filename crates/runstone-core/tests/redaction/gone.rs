//! Secrets are gone from every part of a snapshot, and nothing else is.

use proptest::prelude::*;
use runstone_core::canonical::{CanonicalRun, Captures};
use runstone_core::id::Attempt;
use runstone_core::snapshot::{Captured, Writer};
use serde_json::{Value, json};

use crate::support::*;

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
            "env": [{"name": "DB_PASSWORD", "value": PASSWORD}, {"key": "LANG", "value": "C"}, {"Name": "API_KEY", "Value": PASSWORD}],
            "curl": ["/usr/bin/curl", "-u", format!("ann:{PASSWORD}"), "https://h/x"], "n": [[{"k": secret}]]},
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
