//! `runstone tag`.

use runstone::Error;
use runstone::core::note::{Said, Tag};

use crate::commands::show::REFERENCES;
use crate::commands::signature::SignatureArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::note;
use crate::settings::Settings;
use crate::ui::Ui;

/// Tag a snapshot, or take a tag away
///
/// `runstone log` shows tags, `--tag T` lists what bears one, and filters know them as `tag = "T"`.
#[derive(Debug, clap::Args)]
#[command(after_help = REFERENCES)]
pub(crate) struct TagArgs {
    /// The snapshot
    #[arg(value_name = "REF")]
    reference: String,
    /// One word of letters, digits and `._-/:+=@#%`
    #[arg(value_name = "TAG")]
    tag: String,
    /// Take the tag away
    #[arg(long)]
    remove: bool,
    #[command(flatten)]
    signature: SignatureArgs,
}

pub(crate) fn run(args: &TagArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let tag = Tag::new(&args.tag).map_err(Error::from)?;
    let said = if args.remove {
        Said::Untag(tag)
    } else {
        Said::Tag(tag)
    };
    let signature = args.signature.read()?;
    let ledger = settings.open_ledger()?;
    let stored = ledger.find(&args.reference)?;
    note::show(ui, "tag", &ledger.note(&stored, said, signature)?)
}
