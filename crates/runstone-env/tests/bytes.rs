//! Any bytes in any file that is read are told, and stop nothing.
#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::path::Path;

use proptest::prelude::*;
use runstone_env::{Environment, Options, Root, capture, diff};
use tempfile::TempDir;

/// Files that are read, each with a source of its own or a part in one.
const FILES: [&str; 24] = [
    "etc/apk/world",
    "etc/apt/sources.list",
    "etc/apt/sources.list.d/a.sources",
    "etc/os-release",
    "home/.cargo/.crates2.json",
    "home/.config/yarn/global/node_modules/a/package.json",
    "home/.config/yarn/global/package.json",
    "home/.local/share/pnpm/global/5/node_modules/a/package.json",
    "home/.local/share/pnpm/global/5/package.json",
    "home/.npmrc",
    "home/.yarnrc",
    "lib/apk/db/installed",
    "usr/lib/node_modules/a/package.json",
    "var/lib/apt/extended_states",
    "var/lib/apt/lists/a_InRelease",
    "var/lib/dpkg/arch",
    "var/lib/dpkg/status",
    "var/lib/dpkg/updates/0001",
    "var/lib/pacman/local/a-1/desc",
    "venv/conda-meta/a.json",
    "venv/pyvenv.cfg",
    "venv/lib/python3.12/site-packages/a-1.dist-info/METADATA",
    "venv/lib/python3.12/site-packages/a-1.dist-info/direct_url.json",
    "venv/lib/python3.12/site-packages/a.pth",
];

/// What such files are made of.
static PARTS: [&[u8]; 29] = [
    b"\n",
    b"\n\n",
    b" ",
    b":",
    b"=",
    b"\xff",
    b"\0",
    b"{",
    b"}",
    b"\"",
    b",",
    b"Package: a\n",
    b"Version: 1\n",
    b"Status: install ok installed\n",
    b"Architecture: amd64\n",
    b"Name: a\n",
    b"P:a\n",
    b"V:1\n",
    b"%NAME%\na\n",
    b"%VERSION%\n1\n",
    b"version = 3.12\n",
    b"\"name\": \"a\"",
    b"\"version\": \"1\"",
    b"\"installs\": {}",
    b"{\"dependencies\": {\"a\": \"1\"}}",
    b"\"url\": \"https://a:b@c\"",
    b"../../../..",
    b"Auto-Installed: 1\n",
    b"ID=a\n",
];

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let part = proptest::sample::select(&PARTS[..]);
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

#[expect(clippy::disallowed_methods, reason = "a fixture needs no flush")]
fn put(root: &Path, file: &str, bytes: &[u8]) {
    let path = root.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_captured_as_something(
        contents in proptest::collection::vec(any_bytes(), FILES.len()),
    ) {
        let folder = TempDir::new().unwrap();
        for (file, bytes) in FILES.iter().zip(&contents) {
            put(folder.path(), file, bytes);
        }
        put(folder.path(), "venv/bin/python", b"a binary");
        let variables = [
            ("CONDA_PREFIX", "/venv"), ("HOME", "/home"), ("VIRTUAL_ENV", "/venv"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let options = Options { variables: variables.into(), ..Options::default() };
        let root = Root::at(folder.path()).unwrap();
        let first = capture(&root, &options);
        let second = capture(&root, &options);
        prop_assert_eq!(&first.digests, &second.digests);
        let json = first.environment.to_json();
        prop_assert_eq!(&Environment::from_json(&json).unwrap(), &first.environment);
        prop_assert_eq!(diff(&first.environment, &second.environment).rows, Vec::new());
    }
}
