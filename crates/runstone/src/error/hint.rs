//! What to do about an error: one sentence, with a command that works where there is one.
//!
//! The invariant guarded here: a name that a caller gave stands in a command only where a shell
//! reads it as that name.

use std::io::ErrorKind;

use runstone_core::problem::ProblemKind;
use runstone_core::record::Refused;
use runstone_core::snapshot::SnapshotError;
use runstone_env::import::{Format, NotImported};
use runstone_store::StoreError;

use super::Error;
use crate::reference::Reference;
use crate::under_way::Sight;

/// Where was looked when everything there is was deleted.
pub(crate) const NOT_DELETED: &str = "what was not deleted";

/// Where a refused run was looked for.
pub(crate) const REFUSED: &str = "the refused runs";

/// How to find out which refused runs there are.
pub(crate) const REFUSED_HINT: &str =
    "`runstone log` lists the refused runs; they lie in `refused/` of the store";

impl Error {
    /// Returns what to do next, in one sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Document { source, .. } => source.hint().map(str::to_owned),
            Self::Refused { name, refused } => Some(
                refused
                    .problems
                    .iter()
                    .find_map(|problem| problem.hint.clone())
                    .or_else(|| hint_of_nameless(name, refused))
                    .unwrap_or_else(|| {
                        format!(
                            "see what each field counts as: `runstone profile explain {}`",
                            file_called(name).unwrap_or("FILE")
                        )
                    }),
            ),
            Self::Profile { name, source } => Some(source.hint.clone().unwrap_or_else(|| {
                let file = format!("`{name}`");
                format!(
                    "mend it there, then look again with `runstone profile check {}`",
                    file_called(&file).unwrap_or("FILE")
                )
            })),
            Self::NoSuchProfile { known, .. } => Some(format!(
                "name one of {}, or the path of a TOML file",
                quoted_list(known)
            )),
            Self::Unreadable { source, .. } => Some(
                match source.kind() {
                    ErrorKind::NotFound => "check the path",
                    ErrorKind::IsADirectory => "name a file in it",
                    _ => "check the file and its permissions",
                }
                .to_owned(),
            ),
            Self::Store(StoreError::OtherOptions { differences, .. })
                if differences.iter().all(|it| it.name == "primary") =>
            {
                Some(
                    "leave the option away to use the store as it is; another metric decides by a \
                     profile that names it: `runstone profile use FILE`"
                        .to_owned(),
                )
            }
            Self::Store(StoreError::OtherOptions { differences, .. })
                if differences.iter().all(|it| it.name == "profile") =>
            {
                Some("leave the option away, or choose the profile with `runstone profile use`".to_owned())
            }
            Self::Restore(error) => Some(error.hint()),
            Self::Lock(error) => Some(error.hint().to_owned()),
            Self::Store(error) => error.hint(),
            Self::NotNoted { source, .. } => unwritten(source).hint(),
            Self::NotMade { source, .. } => match source.kind() {
                ErrorKind::PermissionDenied => Some(
                    "name a directory in a folder that you may write to: `runstone init DIR`"
                        .to_owned(),
                ),
                ErrorKind::ReadOnlyFilesystem => Some(
                    "name a directory on a file system that is mounted for writing: \
                     `runstone init DIR`"
                        .to_owned(),
                ),
                _ => unwritten(source).hint(),
            },
            Self::Conflict(conflict) if conflict.explicit => {
                Some("choose another attempt, or leave `--attempt` away".to_owned())
            }
            Self::Conflict(_) => {
                Some("choose another run id, or say `--attempt next` if it is a retry".to_owned())
            }
            Self::UnderWay(rival) => Some(
                match rival.sight {
                    Sight::AtWork => {
                        "wait for it (`runstone log` lists it), or name another run with \
                         `--run-id`, or another stage of it with `--stage`"
                    }
                    Sight::Unknown | Sight::Gone => {
                        "wait for it, choose another run id, or say `--attempt next` if it is gone"
                    }
                }
                .to_owned(),
            ),
            Self::NotFound {
                looked_in: Some(place),
                ..
            } if place == "the cohorts" => {
                Some("`runstone cohorts` lists what there is".to_owned())
            }
            Self::NotFound {
                looked_in: Some(place),
                ..
            } if place == NOT_DELETED => {
                Some("`runstone log --deleted` lists what was deleted too".to_owned())
            }
            Self::NotFound {
                looked_in: Some(place),
                ..
            } if place == REFUSED => Some(REFUSED_HINT.to_owned()),
            Self::NotFound { reference, .. } if Reference::is_digest_prefix(reference) => {
                Some(format!(
                    "`runstone log` lists what there is; a position in a cohort is written \
                     `{reference}#1`"
                ))
            }
            Self::NotImported { source, .. } => Some(hint_of_import(source).to_owned()),
            Self::NotExported(_) => Some(
                "`runstone env show` says how far each source was read; `--format json` says all of it"
                    .to_owned(),
            ),
            Self::NoEnvironment { .. } => Some("`runstone env list` lists what is kept".to_owned()),
            Self::NotFound { .. } => Some("`runstone log` lists what there is".to_owned()),
            Self::Ambiguous { candidates, .. } => candidates
                .first()
                .map(|first| format!("name one of them, such as `{first}`")),
            Self::SeveralCohorts { cohorts } => cohorts.first().map(|(first, _)| {
                format!(
                    "choose one with `--cohort {first}`, or by what sets it apart, such as \
                     `--stage`; `runstone cohorts` lists them"
                )
            }),
            Self::NoRun => Some(
                "`runstone log` lists what there is, and `runstone log --help` what runs are chosen by"
                    .to_owned(),
            ),
            Self::Empty => Some("record a run: `runstone record run.json`".to_owned()),
            Self::Deleted(deleted) => Some(format!(
                "it is still there: `runstone show {} --deleted`",
                deleted.place
            )),
            Self::Unfit { hint, .. } => Some(hint.clone()),
            Self::Words(illegal) => Some(illegal.hint()),
            Self::NoYardstick { .. } => {
                Some("name a snapshot; `runstone log` lists them".to_owned())
            }
            Self::DefaultUnknown { .. } => Some(
                "name one with `--profile`, or choose the default again with `runstone profile use`"
                    .to_owned(),
            ),
            Self::UnfinishedInit { .. } => {
                Some("run the same `runstone init` again, with the options it had".to_owned())
            }
            Self::ProfileLost { .. } => Some(
                "`runstone verify --repair` makes it again if it came from `init --primary`; else put it \
                 back from a backup, or run `runstone init --profile FILE` with the file that the store \
                 was made with"
                    .to_owned(),
            ),
            Self::Payload {
                source: SnapshotError::Newer { .. },
                ..
            } => Some("read it with the release that wrote it, or a later one".to_owned()),
            Self::Kept {
                is_of_another_release: true,
                ..
            } => Some("finish it with the release that wrote it, or a later one".to_owned()),
            Self::Kept { .. } => Some(
                "it is text: what is left of its member `document` is the run, for \
                 `runstone record -`; then remove the file"
                    .to_owned(),
            ),
            Self::Damaged { place, .. } if place.ends_with("/cohort.json") => Some(
                "`runstone verify --repair` makes it again from the runs of the cohort".to_owned(),
            ),
            Self::Payload { .. } | Self::Damaged { .. } => {
                Some("`runstone verify` names every damage in the store".to_owned())
            }
            Self::AttachmentMissing { .. } => Some(
                "store the file again with any run that attaches it, as in `runstone run --attach \
                 FILE -- true`, and then record this; or take `stored` from its entry in \
                 `artifacts`, and its digest alone is recorded"
                    .to_owned(),
            ),
            Self::AttachmentLost { .. } => Some(
                "store the file again with any run that attaches it, as in `runstone run --attach \
                 FILE -- true`: the snapshot finds it by its digest"
                    .to_owned(),
            ),
            Self::Query(error) => error.hint.clone().or_else(|| {
                Some("see fields, operators and examples in `runstone log --help`".to_owned())
            }),
            Self::Usage { hint, .. } => Some(hint.clone()),
        }
    }

    /// Returns what to do before what was kept is recorded after all, in one sentence: the hint of
    /// whoever has no command to run again.
    pub fn hint_to_finish(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.mend(),
            // The next attempt is asked for where it is finished, and its run keeps its name.
            Self::Conflict(_) => None,
            _ => self.hint(),
        }
    }
}

/// Returns the file that is called so in errors; nothing if it is no file, or a shell would read
/// its name as something else.
fn file_called(name: &str) -> Option<&str> {
    let is_bare =
        |character: char| character.is_ascii_alphanumeric() || "-_./+".contains(character);
    name.strip_prefix('`')
        .and_then(|name| name.strip_suffix('`'))
        .filter(|name| !name.is_empty() && name.chars().all(is_bare))
}

/// Returns what to do about a file that cannot be imported.
/// Returns what the store would say of a failure like this one.
fn unwritten(source: &std::io::Error) -> StoreError {
    StoreError::NotRecorded {
        path: String::new(),
        source: source.kind().into(),
    }
}

fn hint_of_import(not_imported: &NotImported) -> &'static str {
    match not_imported {
        NotImported::Lines {
            format: Format::Conda,
            ..
        } => "make the list with `conda list --explicit --md5`, then import it again",
        NotImported::Lines { .. } => {
            "pin what is installed with `python3 -m pip freeze`, and import that"
        }
        NotImported::TooMuch { .. } => "import what it was put together from, one by one",
        NotImported::NotText { .. }
        | NotImported::NotJson(_)
        | NotImported::NotThisFormat { .. }
        | NotImported::NotAnEnvironment(_) => {
            "say what it is with `--format`; `runstone env import --help` lists the formats"
        }
        NotImported::Nothing { .. } => {
            "`runstone env import --help` says what is taken of a format"
        }
    }
}

/// Returns how to name the run and stage of a document that lacks nothing else.
fn hint_of_nameless(name: &str, refused: &Refused) -> Option<String> {
    let mut options = Vec::new();
    for problem in &refused.problems {
        options.push(match (problem.kind, problem.pointer.to_string().as_str()) {
            (ProblemKind::Missing | ProblemKind::Null, "/run_id") => "--run-id r1",
            (ProblemKind::Missing | ProblemKind::Null, "/stage") => "--stage train",
            _ => return None,
        });
    }
    let options = options.join(" ");
    let said = match (name, file_called(name)) {
        (_, Some(file)) => format!("runstone record {file} {options}"),
        ("standard input", None) => format!("runstone record - {options}"),
        // An option would count for every document of a stream.
        _ if name != "the document" => return None,
        _ => return Some(format!("say it too, such as `{options}`")),
    };
    Some(format!("state it in the document, or beside it: `{said}`"))
}

fn quoted_list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
