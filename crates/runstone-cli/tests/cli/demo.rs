//! `runstone demo`: what it shows came about by training and reading, and is told by every answer.

use serde_json::Value;

use crate::scene::Scene;

#[test]
fn upgrade_of_a_library_is_judged_told_and_suspected() {
    let scene = Scene::empty();
    let demo = scene.json(&["demo", "--keep", "demo-store", "--processes", "2"]);
    let changes = |diff: &Value| diff["environment"]["rows"].clone();
    let upgraded = &demo["upgraded"];
    assert_eq!(demo["runs"], upgraded["snapshot_seq"]);
    assert_eq!(upgraded["verdict"]["overall"], "regression");
    let rows = changes(&upgraded["diff"]);
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
    assert_eq!(rows[0]["key"], "python.demo-trees");
    assert_eq!(
        (&rows[0]["prev"], &rows[0]["curr"]),
        (&"1.4.2".into(), &"2.0.0".into())
    );
    // Where a setting was changed, the environment was not.
    assert_eq!(
        changes(&demo["record"]["diff"]),
        Value::from(Vec::<Value>::new())
    );
    let suspects = &demo["why"]["move"]["suspects"];
    assert_eq!(suspects[0]["key"], "environment.python.demo-trees");

    // The store that is kept says the same, though the machine is gone.
    let kept = |arguments: &[&str]| scene.json(&[arguments, &["--store", "demo-store"]].concat());
    assert_eq!(changes(&kept(&["diff"])), rows);
    assert_eq!(kept(&["why"])["move"]["suspects"], *suspects);
    assert_eq!(kept(&["verify"])["ok"], true);
}
