//! The verbs of Runstone: open a ledger, record a run, find it again, and say what changed.
//!
//! [`Ledger`] joins the two strangers below it: `runstone-core` knows what a run means and touches
//! nothing outside; `runstone-store` keeps bytes and knows no run. A face (the command line, later
//! HTTP and Python) depends on this crate alone and only translates.
//!
//! ```no_run
//! use runstone::core::input::RunInput;
//! use runstone::{Ledger, RecordRequest, init::InitRequest};
//!
//! # fn main() -> Result<(), runstone::Error> {
//! runstone::init::init(".runstone".as_ref(), &InitRequest::default())?;
//! let ledger = Ledger::open(".runstone".as_ref())?;
//! let document = serde_json::json!({"run_id": "r1", "stage": "train", "metrics": {"auc": 0.61}});
//! let input = RunInput::from_document(document.as_object().cloned().unwrap_or_default());
//! let recorded = ledger.record(RecordRequest::of(input))?;
//! println!("{}: {}", recorded.place, recorded.answer.verdict.sentence);
//! # Ok(())
//! # }
//! ```

mod against;
mod attempts;
mod batch;
pub mod check;
pub mod clock;
mod cohorts;
mod commit;
mod compare;
mod digests;
pub mod doctor;
pub mod environments;
mod error;
pub mod export;
mod fields;
pub mod find;
mod foresee;
pub mod gc;
mod history;
pub mod init;
pub mod list;
mod look_back;
mod managers;
mod named;
mod nearest;
pub mod notes;
mod open;
mod payload;
mod prepare;
pub mod profiles;
mod pseudonym_key;
mod recent;
mod recorded;
mod redact;
pub mod reference;
pub mod refused;
pub mod report;
pub mod restore;
mod standing;
pub mod stats;
mod summary;
pub mod table;
pub mod under_way;
pub mod verify;
pub mod views;
pub mod why;
pub mod yardstick;

pub use runstone_core as core;
pub use runstone_env as env;
pub use runstone_store as store;

pub use self::against::Judged;
pub use self::batch::{BatchAnswer, BatchRequest, Handed};
pub use self::cohorts::CohortRow;
pub use self::commit::{AttemptChoice, RecordRequest};
pub use self::error::{Conflict, Deleted, Error, ErrorKind};
pub use self::find::{Place, Stored};
pub use self::foresee::{Foreseen, Places};
pub use self::nearest::Nearest;
pub use self::open::{Ledger, Settings};
pub use self::recorded::{Acknowledged, Answered, Confirmed, Recorded, RecordedAs};
pub use self::standing::DefaultProfile;
