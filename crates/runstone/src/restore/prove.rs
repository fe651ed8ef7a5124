//! Proving a plan: each manager simulates its part, and what it announces is held against it.
//!
//! Nobody needs rights for it, and nothing is changed but the managers' own caches. The invariant:
//! a manager that fails, says something unclear, or announces anything else than its steps ends the
//! restore before anything is started.

use std::path::Path;

use runstone_env::restore::argv::{Argv, Means, Tool, proving};
use runstone_env::restore::proof::{Announced, announced, complaint, gone, held_against};
use runstone_env::restore::{Action, Manager, Plan, Step};

use super::error::RestoreError;
use super::machine::Machine;
use super::prefix_without::PrefixWithout;
use super::propose::Proposal;
use crate::managers::{Patience, Program, Session, found, last_lines};

/// How long a simulation may take, in seconds. Chosen: pip downloads what has no metadata of its
/// own, which may be gigabytes.
const SECONDS_MAX: u64 = 1800;

impl Proposal {
    /// Has each manager say what it would do.
    pub(super) fn prove(&self, machine: &Machine, session: &Session) -> Result<(), RestoreError> {
        for manager in self.plan.at_work() {
            let mut all: Vec<Announced> = Vec::new();
            let without = prefix_without(&self.plan, manager, session)?;
            let means = Means {
                without: without.as_ref().map(PrefixWithout::path),
                ..self.means.clone()
            };
            for line in proving(&self.plan, manager, &means) {
                let program = program(&line, &self.means, session)?;
                let ended = program.run(&line.arguments, Patience::Seconds(SECONDS_MAX));
                let ended = ended.map_err(|source| RestoreError::NotStarted {
                    program: line.tool.program().to_owned(),
                    source,
                })?;
                if ended.code != 0 {
                    let items = gone(manager, &format!("{}\n{}", ended.stdout, ended.stderr));
                    if !items.is_empty() {
                        return Err(RestoreError::Gone { manager, items });
                    }
                    let said = match complaint(manager, &ended.stdout) {
                        Some(complaint) => last_lines(&complaint),
                        None => ended.last_lines(),
                    };
                    return Err(RestoreError::Unproven {
                        command: line.words().join(" "),
                        how: ended.how(),
                        said,
                    });
                }
                let found = announced(
                    manager,
                    &means,
                    &self.plan,
                    machine.native_arch(),
                    &ended.stdout,
                    &ended.stderr,
                );
                all.extend(found.map_err(RestoreError::Unclear)?);
            }
            let found = held_against(&self.plan, manager, &all);
            if !found.is_none() {
                return Err(RestoreError::Collateral {
                    manager,
                    collateral: found.collateral.iter().map(Announced::in_words).collect(),
                    missing: found.missing,
                });
            }
        }
        Ok(())
    }
}

/// Makes the folder that stands for a prefix of conda without what goes, where something does and
/// something comes.
fn prefix_without(
    plan: &Plan,
    manager: Manager,
    session: &Session,
) -> Result<Option<PrefixWithout>, RestoreError> {
    let steps = || plan.steps_of(manager);
    let is_asked = manager == Manager::Conda && steps().any(Step::puts);
    let gone: Vec<&Step> = steps().filter(|it| it.action == Action::Remove).collect();
    match plan.places.conda.as_deref() {
        Some(prefix) if is_asked && !gone.is_empty() => {
            let prefix = Path::new(prefix);
            let made = PrefixWithout::of(prefix, &gone, session.temporary_folder());
            made.map(Some).map_err(|source| RestoreError::NoLinks {
                prefix: prefix.to_owned(),
                temporary: session.temporary_folder().to_owned(),
                source,
            })
        }
        _ => Ok(None),
    }
}

/// Returns the program of a command line.
pub(super) fn program(
    line: &Argv,
    means: &Means,
    session: &Session,
) -> Result<Program, RestoreError> {
    let name = match (line.tool, &means.base) {
        (Tool::Python, Some(base)) => base.as_str(),
        (tool, _) => tool.program(),
    };
    found(name, session).ok_or_else(|| RestoreError::NoManager {
        program: name.to_owned(),
    })
}
