//! Which snapshots a list is of: the options that `log` and `table` share.

use runstone::Error;
use runstone::core::note::Tag;
use runstone::core::query::Expr;
use runstone::core::snapshot::Status;
use runstone::list::LogRequest;

use crate::error::CliError;
use crate::render::time;

/// Which snapshots are meant.
#[derive(Debug, clap::Args)]
pub(crate) struct ChoiceArgs {
    /// Only this cohort, by a unique prefix
    #[arg(long, value_name = "COHORT")]
    pub(crate) cohort: Option<String>,
    /// Only this stage
    #[arg(long)]
    pub(crate) stage: Option<String>,
    /// Only this experiment
    #[arg(long, value_name = "NAME")]
    pub(crate) experiment: Option<String>,
    /// Only this sweep
    #[arg(long, value_name = "NAME")]
    pub(crate) sweep: Option<String>,
    /// Only this status: `finished`, `failed`, `interrupted`
    #[arg(long, value_parser = status)]
    pub(crate) status: Option<Status>,
    /// Only since an instant (RFC 3339 or a date) or a while (`90m`, `24h`, `7d`)
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
    /// Only snapshots that bear this tag
    #[arg(long, value_name = "TAG", value_parser = tag)]
    pub(crate) tag: Option<Tag>,
    /// Show also what was deleted
    #[arg(long)]
    pub(crate) deleted: bool,
    /// Only rows that pass this filter
    #[arg(long = "where", value_name = "EXPR")]
    pub(crate) filter: Option<String>,
}

fn status(word: &str) -> Result<Status, String> {
    Status::from_word(word).ok_or_else(|| "write `finished`, `failed` or `interrupted`".to_owned())
}

fn tag(text: &str) -> Result<Tag, String> {
    Tag::new(text).map_err(|_illegal| {
        "write one word of letters, digits and `._-/:+=@#%`, such as `release/1.2`".to_owned()
    })
}

impl ChoiceArgs {
    /// Returns what is asked of the ledger, in its usual order and with all rows.
    pub(crate) fn read(&self) -> Result<LogRequest, CliError> {
        Ok(LogRequest {
            cohort: self.cohort.clone(),
            stage: self.stage.clone(),
            experiment: self.experiment.clone(),
            sweep: self.sweep.clone(),
            status: self.status,
            since: self.since.as_deref().map(time::since).transpose()?,
            tag: self.tag.clone(),
            deleted: self.deleted,
            filter: self
                .filter
                .as_deref()
                .map(Expr::parse)
                .transpose()
                .map_err(|error| CliError::Ledger(Error::Query(error)))?,
            ..LogRequest::default()
        })
    }
}
