//! The variables with which managers are started.
//!
//! An index, a proxy or a certificate is the user's own, and without it nothing would be found;
//! any other variable may change what is installed or run code (`PIP_TARGET`, `PYTHONPATH`,
//! `NODE_OPTIONS`, `LD_PRELOAD`), so it stays behind. Working folders are left as well, since
//! managers look for settings there.

use std::collections::BTreeMap;
use std::path::Path;

/// Names that pass, in upper case; the same in lower case pass as well.
const PASSING: [&str; 75] = [
    "ALL_PROXY",
    "CONDARC",
    "CONDA_CHANNELS",
    "CONDA_CHANNEL_ALIAS",
    "CONDA_CHANNEL_PRIORITY",
    "CONDA_CLIENT_SSL_CERT",
    "CONDA_CLIENT_SSL_CERT_KEY",
    "CONDA_DEFAULT_CHANNELS",
    "CONDA_OFFLINE",
    "CONDA_OVERRIDE_ARCHSPEC",
    "CONDA_OVERRIDE_CUDA",
    "CONDA_OVERRIDE_GLIBC",
    "CONDA_OVERRIDE_LINUX",
    "CONDA_PKGS_DIRS",
    "CONDA_PREFIX",
    "CONDA_SOLVER",
    "CONDA_SSL_VERIFY",
    "CONDA_SUBDIR",
    "CURL_CA_BUNDLE",
    "FTP_PROXY",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LOGNAME",
    "NETRC",
    "NODE_EXTRA_CA_CERTS",
    "NO_PROXY",
    "NPM_CONFIG_CA",
    "NPM_CONFIG_CACHE",
    "NPM_CONFIG_CAFILE",
    "NPM_CONFIG_GLOBALCONFIG",
    "NPM_CONFIG_HTTPS_PROXY",
    "NPM_CONFIG_NOPROXY",
    "NPM_CONFIG_OFFLINE",
    "NPM_CONFIG_PROXY",
    "NPM_CONFIG_REGISTRY",
    "NPM_CONFIG_STRICT_SSL",
    "NPM_CONFIG_USERCONFIG",
    "PATH",
    "PIP_CACHE_DIR",
    "PIP_CERT",
    "PIP_CLIENT_CERT",
    "PIP_CONFIG_FILE",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "PIP_NO_INDEX",
    "PIP_PROXY",
    "PIP_TRUSTED_HOST",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "USER",
    "UV_CACHE_DIR",
    "UV_CONFIG_FILE",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_INDEX",
    "UV_INDEX_STRATEGY",
    "UV_INDEX_URL",
    "UV_INSECURE_HOST",
    "UV_KEYRING_PROVIDER",
    "UV_NATIVE_TLS",
    "UV_NO_CACHE",
    "UV_NO_INDEX",
    "UV_OFFLINE",
    "UV_SYSTEM_CERTS",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
];

/// What is set for every manager: words that are the same everywhere, and no question.
const SET: [(&str, &str); 4] = [
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("LC_ALL", "C.UTF-8"),
    ("NO_COLOR", "1"),
    ("TERM", "dumb"),
];

/// Where programs are when nobody set `PATH`, as POSIX systems have it.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The variables with which managers are started.
#[derive(Debug, Clone)]
pub(crate) struct Session(BTreeMap<String, String>);

impl Session {
    /// Takes what passes of the caller's variables.
    pub(crate) fn of(variables: &BTreeMap<String, String>) -> Self {
        let mut passing: BTreeMap<String, String> = variables
            .iter()
            .filter(|(name, value)| passes(name) && (!value.is_empty() || says_none(name)))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        passing
            .entry("PATH".to_owned())
            .or_insert_with(|| DEFAULT_PATH.to_owned());
        for (name, value) in SET {
            passing.insert(name.to_owned(), value.to_owned());
        }
        Self(passing)
    }

    /// Returns all of them.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the folder for what is gone soon.
    pub(crate) fn temporary_folder(&self) -> &Path {
        let named = self.0.get("TMPDIR").map(Path::new);
        named
            .filter(|it| it.is_absolute())
            .unwrap_or(Path::new("/tmp"))
    }

    /// Returns the folders in which programs are looked for.
    pub(super) fn folders(&self) -> impl Iterator<Item = &str> {
        let path = self.0.get("PATH").map_or(DEFAULT_PATH, String::as_str);
        // What is relative would be whatever stands in the folder somebody happens to be in.
        path.split(':').filter(|folder| folder.starts_with('/'))
    }
}

/// Tells whether a variable passes. Indexes of uv have credentials under names of their own.
fn passes(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let is_lower = name == upper.to_ascii_lowercase();
    let is_of_an_index = name.starts_with("UV_INDEX_")
        && (name.ends_with("_USERNAME") || name.ends_with("_PASSWORD"));
    is_of_an_index || ((name == upper || is_lower) && PASSING.contains(&upper.as_str()))
}

/// Tells whether a variable without a value says something: that the machine has none of it.
fn says_none(name: &str) -> bool {
    name.starts_with("CONDA_OVERRIDE_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_and_certificates_pass_and_nothing_that_runs_code() {
        let variables = [
            ("PIP_INDEX_URL", "https://index"),
            ("https_proxy", "http://proxy"),
            ("npm_config_registry", "https://registry"),
            ("UV_INDEX_MINE_PASSWORD", "x"),
            ("CONDA_OVERRIDE_CUDA", ""),
            ("CONDA_CHANNELS", ""),
            ("PYTHONPATH", "/evil"),
            ("PIP_TARGET", "/evil"),
            ("PIP_NO_BINARY", ":all:"),
            ("NODE_OPTIONS", "--require /evil"),
            ("LD_PRELOAD", "/evil.so"),
            ("npm_config_ignore_scripts", "false"),
            ("UV_BREAK_SYSTEM_PACKAGES", "1"),
            ("BASH_ENV", "/evil"),
            ("APT_CONFIG", "/evil"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let session = Session::of(&variables.into());
        let names: Vec<&str> = session.variables().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            [
                "CONDA_OVERRIDE_CUDA",
                "DEBIAN_FRONTEND",
                "LC_ALL",
                "NO_COLOR",
                "PATH",
                "PIP_INDEX_URL",
                "TERM",
                "UV_INDEX_MINE_PASSWORD",
                "https_proxy",
                "npm_config_registry",
            ]
        );
    }

    #[test]
    fn names_stand_once_and_in_order() {
        assert!(PASSING.is_sorted());
    }

    #[test]
    fn programs_are_looked_for_in_no_folder_that_moves_along() {
        let path = ("PATH".to_owned(), ".:/usr/bin::bin:/bin".to_owned());
        let session = Session::of(&[path].into());
        assert_eq!(session.folders().collect::<Vec<_>>(), ["/usr/bin", "/bin"]);
    }
}
