//! The commands, one verb a file: its doc comment is the help, its `run` calls the ledger once and
//! shows the answer.

mod accept;
mod baseline;
mod check;
mod choice;
mod cohorts;
mod completions;
mod config;
mod delete;
mod diff;
mod doctor;
mod env;
mod explain;
mod export;
mod gc;
mod init;
mod log;
mod man;
mod note;
mod profile;
mod record;
mod refused;
mod report;
mod run;
mod show;
mod signature;
mod stats;
mod table;
mod tag;
mod verify;
mod version;
mod views;
mod why;

use crate::error::CliError;
use crate::exit::Exit;
use crate::settings::Settings;
use crate::ui::Ui;

/// Every command. What one can be given is put together where it is asked for: all of them at once
/// took half a millisecond of each.
#[derive(Debug, clap::Subcommand)]
#[command(defer = true)]
pub(crate) enum Command {
    Init(init::InitArgs),
    Record(record::RecordArgs),
    Run(run::RunArgs),
    Log(log::LogArgs),
    Table(table::TableArgs),
    Cohorts(cohorts::CohortsArgs),
    Show(show::ShowArgs),
    Diff(diff::DiffArgs),
    Check(check::CheckArgs),
    Report(report::ReportArgs),
    Explain(explain::ExplainArgs),
    Why(why::WhyArgs),
    Baseline(baseline::BaselineArgs),
    Accept(accept::AcceptArgs),
    Note(note::NoteArgs),
    Tag(tag::TagArgs),
    Delete(delete::DeleteArgs),
    Env(env::EnvArgs),
    Profile(profile::ProfileArgs),
    Export(export::ExportArgs),
    Verify(verify::VerifyArgs),
    Views(views::ViewsArgs),
    Gc(gc::GcArgs),
    Stats(stats::StatsArgs),
    Doctor(doctor::DoctorArgs),
    #[command(hide = true)]
    DoctorRacer(doctor::RacerArgs),
    Config(config::ConfigArgs),
    Demo(crate::demo::DemoArgs),
    #[command(hide = true)]
    DemoWorker(crate::demo::WorkerArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    Version(version::VersionArgs),
}

impl Command {
    /// Returns the profile that the arguments name.
    pub(crate) fn named_profile(&self) -> Option<&str> {
        match self {
            Self::Record(args) => args.profile.as_deref(),
            Self::Run(args) => args.profile.as_deref(),
            _ => None,
        }
    }

    /// Tells whether files of settings count for this command. Where they do not, a broken one is
    /// no reason to fail.
    pub(crate) fn reads_settings_files(&self) -> bool {
        match self {
            Self::Config(args) => args.reads_settings_files(),
            Self::DemoWorker(_)
            | Self::DoctorRacer(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::Version(_) => false,
            _ => true,
        }
    }
}

/// Runs one command and returns what to tell the caller.
pub(crate) fn run(command: Command, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    match command {
        Command::Init(args) => init::run(&args, ui, settings),
        Command::Record(args) => record::run(args, ui, settings),
        Command::Run(args) => Ok(run::run(args, ui, settings)),
        Command::Log(args) => log::run(&args, ui, settings),
        Command::Table(args) => table::run(&args, ui, settings),
        Command::Cohorts(args) => cohorts::run(&args, ui, settings),
        Command::Show(args) => show::run(&args, ui, settings),
        Command::Diff(args) => diff::run(&args, ui, settings),
        Command::Check(args) => check::run(&args, ui, settings),
        Command::Report(args) => report::run(&args, ui, settings),
        Command::Explain(args) => explain::run(&args, ui, settings),
        Command::Why(args) => why::run(&args, ui, settings),
        Command::Baseline(args) => baseline::run(&args, ui, settings),
        Command::Accept(args) => accept::run(&args, ui, settings),
        Command::Note(args) => note::run(&args, ui, settings),
        Command::Tag(args) => tag::run(&args, ui, settings),
        Command::Delete(args) => delete::run(&args, ui, settings),
        Command::Env(args) => env::run(&args, ui, settings),
        Command::Profile(args) => profile::run(&args, ui, settings),
        Command::Verify(args) => verify::run(&args, ui, settings),
        Command::Export(args) => export::run(&args, ui, settings),
        Command::Gc(args) => gc::run(&args, ui, settings),
        Command::Views(args) => views::run(&args, ui, settings),
        Command::Stats(args) => stats::run(&args, ui, settings),
        Command::Doctor(args) => doctor::run(&args, ui, settings),
        Command::DoctorRacer(args) => doctor::race(&args, ui),
        Command::Config(args) => config::run(&args, ui, settings),
        Command::Demo(args) => crate::demo::run(&args, ui),
        Command::DemoWorker(args) => crate::demo::work(&args),
        Command::Completions(args) => completions::run(&args, ui),
        Command::Man(args) => man::run(&args, ui),
        Command::Version(args) => version::run(&args, ui),
    }
}
