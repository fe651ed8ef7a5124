//! Damage, done on purpose.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Changes one bit in the middle of a file, also of one that nobody may write.
///
/// # Panics
/// If the file cannot be read or written, or is empty.
pub fn flip_a_bit(path: &Path) {
    let writable = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(path, writable).expect("a file of a test can be made writable");
    let mut bytes = std::fs::read(path).expect("a file of a test can be read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    #[expect(clippy::disallowed_methods, reason = "damage is done on purpose")]
    std::fs::write(path, bytes).expect("a file of a test can be written");
}
