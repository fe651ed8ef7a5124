//! The plan: what has to be done so that one environment becomes another, and under which name.
//!
//! A pure function of two captures and a policy. The invariant: the name of a plan is the digest of
//! all it says, so that what was shown is what is done: the same machine, the same target and the
//! same policy make the same plan, and anything else another one.

use std::collections::BTreeMap;

use runstone_core::canon;
use runstone_core::digest::Digest;
use serde_json::{Map, Value, json};

use super::gate::{self, Obstacle};
use super::manager::Manager;
use super::policy::Policy;
use super::side::{Places, Side};
use super::step::{Action, Found, Kept, Step};
use super::{apt, conda, globals, npm, python};
use crate::names::SourceName;

/// The schema of a plan, by which readers know it.
pub const SCHEMA: &str = "runstone.restore-plan/1";

/// Sources that decide whether a plan may be followed at all.
const UNDERNEATH: [SourceName; 2] = [SourceName::Kernel, SourceName::Os];

/// How many digits of a plan's name stand in the name of a folder. Chosen: as few as tell apart.
const DIGITS: usize = 12;

/// What has to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The environment that is to be.
    pub target: Digest,
    /// What was there when it was made: the digest of each source that was looked at.
    pub against: BTreeMap<SourceName, Digest>,
    /// Where it is done.
    pub places: Places,
    /// What was allowed.
    pub policy: Policy,
    /// The managers that were asked, in the order in which they act.
    pub managers: Vec<Manager>,
    /// What becomes of each package, by manager and name.
    pub steps: Vec<Step>,
    /// What stays although the target lacks it.
    pub kept: Vec<Kept>,
    /// What else should be known.
    pub notes: Vec<String>,
}

/// There is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment cannot be restored here")]
pub struct NotPlanned {
    /// Everything in the way.
    pub obstacles: Vec<Obstacle>,
    /// The managers in whose way nothing is.
    pub free: Vec<Manager>,
}

/// Plans how `current` becomes `target`.
///
/// # Errors
/// [`NotPlanned`] with everything in the way, if the two have nothing to do with each other or were
/// not captured.
///
/// # Examples
/// ```
/// use runstone_env::restore::{Policy, Side, plan};
/// use runstone_env::{Environment, Package, Source, SourceName, State};
///
/// let with_attrs = |version: &str| {
///     let mut python = Source::without_facts(State::Captured);
///     python.packages.push(Package::new("attrs", version));
///     python.facts.insert("virtual".into(), true.into());
///     let mut environment = Environment::default();
///     environment.sources.insert(SourceName::Python, python);
///     environment
/// };
/// let (current, target) = (with_attrs("24.1.0"), with_attrs("23.2.0"));
/// let mut here = Side::of(&current);
/// here.places.python = Some("/srv/venv".into());
/// let policy = Policy {
///     allow_foreign: true,
///     ..Policy::default()
/// };
///
/// let plan = plan(&here, &Side::of(&target), &policy)?;
/// let steps: Vec<_> = plan
///     .steps
///     .iter()
///     .map(|it| (it.action.as_str(), &*it.name))
///     .collect();
/// assert_eq!(steps, [("downgrade", "attrs")]);
/// # Ok::<(), runstone_env::restore::NotPlanned>(())
/// ```
pub fn plan(current: &Side<'_>, target: &Side<'_>, policy: &Policy) -> Result<Plan, NotPlanned> {
    let managers = gate::selected(current, target, policy);
    let obstacles = gate::obstacles(current, target, policy, &managers);
    if !obstacles.is_empty() {
        let is_free = |manager: &&Manager| obstacles.iter().all(|it| it.manager != **manager);
        return Err(NotPlanned {
            free: managers.iter().filter(is_free).copied().collect(),
            obstacles,
        });
    }
    let mut found = Found::default();
    for manager in &managers {
        match manager {
            Manager::Apt => apt::steps(current, target, policy, &mut found),
            Manager::Conda => conda::steps(current, target, policy, &mut found),
            Manager::Pip => python::steps(current, target, policy, &mut found),
            Manager::Npm => npm::steps(current, target, policy, &mut found),
            Manager::Pnpm | Manager::Yarn => {
                globals::steps(*manager, current, target, &mut found);
            }
        }
    }
    globals::notes(current, target, policy, &mut found);
    let place = |manager: Manager, place: &Option<String>| {
        place.clone().filter(|_| managers.contains(&manager))
    };
    let python = policy.into.clone();
    Ok(Plan {
        target: target.environment.digests().environment,
        against: against(current, &managers),
        places: Places {
            python: python.or_else(|| place(Manager::Pip, &current.places.python)),
            conda: place(Manager::Conda, &current.places.conda),
            npm: place(Manager::Npm, &current.places.npm),
        },
        policy: policy.clone(),
        managers,
        steps: found.steps,
        kept: found.kept,
        notes: found.notes,
    })
}

/// Returns the digests of what a plan for these managers looks at.
fn against(current: &Side<'_>, managers: &[Manager]) -> BTreeMap<SourceName, Digest> {
    let is_looked_at = |name: &SourceName| {
        let is_managers = managers.iter().any(|manager| manager.source() == *name);
        let is_marks = *name == SourceName::Apt && managers.contains(&Manager::Apt);
        is_managers || is_marks || UNDERNEATH.contains(name)
    };
    let digests = current.environment.digests().sources.into_iter();
    digests.filter(|(name, _)| is_looked_at(name)).collect()
}

impl Plan {
    /// Returns the steps of one manager that it can take.
    pub fn steps_of(&self, manager: Manager) -> impl Iterator<Item = &Step> {
        let steps = self.steps.iter();
        steps.filter(move |step| step.manager == manager && step.acts())
    }

    /// Returns the managers that have something to do, in the order in which they act.
    pub fn at_work(&self) -> Vec<Manager> {
        let managers = self.managers.iter().copied();
        managers
            .filter(|manager| self.steps_of(*manager).next().is_some())
            .collect()
    }

    /// Tells whether the target is reached by doing nothing.
    pub fn is_nothing(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns the folder of the Python environment that is changed. One that is made anew stands
    /// beside the name it gets, under a name of its own: programs in it know their place.
    pub fn environment_folder(&self) -> Option<String> {
        match &self.policy.into {
            Some(into) => Some(format!("{into}.{}", self.id().prefix(DIGITS))),
            None => self.places.python.clone(),
        }
    }

    /// Returns what is wanted and cannot be had.
    pub fn unavailable(&self) -> impl Iterator<Item = &Step> {
        let steps = self.steps.iter();
        steps.filter(|step| step.action == Action::Unavailable)
    }

    /// Returns the name of the plan: the digest of all it says.
    pub fn id(&self) -> Digest {
        Digest::of_named("restore.plan", &canon::bytes(&self.body()))
    }

    /// Returns the plan with its name.
    pub fn to_json(&self) -> Value {
        let mut json = self.body();
        json["plan_id"] = json!(self.id());
        json
    }

    fn body(&self) -> Value {
        let against = self.against.iter();
        let against: Map<String, Value> = against
            .map(|(name, digest)| (name.as_str().to_owned(), json!(digest)))
            .collect();
        let managers: Vec<&str> = self.managers.iter().map(|it| it.as_str()).collect();
        json!({
            "schema": SCHEMA,
            "target": self.target,
            "against": against,
            "places": self.places.to_json(),
            "policy": self.policy.to_json(),
            "managers": managers,
            "steps": self.steps.iter().map(Step::to_json).collect::<Vec<_>>(),
            "kept": self.kept.iter().map(Kept::to_json).collect::<Vec<_>>(),
            "notes": self.notes,
        })
    }
}
