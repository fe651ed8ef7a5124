//! Redaction: secrets stay out of everything that is hashed, written or said.
//!
//! Stands between the normal form of a document and its digest. What is redacted is decided by the
//! profile ([`Redaction`]); the rules for well-known tokens, for credentials in addresses, and for
//! fields that are called like a secret are always among them. A secret is left out, masked, or
//! given a pseudonym ([`Mode`]); the snapshot lists where and by which rule ([`Redacted`]), never
//! what.
//!
//! ```text
//! builtin       the rules by name            text     a text and the secrets in it
//! token         tokens by their shape        walk     a value, place by place
//! secret_name   names that say it            mark     what stands where a secret stood
//! inline        both of them within a text   shape    a profile's own patterns
//! address       credentials in an address
//! place_name    home, user, host             pseudonym  the keyed hash
//! ```
//!
//! Reading the rules belongs to `profile`, keeping the key to the store.

mod address;
mod builtin;
mod conceal;
mod inline;
mod mark;
mod place_name;
mod places;
mod pseudonym;
mod rules;
mod secret_name;
mod shape;
mod text;
mod token;
mod walk;

pub use builtin::Builtin;
pub use mark::{MASK, is_mark};
pub use place_name::Names;
pub(crate) use places::{Anywhere, Change, Guard, Places};
pub use pseudonym::PseudonymKey;
pub use rules::{Mode, PathRule, Redacted, Redaction, ValueRule, What};
pub use shape::{BadShape, Shape};
pub use text::masked;
pub(crate) use walk::Walked;
