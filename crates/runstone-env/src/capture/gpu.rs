//! The driver of graphics processors, as its kernel module tells.
//!
//! A machine without a driver is `absent`, which is no error. Which processors there are, and the
//! CUDA version of the driver, would take its library; what CUDA a program *uses* comes with its
//! packages.

use super::found::Found;
use crate::root::Root;

/// The modules of the two vendors, and their folders.
const DRIVERS: [(&str, &str); 2] = [
    ("nvidia", "sys/module/nvidia"),
    ("amdgpu", "sys/module/amdgpu"),
];

pub(super) fn read(root: &Root) -> Found {
    if !root.is_host() {
        return Found::skipped("another root has no driver of its own");
    }
    let mut found = Found::captured();
    for (driver, module) in DRIVERS {
        if let Some(version) = found.text(root, format!("{module}/version")) {
            found.fact(&format!("{driver}_driver"), version.trim());
        } else if root.has(module) {
            found.lacks(format!("{driver} is loaded and does not say its version"));
        }
    }
    if let Some(text) = found.text(root, "proc/driver/nvidia/version") {
        found.fact(
            "nvidia_module",
            text.lines().next().unwrap_or_default().trim(),
        );
    }
    if found.source.facts.is_empty() && found.warnings.is_empty() {
        return Found::absent();
    }
    found
}
