//! `runstone init`.

use std::path::PathBuf;

use runstone::core::profile::Direction;
use runstone::init::{InitRequest, init_with};
use runstone::store::Modes;
use runstone::views::Views;
use serde_json::json;

use crate::env_vars;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::lines::wrapped;
use crate::settings::{Origin, STORE_DIR, Settings, directory};
use crate::ui::{DONE, Face, Ui, plain};

/// Make a store, or find the one that is there
///
/// Any number of processes may do this at once in one place: one makes the store, the others find
/// it. What is fixed here lasts: the experiment of documents that name none, who may read and
/// write, and which views are kept. `runstone profile use` changes the profile later.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runstone init --primary auc:higher")]
pub(crate) struct InitArgs {
    /// Where the store shall be [default: `RUNSTONE_STORE`, else `.runstone`]
    dir: Option<PathBuf>,
    /// The rule by which runs are read: `generic`, `market`, or a TOML file
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// The metric that decides, with its better side
    #[arg(long, value_name = "NAME:higher|lower", value_parser = primary)]
    primary: Option<(String, Direction)>,
    /// The experiment of documents that name none [default: the repository's or folder's name]
    #[arg(long, value_name = "NAME", value_parser = crate::values::name)]
    experiment: Option<String>,
    /// Which views to keep: files for people and scripts, or none [default: `files`; `none` on a
    /// network file system]
    #[arg(long, value_name = "files|none", value_parser = views)]
    views: Option<Views>,
    /// Let the group (or with `world`, everybody) read, and the group write
    #[arg(long, value_name = "WHO", num_args = 0..=1, require_equals = true, default_missing_value = "group")]
    shared: Option<Shared>,
    /// Declare the copy of a store that is there a store that lives on by itself
    #[arg(long)]
    adopt: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Shared {
    Group,
    World,
}

fn primary(text: &str) -> Result<(String, Direction), String> {
    let direction = |word| match word {
        "higher" => Some(Direction::Higher),
        "lower" => Some(Direction::Lower),
        _ => None,
    };
    text.rsplit_once(':')
        .and_then(|(name, word)| Some((name.to_owned(), direction(word)?)))
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| "write the metric and its better side, such as `auc:higher`".to_owned())
}

fn views(text: &str) -> Result<Views, String> {
    Views::from_word(text).ok_or_else(|| "write `files` or `none`".to_owned())
}

pub(crate) fn run(args: &InitArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let root = match (&args.dir, settings.named_store()) {
        (Some(_), Some(named)) if matches!(named.origin, Origin::Option(_)) => {
            return Err(CliError::usage(
                "the store is named twice, by `--store` and by the argument",
                "leave one of the two away",
            ));
        }
        (Some(dir), _) => dir.clone(),
        (None, Some(named)) => named.value.clone(),
        (None, None) => PathBuf::from(STORE_DIR),
    };
    let request = InitRequest {
        profile: args.profile.clone(),
        primary: args.primary.clone(),
        experiment: args.experiment.clone(),
        views: args.views,
        modes: args.shared.map(|shared| match shared {
            Shared::Group => Modes::Shared,
            Shared::World => Modes::World,
        }),
        adopt: args.adopt,
    };
    let initialised = init_with(&directory(root)?, &request, env_vars::clock())?;
    let settings = initialised.ledger.settings();
    let profile = initialised.ledger.default_profile()?;
    match ui.face {
        Face::Json => ui.json(&json!({
            "schema": "runstone.init/1",
            "store": initialised.root,
            "made": initialised.made,
            "experiment": settings.experiment,
            "profile": { "name": profile.name, "sha256": profile.sha256 },
            "epoch": initialised.ledger.epoch(),
            "views": settings.views.as_str(),
        }))?,
        Face::Text => {
            let word = match (initialised.adopted, initialised.made) {
                (Some(_), _) => "adopted",
                (None, true) => "made",
                (None, false) => "found",
            };
            let epoch = initialised
                .adopted
                .map_or_else(String::new, |epoch| format!(", epoch {epoch}"));
            let views = match settings.views {
                Views::Files => "",
                Views::None => ", no views",
            };
            ui.data(&format!(
                "{DONE}{word}{DONE:#} {}  experiment {}, profile {}{epoch}{views}\n",
                plain(&initialised.root.display().to_string()),
                plain(&settings.experiment),
                plain(&profile.name),
            ))?;
            if args
                .dir
                .as_deref()
                .is_some_and(|dir| !dir.ends_with(STORE_DIR))
            {
                ui.talk(&wrapped(&format!(
                    "it is not called `{STORE_DIR}`: commands find it by `--store` or \
                     `RUNSTONE_STORE` alone"
                )));
            }
        }
    }
    Ok(Exit::Done)
}
