//! The machine as a restore sees it: what is there, where it stands, and who may touch it.
//!
//! Captured as every environment is, without the secrets of the store's rules, so that it can be
//! held against one that was kept. Places are read beside it as they are: what is masked could not
//! be handed to a manager. The invariant: only this machine is restored, never a folder that looks
//! like one.

use std::path::Path;

use runstone_env::restore::{Places, Side};
use runstone_env::{Environment, Options, Root, SourceName};
use rustix::fs::{Access, access};
use serde_json::Value;

use crate::environments::{CaptureRequest, EnvironmentReference, FoundEnvironment};
use crate::error::{Error, chain};
use crate::open::Ledger;

/// What is there.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    environment: Environment,
    /// Places as a kept environment has them.
    masked: Places,
    /// Places as they are.
    places: Places,
    /// The interpreter.
    pub(super) interpreter: Option<String>,
}

impl Ledger {
    /// Captures the machine.
    pub(super) fn machine(&self, request: &CaptureRequest) -> Result<Machine, Error> {
        if let Some(root) = &request.root {
            return Err(Error::Usage {
                what: format!(
                    "`{}` is captured instead of this machine, which alone can be restored",
                    root.display()
                ),
                hint: "unset it: `RUNSTONE_ENVIRONMENT_ROOT= runstone env restore …`".to_owned(),
            });
        }
        let found = self.find_environment(&EnvironmentReference::Current, request)?;
        let places = Options {
            skip: SourceName::ALL
                .iter()
                .copied()
                .filter(|it| {
                    !matches!(it, SourceName::Python | SourceName::Conda | SourceName::Npm)
                })
                .collect(),
            python: request.python.clone(),
            folder: request.folder.clone(),
            variables: request.variables.clone(),
            ..Options::default()
        };
        let root = Root::host().map_err(|error| Error::Usage {
            what: format!("nothing was captured: {}", chain(&error)),
            hint: "see that `/` can be read".to_owned(),
        })?;
        let observed = runstone_env::capture(&root, &places).record.observed;
        let python = observed.get(&SourceName::Python);
        let interpreter = python.and_then(|it| it.get("executable")?.as_str());
        Ok(Machine {
            interpreter: interpreter.map(ToOwned::to_owned),
            masked: recorded(&found),
            places: Places::observed(&observed),
            environment: found.environment,
        })
    }
}

impl Machine {
    /// Returns it as one side of a plan.
    pub(super) fn side(&self) -> Side<'_> {
        Side {
            environment: &self.environment,
            places: self.places.clone(),
        }
    }

    /// Returns the target as the other side: where its places are masked as those of this machine
    /// would be, they are the same.
    pub(super) fn target<'t>(&self, target: &'t FoundEnvironment) -> Side<'t> {
        let recorded = recorded(target);
        let unmasked =
            |recorded: Option<String>, masked: &Option<String>, real: &Option<String>| {
                if recorded == *masked {
                    real.clone()
                } else {
                    recorded
                }
            };
        Side {
            environment: &target.environment,
            places: Places {
                python: unmasked(recorded.python, &self.masked.python, &self.places.python),
                conda: unmasked(recorded.conda, &self.masked.conda, &self.places.conda),
                npm: unmasked(recorded.npm, &self.masked.npm, &self.places.npm),
            },
        }
    }

    /// Returns the architecture of the system's packages.
    pub(super) fn native_arch(&self) -> Option<&str> {
        let dpkg = self.environment.sources.get(&SourceName::Dpkg)?;
        dpkg.facts.get("native_arch")?.as_str()
    }
}

/// Tells whether a folder can be written by whoever runs this.
pub(super) fn can_be_written(folder: &Path) -> bool {
    access(folder, Access::WRITE_OK).is_ok()
}

fn recorded(found: &FoundEnvironment) -> Places {
    let observed = found.named.captured("observed").and_then(Value::as_object);
    observed.map(Places::recorded).unwrap_or_default()
}
