//! The digest of a file, in one pass and little memory however large it is.

use std::fs::File;
use std::io::{self, Read as _};

use runstone::core::digest::Digest;
use sha2::{Digest as _, Sha256};

/// What is read at a time; chosen: larger pieces were no faster from the page cache.
const PIECE_BYTES: usize = 256 * 1024;

/// Returns the SHA-256 of everything from here to the end, and how many bytes that were.
pub(super) fn of_rest(file: &mut File) -> io::Result<(Digest, u64)> {
    let mut hasher = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut bytes = 0;
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => {
                hasher.update(&piece[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((Digest::from_bytes(hasher.finalize().into()), bytes))
}
