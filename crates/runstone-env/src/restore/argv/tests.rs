//! Words that a manager would take for something else.

use super::*;
use crate::document::{Environment, Package, Source};
use crate::names::{SourceName, State};
use crate::restore::{Policy, Side, plan};

#[test]
fn version_whose_end_looks_like_an_order_is_told_apart() {
    let with = |packages: Vec<Package>| {
        let mut environment = Environment::default();
        let mut dpkg = Source::without_facts(State::Captured);
        dpkg.facts.insert("native_arch".to_owned(), "amd64".into());
        dpkg.packages = packages;
        environment.sources.insert(SourceName::Dpkg, dpkg);
        let mut os = Source::without_facts(State::Captured);
        let release = serde_json::json!({ "id": "debian", "version_id": "12" });
        os.facts.insert("release".to_owned(), release);
        environment.sources.insert(SourceName::Os, os);
        environment
    };
    let target = with(vec![Package::new("aa", "1.0+"), Package::new("g++", "1.0")]);
    let current = with(Vec::new());
    let only = Policy {
        only: [Manager::Apt].into(),
        ..Policy::default()
    };
    let plan = plan(&Side::of(&current), &Side::of(&target), &only).unwrap();
    let lines = acting(&plan, Manager::Apt, &Means::default());
    let words = lines[0].words();
    assert_eq!(
        words[words.len() - 2..],
        ["aa:amd64=1.0++", "g++:amd64=1.0"]
    );
}
