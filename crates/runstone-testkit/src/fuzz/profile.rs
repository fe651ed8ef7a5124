//! Profiles.

use runstone_core::profile::Profile;

/// A profile that is accepted is the same one when its resolved text is read, under the same
/// digest, and needs no other text for that.
///
/// # Panics
/// If that is not so.
pub fn profile(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let profile = match Profile::parse(text, "p.toml", &|_| None) {
        Ok(profile) => profile,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let again = Profile::parse(&profile.text, "p.toml", &|_| None);
    let again = again.expect("the resolved text of a profile is one");
    assert_eq!(again.sha256, profile.sha256);
    assert_eq!(again, profile);
    for stage in ["train", "TRAINING", " ", "ﬁt-µ"] {
        let spelled = profile.stage(stage).map(|(stage, _)| stage);
        if let Ok(stage) = spelled {
            let again = profile.stage(stage.as_str()).map(|(stage, _)| stage);
            assert_eq!(again, Ok(stage), "a stage in its own spelling is another");
        }
    }
}
