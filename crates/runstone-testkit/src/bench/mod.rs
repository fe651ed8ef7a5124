//! What benches share: the bare protocol that figures stand beside, and the document they are
//! measured with.
//!
//! Two programs that print ratios must mean the same by them, so the floor and the document are
//! here once. Timing, quantiles and tables are left to each.

mod document;
mod floor;

pub use document::document;
pub use floor::{Floor, entry_bytes};
