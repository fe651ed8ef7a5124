//! One SQLite database with one row a run, as durable as SQLite gets with a write-ahead log.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior, params};
use serde_json::{Map, Value};

use super::{Keeper, Keeping};
use crate::Failure;

/// How long a writer waits for the others.
const WAITS: Duration = Duration::from_mins(1);

/// A database in a folder. A run is found by its id.
pub(super) struct Sqlite(pub(super) PathBuf);

impl Sqlite {
    fn connect(&self) -> Result<Connection, Failure> {
        let connection = Connection::open(self.0.join("runs.sqlite"))?;
        connection.busy_timeout(WAITS)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        Ok(connection)
    }
}

impl Keeping for Sqlite {
    fn make(&self) -> Result<(), Failure> {
        Ok(self.connect()?.execute_batch(
            "CREATE TABLE runs (seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL, \
             stage TEXT NOT NULL, document TEXT NOT NULL, UNIQUE (run_id, stage))",
        )?)
    }

    fn open(&self) -> Result<Box<dyn Keeper>, Failure> {
        Ok(Box::new(Open(self.connect()?)))
    }

    fn runs(&self) -> Result<BTreeSet<String>, Failure> {
        let connection = self.connect()?;
        let mut rows = connection.prepare("SELECT run_id FROM runs")?;
        let runs = rows.query_map([], |row| row.get(0))?;
        Ok(runs.collect::<Result<_, _>>()?)
    }
}

struct Open(Connection);

impl Keeper for Open {
    fn record(&mut self, document: Map<String, Value>) -> Result<String, Failure> {
        let field = |name| {
            document
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let (run, stage) = (field("run_id").to_owned(), field("stage").to_owned());
        let document = Value::Object(document).to_string();
        // A transaction that begins by reading may find the log taken when it comes to write, and
        // would have to begin again.
        let transaction = self
            .0
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction
            .prepare_cached("INSERT INTO runs (run_id, stage, document) VALUES (?1, ?2, ?3)")?
            .execute(params![run, stage, document])?;
        transaction.commit()?;
        Ok(run)
    }
}
