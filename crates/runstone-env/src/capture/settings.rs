//! Settings of npm and its likes: files of lines, each a name and a value.
//!
//! Which files there are, in which order they count and what stands between name and value belongs
//! to whoever reads them. Of variables in a value only the home directory is put in its place.

use std::path::{Path, PathBuf};

use super::Options;
use super::found::Found;
use crate::root::Root;

/// A setting, as a kind of files writes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    /// What stands between name and value.
    pub(super) separator: char,
}

impl Setting {
    /// Returns its value in a file, in which the last line counts.
    pub(super) fn read(self, root: &Root, path: &Path, found: &mut Found) -> Option<String> {
        let text = found.text(root, path)?;
        self.value(&text).map(ToOwned::to_owned)
    }

    fn value(self, text: &str) -> Option<&str> {
        let mut lines = text
            .lines()
            .rev()
            .filter_map(|line| line.trim().split_once(self.separator));
        let (_, value) = lines.find(|(name, _)| name.trim() == self.name)?;
        let value = value.trim().trim_matches(['"', '\'']);
        (!value.is_empty()).then_some(value)
    }
}

/// Puts the home directory where npm would.
pub(super) fn expanded(path: &str, options: &Options) -> PathBuf {
    let home = options.home();
    for beginning in ["~/", "${HOME}/", "$HOME/"] {
        if let (Some(rest), Some(home)) = (path.strip_prefix(beginning), home) {
            return home.join(rest);
        }
    }
    PathBuf::from(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_line_of_a_name_counts() {
        let value = |name, separator, text| Setting { name, separator }.value(text);
        let text = "; prefix=/no\nprefix = /a\nprefix=\"/b c\"\nprefixes=/d\n";
        assert_eq!(value("prefix", '=', text), Some("/b c"));
        assert_eq!(
            value("global-folder", ' ', "global-folder \"/x\"\n"),
            Some("/x")
        );
        assert_eq!(value("globalDir", ':', "globalDir: '/x'\n"), Some("/x"));
        assert_eq!(value("prefix", '=', "prefix=\n"), None);
    }
}
