//! Which names, versions and addresses are what they say, by the rules of their ecosystem.
//!
//! The invariant: what passes holds no blank, no quote, no control character and nothing that a
//! shell or a list would take for its own, and begins with no hyphen.

/// Tells whether a name is one of Python's distributions (PEP 508).
pub(crate) fn is_python_name(name: &str) -> bool {
    let is_end = |byte: Option<u8>| byte.is_some_and(|it| it.is_ascii_alphanumeric());
    let bytes = name.as_bytes();
    is_end(bytes.first().copied())
        && is_end(bytes.last().copied())
        && all(name, |byte| b"._-".contains(&byte))
}

/// Returns a name of Python's in its one form: lower case, and one hyphen for each run of `-`, `_`,
/// `.` (PEP 503).
pub(crate) fn python_name(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for character in name.chars() {
        if matches!(character, '-' | '_' | '.') {
            if !normal.ends_with('-') {
                normal.push('-');
            }
        } else {
            normal.extend(character.to_lowercase());
        }
    }
    normal
}

/// Tells whether a version is one of Python's (PEP 440).
pub(crate) fn is_python_version(version: &str) -> bool {
    all(version, |byte| b"._-+!".contains(&byte))
        && !version.starts_with('-')
        && version.parse::<pep440_rs::Version>().is_ok()
}

/// Tells whether a name is one of Debian's (`deb-control(5)`, policy 5.6.1).
pub(crate) fn is_debian_name(name: &str) -> bool {
    let is_start = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    name.len() >= 2
        && name.bytes().next().is_some_and(is_start)
        && name.bytes().all(|it| is_start(it) || b"+-.".contains(&it))
}

/// Tells whether a version is one of Debian's (`deb-version(7)`).
pub(crate) fn is_debian_version(version: &str) -> bool {
    let starts = version.bytes().next().is_some_and(|it| it.is_ascii_digit());
    starts && all(version, |byte| b".+-~:".contains(&byte))
}

/// Tells whether a word is an architecture of Debian.
pub(crate) fn is_debian_arch(arch: &str) -> bool {
    let is_start = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    arch.bytes().next().is_some_and(is_start) && arch.bytes().all(|it| is_start(it) || it == b'-')
}

/// Tells whether a name is one of npm's packages, with or without a scope.
pub(crate) fn is_npm_name(name: &str) -> bool {
    let is_part = |part: &str| {
        let first = part.bytes().next();
        first.is_some_and(|it| it.is_ascii_alphanumeric()) && all(part, |it| b"._-".contains(&it))
    };
    // The registry takes none that is longer.
    let is_short = name.len() <= 214;
    is_short
        && match name.strip_prefix('@') {
            Some(scoped) => scoped
                .split_once('/')
                .is_some_and(|(scope, name)| is_part(scope) && is_part(name)),
            None => is_part(name),
        }
}

/// Tells whether a version is one of npm's: strict semantic versioning, and no range or tag.
pub(crate) fn is_npm_version(version: &str) -> bool {
    all(version, |byte| b".-+".contains(&byte)) && semver::Version::parse(version).is_ok()
}

/// Tells whether a name is one of conda's packages.
pub(crate) fn is_conda_name(name: &str) -> bool {
    let is_start = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
    name.bytes().next().is_some_and(is_start)
        && name.bytes().all(|it| is_start(it) || b"-.".contains(&it))
        && !is_conda_archive(name)
}

/// Tells whether a version is one of conda's, and no pattern of some.
pub(crate) fn is_conda_version(version: &str) -> bool {
    all(version, |byte| b"._+!".contains(&byte)) && crate::order::is_conda_version(version)
}

/// Tells whether a build is one of conda's, and no pattern of some.
pub(crate) fn is_conda_build(build: &str) -> bool {
    all(build, |byte| b"._".contains(&byte)) && !is_conda_archive(build)
}

/// Tells whether conda would take a word for the path of an archive.
fn is_conda_archive(word: &str) -> bool {
    [".conda", ".tar.bz2"].iter().any(|it| word.ends_with(it))
}

/// Tells whether a text is the number of a release: `12`, `22.04`.
pub(crate) fn is_release(release: &str) -> bool {
    let mut parts = release.split('.');
    parts.all(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Tells whether a name is one of an environment variable.
pub(crate) fn is_variable(name: &str) -> bool {
    let is_start = |it: u8| it.is_ascii_alphabetic() || it == b'_';
    name.bytes().next().is_some_and(is_start) && all(name, |byte| byte == b'_')
}

/// Tells whether an address has one of the schemes, and nothing in it that a list takes for its
/// own: pip puts variables in the places of `${NAME}`.
pub(crate) fn is_address(address: &str, schemes: &[&str]) -> bool {
    let scheme = address.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|it| schemes.contains(&it))
        && all(address, |byte| b":/._~%+@-=&?".contains(&byte))
}

/// Tells whether a path leads down, plainly.
pub(crate) fn is_path_below(path: &str) -> bool {
    let mut parts = path.split('/');
    parts.all(|part| !matches!(part, "" | "." | "..") && !part.starts_with('-'))
        && all(path, |byte| b"/._-".contains(&byte))
}

/// Tells whether a text is a number of hex digits of one of the lengths.
pub(crate) fn is_hex(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    let is_digit = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
    lengths.contains(&text.len()) && text.bytes().all(is_digit)
}

fn all(text: &str, is_mark: impl Fn(u8) -> bool) -> bool {
    let is_legal = |it: u8| it.is_ascii_alphanumeric() || is_mark(it);
    !text.is_empty() && text.bytes().all(is_legal)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_names_and_versions_pass() {
        for name in ["numpy", "zope.interface", "A", "ruamel-yaml_clib", "7zip"] {
            assert!(is_python_name(name), "{name}");
        }
        for version in ["2.1.0", "2.4.0+cu121", "1!2.0rc1.post3.dev4", "2024.1"] {
            assert!(is_python_version(version), "{version}");
        }
        for name in ["libc6", "g++", "libstdc++6", "python3.11", "0ad"] {
            assert!(is_debian_name(name), "{name}");
        }
        for version in ["2:1.0~rc1-1", "2.36-9+deb12u9", "5"] {
            assert!(is_debian_version(version), "{version}");
        }
        for name in ["npm", "@scope/name", "lodash.merge", "JSONStream", "a-b_c"] {
            assert!(is_npm_name(name), "{name}");
        }
        for version in ["1.2.3", "1.0.0-rc.1+build.5"] {
            assert!(is_npm_version(version), "{version}");
        }
        let schemes = &["https", "file"];
        assert!(is_address("https://host:8443/a%20b/c-1.whl", schemes));
        assert!(is_address("file:///srv/project", schemes));
    }

    #[test]
    fn names_are_normalised_as_the_index_does() {
        for name in [
            "Friendly-Bard",
            "friendly.bard",
            "FRIENDLY_BARD",
            "friendly--bard",
            "FrIeNdLy-._.-bArD",
        ] {
            assert_eq!(python_name(name), "friendly-bard");
        }
    }

    #[test]
    fn hostile_names_and_versions_do_not() {
        let hostile = [
            "",
            "-rf",
            "--index-url=https://x",
            "a b",
            "a\nb",
            "a;b",
            "a\\",
            "${HOME}",
            "a'b",
            "a\"b",
            "$(id)",
            "`id`",
            "a#b",
            "\u{202e}a",
            "é",
            "a,b",
            "a|b",
            "a>b",
        ];
        for text in hostile {
            assert!(!is_python_name(text), "{text:?}");
            assert!(!is_python_version(text), "{text:?}");
            assert!(!is_debian_name(text), "{text:?}");
            assert!(!is_debian_version(text), "{text:?}");
            assert!(!is_debian_arch(text), "{text:?}");
            assert!(!is_npm_name(text), "{text:?}");
            assert!(!is_npm_version(text), "{text:?}");
            assert!(
                !is_address(&format!("https://host/{text} x"), &["https"]),
                "{text:?}"
            );
        }
        for address in [
            "https://h/${TOKEN}",
            "https://h/a#egg=b",
            "javascript:x",
            "ssh://h/x y",
        ] {
            assert!(!is_address(address, &["https", "ssh"]), "{address}");
        }
        for name in [
            "@", "@/x", "@a", "@a/b/c", ".hidden", "_x", "../x", "npm:x", "a@1", "@-a/b",
        ] {
            assert!(!is_npm_name(name), "{name}");
        }
        for version in [
            "1",
            "1.2",
            "^1.2.3",
            "latest",
            "v1.2.3",
            "01.2.3",
            "1.2.3 || 2",
        ] {
            assert!(!is_npm_version(version), "{version}");
        }
        for path in ["../x", "a/../b", "/etc", "-x", "a//b", ""] {
            assert!(!is_path_below(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_is_one_plain_word(text in "[ -~\n\t]{0,12}") {
            let is_legal = is_python_name(&text) || is_python_version(&text)
                || is_debian_name(&text) || is_debian_version(&text) || is_debian_arch(&text);
            let is_plain = text.bytes().all(|it| {
                it.is_ascii_alphanumeric() || b"._-+!~:".contains(&it)
            });
            prop_assert!(!is_legal || (is_plain && !text.starts_with('-')));
        }
    }
}
