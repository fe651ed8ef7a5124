//! Which snapshots a list is of: the options that `log` and `table` share.

use std::collections::BTreeSet;

use runstone::core::id::Stage;
use runstone::core::note::Tag;
use runstone::core::query::Expr;
use runstone::core::snapshot::Status;
use runstone::list::LogRequest;
use runstone::{Error, Ledger};

use crate::error::CliError;
use crate::render::time;
use crate::spelling::nearest;
use crate::ui::plain;
use crate::values::name;

/// Which snapshots are meant.
#[derive(Debug, clap::Args)]
pub(crate) struct ChoiceArgs {
    /// Only this cohort, by a unique prefix
    #[arg(long, value_name = "COHORT")]
    pub(crate) cohort: Option<String>,
    /// Only this stage
    #[arg(long, value_parser = name)]
    pub(crate) stage: Option<String>,
    /// Only this experiment
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) experiment: Option<String>,
    /// Only this sweep
    #[arg(long, value_name = "NAME", value_parser = name)]
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

    /// Says which name that was asked for no run bears, and which there are; nothing where each is
    /// borne, or the store holds nothing.
    pub(crate) fn unknown_name(&self, ledger: &Ledger) -> Result<Option<String>, CliError> {
        let stages: BTreeSet<String> = ledger.stages()?.iter().map(Stage::to_string).collect();
        if stages.is_empty() {
            return Ok(None);
        }
        if let Some(asked) = &self.stage
            && !stages.iter().any(|stage| stage.eq_ignore_ascii_case(asked))
        {
            return Ok(Some(none_has("a stage", asked, &stages)));
        }
        if let Some(asked) = &self.experiment {
            let known = ledger.experiments()?;
            if !known.contains(asked) {
                return Ok(Some(none_has("an experiment", asked, &known)));
            }
        }
        if let Some(asked) = &self.sweep {
            let known = ledger.sweeps()?;
            if !known.contains(asked) {
                return Ok(Some(none_has("a sweep", asked, &known)));
            }
        }
        if let Some(asked) = &self.tag {
            let known: BTreeSet<String> = ledger.tags()?.iter().map(Tag::to_string).collect();
            if !known.contains(asked.as_str()) {
                return Ok(Some(none_has("a tag", asked.as_str(), &known)));
            }
        }
        Ok(None)
    }
}

/// Most names named beside one that there is not.
const NAMES_SHOWN: usize = 8;

/// Says that no run has a name, and which there are: the nearest, or the first.
fn none_has(what: &str, asked: &str, known: &BTreeSet<String>) -> String {
    let there = match nearest(asked, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there is none".to_owned(),
        None => {
            let shown = known.iter().take(NAMES_SHOWN);
            let shown: Vec<String> = shown.map(|name| format!("`{name}`")).collect();
            let more = match known.len().saturating_sub(NAMES_SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let are = if known.len() == 1 { "is" } else { "are" };
            format!("there {are} {}{more}", shown.join(", "))
        }
    };
    plain(&format!("no run has {what} `{asked}`; {there}"))
}
