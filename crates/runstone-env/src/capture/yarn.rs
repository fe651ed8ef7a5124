//! yarn: the packages that were asked for globally, by yarn 1; later ones have none.
//!
//! They share one `node_modules` with all that came along, so that those count which the
//! `package.json` of the folder asks for. yarn copies what it installs: every link in the place of
//! a package is somebody's working folder.
//!
//! # Source
//! <https://classic.yarnpkg.com/en/docs/cli/global>; `user-dirs.js`, `user-home-dir.js` and `config.js`
//! of yarn 1.22 (`XDG_CONFIG_HOME` does not count).

use std::path::{Path, PathBuf};

use super::found::Found;
use super::settings::{Setting, expanded};
use super::{Options, node_modules};
use crate::root::Root;

/// The folder of the system's own user, whose packages are for everybody.
const SHARED: &str = "usr/local/share/.config/yarn/global";
/// Variables that name the folder.
const VARIABLES: [&str; 2] = ["YARN_GLOBAL_FOLDER", "yarn_global_folder"];
/// How files name the folder: as a setting, and as an option of the command line.
const SETTINGS: [Setting; 2] = [
    Setting {
        name: "global-folder",
        separator: ' ',
    },
    Setting {
        name: "--global-folder",
        separator: ' ',
    },
];

pub(super) fn read(root: &Root, options: &Options) -> Found {
    let mut found = Found::captured();
    let named = named(root, options, &mut found);
    let folders = named.map_or_else(|| usual(options), |folder| vec![folder]);
    let Some(folder) = folders.into_iter().find(|folder| root.has(folder)) else {
        return found.nowhere();
    };
    found.observe("folder", folder.to_string_lossy());
    let is_link = |_: &Path| true;
    node_modules::asked_for(root, &folder, &is_link, &mut found);
    found
}

/// Returns the folder that a variable or the user's file names. A path in the file begins where the
/// file is.
fn named(root: &Root, options: &Options, found: &mut Found) -> Option<PathBuf> {
    let mut variables = VARIABLES.iter().filter_map(|name| options.variable(name));
    if let Some(folder) = variables.next() {
        return Some(expanded(folder, options));
    }
    let home = options.home()?;
    let path = home.join(".yarnrc");
    let mut settings = SETTINGS.iter();
    let folder = settings.find_map(|setting| setting.read(root, &path, found))?;
    Some(home.join(folder))
}

/// Returns the folders that yarn has of itself: the user's, and that of the system's own user.
fn usual(options: &Options) -> Vec<PathBuf> {
    let data = options.variable("XDG_DATA_HOME");
    let users = match data {
        Some(data) => Some(Path::new(data).join("yarn/global")),
        None => options.home().map(|it| it.join(".config/yarn/global")),
    };
    users.into_iter().chain([PathBuf::from(SHARED)]).collect()
}
