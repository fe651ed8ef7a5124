//! Runstone as a library, with an open handle.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use runstone::core::input::RunInput;
use runstone::init::{InitRequest, init};
use runstone::list::LogRequest;
use runstone::views::Views;
use runstone::{Ledger, RecordRequest};
use serde_json::{Map, Value};

use super::{Keeper, Keeping};
use crate::Failure;

/// A store in a folder. A run is found by its id.
pub(super) struct Library {
    store: PathBuf,
    views: Views,
    answers: bool,
}

impl Library {
    pub(super) fn acknowledged(at: &Path) -> Self {
        Self {
            store: at.join("store"),
            views: Views::None,
            answers: false,
        }
    }

    pub(super) fn answered(at: &Path) -> Self {
        Self {
            answers: true,
            ..Self::acknowledged(at)
        }
    }

    pub(super) fn with_views(at: &Path) -> Self {
        Self {
            views: Views::Files,
            ..Self::answered(at)
        }
    }
}

impl Keeping for Library {
    fn make(&self) -> Result<(), Failure> {
        let request = InitRequest {
            experiment: Some("bench".to_owned()),
            views: Some(self.views),
            ..InitRequest::default()
        };
        init(&self.store, &request)?;
        Ok(())
    }

    fn open(&self) -> Result<Box<dyn Keeper>, Failure> {
        Ok(Box::new(Open {
            ledger: Ledger::open(&self.store)?,
            answers: self.answers,
        }))
    }

    fn runs(&self) -> Result<BTreeSet<String>, Failure> {
        let page = Ledger::open(&self.store)?.log(&LogRequest {
            all_attempts: true,
            ..LogRequest::default()
        })?;
        let runs = page.rows.iter().map(|row| &row.stored.snapshot.run_id);
        Ok(runs.map(ToString::to_string).collect())
    }
}

struct Open {
    ledger: Ledger,
    answers: bool,
}

impl Keeper for Open {
    fn record(&mut self, document: Map<String, Value>) -> Result<String, Failure> {
        let request = RecordRequest::of(RunInput::from_document(document));
        let acknowledged = self.ledger.commit(request)?;
        let run = acknowledged.stored.snapshot.run_id.to_string();
        if self.answers {
            let recorded = self.ledger.answer(acknowledged);
            std::hint::black_box(&recorded);
        }
        Ok(run)
    }
}
