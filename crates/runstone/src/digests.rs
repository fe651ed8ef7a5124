//! One digest, two types: the core and the store are strangers and each has its own.

use runstone_core::digest::Digest;
use runstone_store::Hash256;

/// The same digest in the store's type.
pub(crate) fn to_hash(digest: &Digest) -> Hash256 {
    Hash256::from_bytes(*digest.as_bytes())
}

/// The same digest in the core's type.
pub(crate) fn to_digest(hash: &Hash256) -> Digest {
    Digest::from_bytes(*hash.as_bytes())
}
