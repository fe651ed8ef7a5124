//! The filter language: which snapshots someone asks for.
//!
//! ```text
//! metrics.auc > 0.8 and factors.learning_rate <= 0.1 and stage = "train"
//!     and not status in ("failed", "interrupted")
//! ```
//!
//! ```text
//! or      = and { "or" and }
//! and     = not { "and" not }
//! not     = "not" not | test
//! test    = "(" or ")" | "has" path | path compare value | path [ "not" ] "in" "(" value { "," value } ")"
//! compare = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~"
//! value   = number | 'text' | "text" | true | false | null
//! path    = part { "." part }          part = letters, digits, `_`, `-`; anything else in backticks
//! ```
//!
//! Keywords are read in any case. In text a backslash stands before a quote or a backslash.
//!
//! **Absent values.** A test on a value that is absent is false, so `not` of it is true: of
//! `status = "failed"` and `not status = "failed"` exactly one holds for every row. `has` asks
//! whether there is a value; `null` is none.
//!
//! **Kinds.** A number never equals a text. `<` and its kin order numbers by size and texts by code
//! point (so times, which are UTC RFC 3339, order in time) and hold between nothing else. A metric
//! that is not a number is the text `"NaN"`, which is neither above nor below any number.
//! `~` matches a whole text without case, `*` being any text. Texts compare after NFC.
//!
//! **Lists.** A list, such as the tags of a snapshot, passes a test if one of its items does; `!=`
//! is the opposite of `=` here too: it holds if no item is equal.
//!
//! The invariant kept: no input panics, recurses without bound or is guessed at; a text that is not
//! a filter is refused at its column. Where a row finds its values belongs to the row.

mod eval;
mod lexer;
mod parse;
mod path;
mod write;

pub use self::eval::Row;
pub use self::parse::{Expr, QueryError, path_of};
