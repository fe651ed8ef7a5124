//! Environment modules: on a cluster, these are the environment.

use super::Options;
use super::found::Found;
use crate::document::Package;
use crate::root::Root;

pub(super) fn read(root: &Root, options: &Options) -> Found {
    if !root.is_host() {
        return Found::skipped("another root has no session");
    }
    let Some(loaded) = options.variable("LOADEDMODULES") else {
        return Found::absent();
    };
    let mut found = Found::captured();
    let modules: Vec<&str> = loaded.split(':').filter(|it| !it.is_empty()).collect();
    for module in &modules {
        // A version is what stands behind the last slash; a module without one is all name.
        let (name, version) = module.rsplit_once('/').unwrap_or((module, ""));
        found.package(Package::new(name, version));
    }
    // The later one wins where two set the same variable.
    found.fact("order", modules);
    if let Some(files) = options.variable("_LMFILES_") {
        let files: Vec<&str> = files.split(':').filter(|it| !it.is_empty()).collect();
        found.fact("files", files);
    }
    found
}
