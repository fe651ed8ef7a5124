//! The kernel this program runs under, which belongs to no folder.

use super::found::Found;
use crate::root::Root;

pub(super) fn read(root: &Root) -> Found {
    if !root.is_host() {
        return Found::skipped("another root has no kernel of its own");
    }
    let name = rustix::system::uname();
    let mut found = Found::captured();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    found.fact("system", text(name.sysname()));
    found.fact("release", text(name.release()));
    found.fact("machine", text(name.machine()));
    found
}
