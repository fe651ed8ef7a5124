//! pnpm: the packages that were asked for globally, in the newest layout that has any.
//!
//! Below `global` each layout has a folder: `5`, which is one folder of packages (until pnpm 10),
//! and `v11`, in which each group of packages that was installed together has one, to which a link
//! leads (pnpm 11 and 12). A later number is read as `v11` is. Where several are there the newest
//! that holds anything counts, as it does for the newest pnpm.
//!
//! The invariant: `link` marks somebody's working folder and nothing else. A package is a link
//! anyway, into a store of pnpm's; it is marked if it was asked for as one (`link:`), or leads out
//! of the folder of pnpm and into no store.
//!
//! # Source
//! <https://pnpm.io/global-packages>, <https://pnpm.io/settings/other> (`globalDir`); `LAYOUT_VERSION`
//! and `GLOBAL_LAYOUT_VERSION` of pnpm.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::found::Found;
use super::settings::{Setting, expanded};
use super::{Options, node_modules};
use crate::root::{Kind, Root};

/// The first layout in which each group of packages has a folder of its own.
const APART: u32 = 11;
/// Folders of a store, below which each package has a `node_modules` of its own: beside the
/// packages of one folder, and for all.
const STORES: [&str; 2] = [".pnpm", "links"];
/// Variables that name the folder of layouts, by the names that releases before 11 and since have.
const VARIABLES: [&str; 4] = [
    "pnpm_config_global_dir",
    "PNPM_CONFIG_GLOBAL_DIR",
    "npm_config_global_dir",
    "NPM_CONFIG_GLOBAL_DIR",
];

/// Where layouts are.
#[derive(Debug)]
struct Place {
    /// The folder of layouts.
    global: PathBuf,
    /// The folder of pnpm, in which its store is as well, unless that was put elsewhere.
    pnpm: PathBuf,
}

pub(super) fn read(root: &Root, options: &Options) -> Found {
    let mut found = Found::captured();
    let place = place(root, options, &mut found);
    let layouts = place
        .as_ref()
        .and_then(|it| layouts(root, &it.global, &mut found));
    let (Some(place), Some(layouts)) = (place, layouts) else {
        return found.nowhere();
    };
    let mut groups: Vec<PathBuf> = Vec::new();
    for (number, folder) in layouts {
        // The newest is named where none holds anything.
        if groups.is_empty() {
            groups = self::groups(root, number, &folder, &mut found);
            if !groups.is_empty() || !found.observed.contains_key("folder") {
                found.observe("folder", folder.to_string_lossy());
            }
        }
    }
    let leads_away = |target: &Path| leads_away(target, &place.pnpm);
    for group in groups {
        node_modules::asked_for(root, &group, &leads_away, &mut found);
    }
    found
}

/// Returns where pnpm would have its layouts: by variable, by the user's files, beside its
/// programs.
fn place(root: &Root, options: &Options, found: &mut Found) -> Option<Place> {
    if let Some(global) = named(root, options, found) {
        return Some(Place {
            pnpm: global.clone(),
            global,
        });
    }
    let home = options.variable("PNPM_HOME").map(PathBuf::from);
    let data = || Some(data_folder(options)?.join("pnpm"));
    let pnpm = home.or_else(data)?;
    Some(Place {
        global: pnpm.join("global"),
        pnpm,
    })
}

fn data_folder(options: &Options) -> Option<PathBuf> {
    let named = options.variable("XDG_DATA_HOME").map(PathBuf::from);
    named.or_else(|| Some(options.home()?.join(".local/share")))
}

/// Returns the folder of layouts that a setting names.
fn named(root: &Root, options: &Options, found: &mut Found) -> Option<PathBuf> {
    let mut variables = VARIABLES.iter().filter_map(|name| options.variable(name));
    if let Some(global) = variables.next() {
        return Some(expanded(global, options));
    }
    let settings = options.variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let settings = settings.or_else(|| Some(options.home()?.join(".config")));
    let settings = settings.map(|it| it.join("pnpm"));
    let lines = Setting {
        name: "global-dir",
        separator: '=',
    };
    let yaml = Setting {
        name: "globalDir",
        separator: ':',
    };
    let files = [
        (options.home().map(|it| it.join(".npmrc")), lines),
        (settings.as_ref().map(|it| it.join("rc")), lines),
        (settings.as_ref().map(|it| it.join("config.yaml")), yaml),
    ];
    files.into_iter().find_map(|(path, setting)| {
        let global = setting.read(root, &path?, found)?;
        Some(expanded(&global, options))
    })
}

/// Returns the layouts that are there, the newest first. `None`: there is none.
fn layouts(root: &Root, global: &Path, found: &mut Found) -> Option<Vec<(u32, PathBuf)>> {
    let entries = found.names(root, global)?.into_iter();
    let entries = entries.filter(|it| matches!(it.kind, Kind::Folder | Kind::Link));
    let mut layouts: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let number = entry.name.strip_prefix('v').unwrap_or(&entry.name);
            Some((number.parse().ok()?, global.join(&entry.name)))
        })
        .collect();
    layouts.sort_by(|left, right| right.cmp(left));
    (!layouts.is_empty()).then_some(layouts)
}

/// Returns the folders of a layout in which packages were asked for.
fn groups(root: &Root, number: u32, folder: &Path, found: &mut Found) -> Vec<PathBuf> {
    let groups: Vec<PathBuf> = if number < APART {
        vec![folder.to_owned()]
    } else {
        // The folders themselves are there before they count, and after.
        let entries = found.names(root, folder).unwrap_or_default().into_iter();
        let links = entries.filter(|it| it.kind == Kind::Link);
        links.map(|it| folder.join(it.name)).collect()
    };
    let groups = groups.into_iter();
    groups.filter(|it| node_modules::is_one(root, it)).collect()
}

/// Tells whether a link leads out of the folder of pnpm, and into no store that was put elsewhere.
fn leads_away(target: &Path, pnpm: &Path) -> bool {
    let (target, pnpm) = (plain(target), plain(pnpm));
    let is_store = |name: &OsStr| STORES.iter().any(|it| name == *it);
    let store = target.iter().position(|name| is_store(name));
    let below = target.iter().skip(store.unwrap_or(target.len()));
    let is_stored = below.copied().any(|name| name == node_modules::FOLDER);
    !target.starts_with(&pnpm) && !is_stored
}

/// Returns the names of a path as they lead, from the root on.
fn plain(path: &Path) -> Vec<&OsStr> {
    let mut names = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => names.push(name),
            Component::ParentDir => {
                names.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_into_a_store_is_pnpms_own_and_every_other_leads_away() {
        let pnpm = Path::new("/home/ann/.local/share/pnpm");
        let from = |link: &str| pnpm.join("global/5/node_modules").join(link);
        for own in [
            ".pnpm/cowsay@1.6.0/node_modules/cowsay",
            "../../../store/v11/links/@/cowsay/1.6.0/00ff/node_modules/cowsay",
            "/mnt/store/v11/links/@/cowsay/1.6.0/00ff/node_modules/cowsay",
            "../5/.pnpm/cowsay@1.6.0/node_modules/cowsay",
        ] {
            assert!(!leads_away(&from(own), pnpm), "{own}");
        }
        for away in [
            "/srv/work/cowsay",
            "../../../../../../../srv/work/cowsay",
            "/srv/links/cowsay",
            "/usr/lib/node_modules/cowsay",
        ] {
            assert!(leads_away(&from(away), pnpm), "{away}");
        }
    }
}
