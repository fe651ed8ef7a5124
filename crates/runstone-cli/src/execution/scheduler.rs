//! What batch systems and build servers say about the job a process belongs to.
//!
//! A job that is started again has the same run id, so that the second try is an attempt of the
//! first, and a task of a job array is a point of one sweep. The variables are those of each
//! system's own manual; `docs/running.md` lists them.

/// A job, as its scheduler tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    /// The scheduler, such as `slurm`.
    pub(crate) scheduler: &'static str,
    /// Its name of the job, stable when the job is started again.
    pub(crate) id: String,
    /// The job array it is a task of.
    pub(crate) array: Option<String>,
    /// Whether the scheduler started it again.
    pub(crate) is_restarted: bool,
    /// Whether it builds what somebody proposes to merge.
    pub(crate) is_proposal: bool,
}

/// Returns the value of a variable that is set and not empty.
type Read<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Job {
    /// Returns the job this process belongs to.
    pub(crate) fn of(read: Read<'_>) -> Option<Self> {
        // Batch systems go before build servers: a build may submit a job, and its environment
        // often comes along.
        [slurm, lsf, pbs, grid_engine, github, gitlab]
            .into_iter()
            .find_map(|system| system(read))
    }

    /// Returns the run id of everything this job runs.
    pub(crate) fn run_id(&self) -> String {
        format!("{}-{}", self.scheduler, self.id)
    }

    /// Returns the sweep that the tasks of its array are points of.
    pub(crate) fn sweep(&self) -> Option<String> {
        self.array
            .as_ref()
            .map(|array| format!("{}-{array}", self.scheduler))
    }

    /// Tells whether the scheduler says when it starts a job again; PBS does not, and GitLab gives
    /// a job that is retried another number.
    pub(crate) fn tells_restarts(&self) -> bool {
        !matches!(self.scheduler, "pbs" | "gitlab")
    }

    fn batch(scheduler: &'static str, id: String) -> Self {
        Self {
            scheduler,
            id,
            array: None,
            is_restarted: false,
            is_proposal: false,
        }
    }
}

fn slurm(read: Read<'_>) -> Option<Job> {
    let own = read("SLURM_JOB_ID")?;
    let array = read("SLURM_ARRAY_JOB_ID");
    let mut job = match (&array, read("SLURM_ARRAY_TASK_ID")) {
        (Some(array), Some(task)) => format!("{array}_{task}"),
        _ => own,
    };
    // Several tasks of one step are several runs.
    let tasks = read("SLURM_STEP_NUM_TASKS").and_then(|tasks| tasks.parse::<u32>().ok());
    if let (Some(2..), Some(step), Some(task)) =
        (tasks, read("SLURM_STEP_ID"), read("SLURM_PROCID"))
    {
        job = format!("{job}.{step}.{task}");
    }
    Some(Job {
        array,
        is_restarted: read("SLURM_RESTART_COUNT").is_some_and(|count| count != "0"),
        ..Job::batch("slurm", job)
    })
}

fn lsf(read: Read<'_>) -> Option<Job> {
    let id = read("LSB_JOBID")?;
    let task = read("LSB_JOBINDEX").filter(|task| task != "0");
    let is_restarted = read("LSB_RESTART").is_some_and(|word| word.eq_ignore_ascii_case("y"));
    Some(match task {
        Some(task) => Job {
            array: Some(id.clone()),
            is_restarted,
            ..Job::batch("lsf", format!("{id}_{task}"))
        },
        None => Job {
            is_restarted,
            ..Job::batch("lsf", id)
        },
    })
}

fn pbs(read: Read<'_>) -> Option<Job> {
    let id = read("PBS_JOBID")?;
    // `1234[7].server` is task 7 of the array `1234[].server`.
    let number = id.split('.').next().unwrap_or(&id);
    Some(match number.split_once('[') {
        Some((array, task)) => Job {
            array: Some(array.to_owned()),
            ..Job::batch("pbs", format!("{array}_{}", task.trim_end_matches(']')))
        },
        None => Job::batch("pbs", number.to_owned()),
    })
}

fn grid_engine(read: Read<'_>) -> Option<Job> {
    // `JOB_ID` alone could be anybody's.
    read("SGE_ROOT")?;
    let id = read("JOB_ID")?;
    let is_restarted = read("RESTARTED").is_some_and(|count| count != "0");
    Some(
        match read("SGE_TASK_ID").filter(|task| task != "undefined") {
            Some(task) => Job {
                array: Some(id.clone()),
                is_restarted,
                ..Job::batch("sge", format!("{id}_{task}"))
            },
            None => Job {
                is_restarted,
                ..Job::batch("sge", id)
            },
        },
    )
}

fn github(read: Read<'_>) -> Option<Job> {
    let run = read("GITHUB_RUN_ID")?;
    let job = match read("GITHUB_JOB") {
        Some(job) => format!("{run}-{job}"),
        None => run,
    };
    Some(Job {
        is_restarted: read("GITHUB_RUN_ATTEMPT").is_some_and(|count| count != "1"),
        is_proposal: read("GITHUB_EVENT_NAME")
            .is_some_and(|event| event.starts_with("pull_request")),
        ..Job::batch("github", job)
    })
}

fn gitlab(read: Read<'_>) -> Option<Job> {
    // A job that is retried has a new number; its pipeline and its name stay.
    let pipeline = read("CI_PIPELINE_ID")?;
    let job = read("CI_JOB_NAME")?;
    Some(Job {
        is_proposal: read("CI_MERGE_REQUEST_ID").is_some(),
        ..Job::batch("gitlab", format!("{pipeline}-{job}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(variables: &[(&str, &str)]) -> Option<Job> {
        let read = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Job::of(&read)
    }

    #[test]
    fn a_requeued_job_keeps_its_run_id_and_is_another_attempt() {
        let first = job(&[("SLURM_JOB_ID", "4711"), ("SLURM_RESTART_COUNT", "0")]).unwrap();
        let again = job(&[("SLURM_JOB_ID", "4711"), ("SLURM_RESTART_COUNT", "1")]).unwrap();
        assert_eq!(first.run_id(), "slurm-4711");
        assert_eq!(again.run_id(), first.run_id());
        assert!(!first.is_restarted && again.is_restarted);
        assert_eq!(first.sweep(), None);
    }

    #[test]
    fn a_task_of_an_array_is_a_point_of_a_sweep() {
        let slurm = [
            ("SLURM_JOB_ID", "4719"),
            ("SLURM_ARRAY_JOB_ID", "4711"),
            ("SLURM_ARRAY_TASK_ID", "8"),
        ];
        for (variables, run_id, sweep) in [
            (&slurm[..], "slurm-4711_8", "slurm-4711"),
            (&[("PBS_JOBID", "99[3].head")], "pbs-99_3", "pbs-99"),
            (
                &[("LSB_JOBID", "5"), ("LSB_JOBINDEX", "2")],
                "lsf-5_2",
                "lsf-5",
            ),
            (
                &[("SGE_ROOT", "/s"), ("JOB_ID", "6"), ("SGE_TASK_ID", "1")],
                "sge-6_1",
                "sge-6",
            ),
        ] {
            let job = job(variables).unwrap();
            assert_eq!(job.run_id(), run_id);
            assert_eq!(job.sweep().as_deref(), Some(sweep));
        }
    }

    #[test]
    fn tasks_of_one_step_are_runs_of_their_own() {
        let task = |number| {
            job(&[
                ("SLURM_JOB_ID", "4711"),
                ("SLURM_STEP_ID", "0"),
                ("SLURM_STEP_NUM_TASKS", "2"),
                ("SLURM_PROCID", number),
            ])
        };
        assert_eq!(task("0").unwrap().run_id(), "slurm-4711.0.0");
        assert_ne!(task("0"), task("1"));
    }

    #[test]
    fn a_build_of_a_proposal_is_known_as_one() {
        let github = |event, attempt| {
            job(&[
                ("GITHUB_RUN_ID", "77"),
                ("GITHUB_JOB", "bench"),
                ("GITHUB_EVENT_NAME", event),
                ("GITHUB_RUN_ATTEMPT", attempt),
            ])
            .unwrap()
        };
        assert!(github("pull_request_target", "1").is_proposal);
        assert!(!github("push", "1").is_proposal);
        assert!(github("push", "2").is_restarted);
        assert_eq!(github("push", "2").run_id(), "github-77-bench");
    }

    #[test]
    fn variables_that_other_programs_use_make_no_job() {
        assert_eq!(job(&[]), None);
        assert_eq!(job(&[("JOB_ID", "6")]), None);
        let undefined = [
            ("SGE_ROOT", "/s"),
            ("JOB_ID", "6"),
            ("SGE_TASK_ID", "undefined"),
        ];
        assert_eq!(job(&undefined).unwrap().sweep(), None);
    }
}
