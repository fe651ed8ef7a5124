//! A proposal: what would be done to restore an environment, proved by the managers that would.
//!
//! Reading and asking alone: nothing is written, and no lock is taken. The invariant: a plan that
//! comes from a file is not believed. Of it only the target, the policy and the name are read; the
//! plan is made again, and has to have that name.

use std::path::PathBuf;

use runstone_core::canon;
use runstone_core::digest::Digest;
use runstone_core::note::Author;
use runstone_env::restore::argv::{Installer, Means, script};
use runstone_env::restore::{Manager, NotPlanned, Plan, Policy, SCHEMA, plan};
use serde_json::{Value, json};

use super::error::RestoreError;
use super::fresh;
use super::machine::Machine;
use crate::environments::{
    CaptureRequest, EnvironmentReference, FoundEnvironment, KeptEnvironment,
};
use crate::error::Error;
use crate::managers::{Session, working};
use crate::open::Ledger;

/// What a restore has to know about who asks for it.
#[derive(Debug, Clone, Default)]
pub struct RestoreRequest {
    /// How the machine is captured.
    pub capture: CaptureRequest,
    /// What may be done.
    pub policy: Policy,
    /// Who asks.
    pub by: Option<Author>,
}

/// What would be done.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The environment that is to be.
    pub target: FoundEnvironment,
    /// What has to be done.
    pub plan: Plan,
    pub(super) means: Means,
    pub(super) request: RestoreRequest,
}

impl Ledger {
    /// Plans how the machine becomes the environment that `reference` names, and has the managers
    /// say what they would do.
    ///
    /// # Errors
    /// As [`Ledger::find_environment`]; [`Error::Restore`] if it cannot be done here, or a manager
    /// would do something else.
    pub fn propose_restore(
        &self,
        reference: &EnvironmentReference,
        request: RestoreRequest,
    ) -> Result<Proposal, Error> {
        let target = self.find_environment(reference, &request.capture)?;
        let machine = self.machine(&request.capture)?;
        Proposal::proved(target, request, &machine)
    }

    /// Makes the plan that `document` holds again, and has it proved. `name` is what the caller
    /// calls the document.
    ///
    /// # Errors
    /// As [`Ledger::propose_restore`]; [`RestoreError::NotAPlan`] if it is none, and
    /// [`RestoreError::OtherMachine`] if another plan would be made now.
    pub fn propose_planned(
        &self,
        document: &Value,
        name: &str,
        mut request: RestoreRequest,
    ) -> Result<Proposal, Error> {
        let claimed = Claimed::of(document, name)?;
        request.policy = claimed.policy;
        if request.policy.into.is_none() && request.capture.python.is_none() {
            request.capture.python = claimed.python.map(PathBuf::from);
        }
        let reference = EnvironmentReference::Digest(claimed.target.to_string());
        let target = self.find_environment(&reference, &request.capture)?;
        let machine = self.machine(&request.capture)?;
        let now = planned(&machine, &target, &request.policy)?.id();
        if now != claimed.id {
            return Err(RestoreError::OtherMachine {
                planned: claimed.id,
                now,
            }
            .into());
        }
        Proposal::proved(target, request, &machine)
    }
}

/// Plans how the machine becomes the target.
pub(super) fn planned(
    machine: &Machine,
    target: &FoundEnvironment,
    policy: &Policy,
) -> Result<Plan, RestoreError> {
    plan(&machine.side(), &machine.target(target), policy)
        .map_err(|not: NotPlanned| RestoreError::NotPlanned(not))
}

/// What is read of a plan that was written down.
struct Claimed {
    id: Digest,
    target: Digest,
    policy: Policy,
    python: Option<String>,
}

impl Claimed {
    /// Reads a plan, alone or within an answer that showed it.
    fn of(document: &Value, name: &str) -> Result<Self, RestoreError> {
        let not = |why: String| RestoreError::NotAPlan {
            name: name.to_owned(),
            why,
        };
        let mut plan = document.get("plan").unwrap_or(document).clone();
        if plan.get("schema").and_then(Value::as_str) != Some(SCHEMA) {
            return Err(not(format!("its schema is not `{SCHEMA}`")));
        }
        let digest = |member: &str| {
            let digest = plan.get(member).and_then(Value::as_str);
            let digest = digest.and_then(|it| it.parse::<Digest>().ok());
            digest.ok_or_else(|| not(format!("its `{member}` is no digest")))
        };
        let (id, target) = (digest("plan_id")?, digest("target")?);
        let policy = plan.get("policy").map(Policy::from_json).transpose();
        let policy = policy.map_err(|error| not(error.to_string()))?;
        let policy = policy.ok_or_else(|| not("it has no policy".to_owned()))?;
        // A prefix of conda names the interpreter as well; where both are named and are not one,
        // only the session can say so.
        let place = |member: &str| plan.pointer(member).and_then(Value::as_str);
        let python = match (place("/places/python"), place("/places/conda")) {
            (Some(python), Some(conda)) if python != conda => None,
            (python, conda) => python.or(conda),
        };
        let python = python.map(ToOwned::to_owned);
        if let Some(members) = plan.as_object_mut() {
            members.remove("plan_id");
        }
        if Digest::of_named("restore.plan", &canon::bytes(&plan)) != id {
            return Err(not(
                "its `plan_id` is not the digest of what it says".to_owned()
            ));
        }
        Ok(Self {
            id,
            target,
            policy,
            python,
        })
    }
}

impl Proposal {
    /// Plans and proves.
    fn proved(
        target: FoundEnvironment,
        request: RestoreRequest,
        machine: &Machine,
    ) -> Result<Self, Error> {
        let plan = planned(machine, &target, &request.policy)?;
        if let Some(into) = &plan.policy.into {
            fresh::is_free(into, plan.environment_folder().as_deref())?;
        }
        let session = Session::of(&request.capture.variables);
        let means = Means {
            installer: if working("uv", &session).is_some() {
                Installer::Uv
            } else {
                Installer::Pip
            },
            base: machine.interpreter.clone(),
            without: None,
        };
        let proposal = Self {
            target,
            plan,
            means,
            request,
        };
        proposal.prove(machine, &session)?;
        Ok(proposal)
    }

    /// Returns the command lines as a script of the POSIX shell.
    pub fn script(&self) -> String {
        script(&self.plan, &self.means)
    }

    /// Tells whether a manager would have to be root to do its part, and this process is not.
    pub fn wants_root(&self) -> bool {
        let is_root = rustix::process::geteuid().is_root();
        !is_root && self.plan.at_work().contains(&Manager::Apt)
    }

    /// Returns the stable JSON form of what would be done, schema `runstone.env-restore/1`.
    pub fn to_json(&self) -> Value {
        let kept = self.target.kept.as_ref().map(KeptEnvironment::id);
        let outcome = if self.plan.is_nothing() {
            "nothing"
        } else {
            "planned"
        };
        json!({
            "schema": "runstone.env-restore/1",
            "target": { "id": kept, "digest": self.target.digest() },
            "plan": self.plan.to_json(),
            "outcome": outcome,
        })
    }
}
