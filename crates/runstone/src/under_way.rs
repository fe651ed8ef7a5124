//! Runs under way: what a wrapped command says of itself before it starts, until it is recorded.
//!
//! An entry lies on the shelf, below `started/`, in a folder of its run and stage; so whoever
//! begins the same run looks at a handful of files however many runs are under way. It is put
//! before the command starts and removed once the run is recorded. Nobody else ever records a run
//! that vanished: whether it is lost is computed when it is shown, by the host it ran on, and
//! unknown everywhere else. Facts about hosts and processes come in as a [`Host`]; an entry is best
//! effort, so one that a power cut took is a run that nobody knew was under way, and nothing else.

use std::time::Duration;

use runstone_core::digest::Digest;
use runstone_core::snapshot::Captured;
use runstone_store::{CohortName, Exclusive, Keep, KeyText, Room, ShelfPath};
use serde_json::{Value, json};

use crate::commit::AttemptChoice;
use crate::error::{Error, chain};
use crate::open::Ledger;

/// The version of the entry's shape.
const SCHEMA: &str = "runstone.started/1";

/// How often the lock of a run is tried, and how long apart. Rivals hold it for milliseconds;
/// chosen so that a hundred of them are waited for.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// A run under way, as its wrapper describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Names this execution; never used twice. Letters and digits.
    pub nonce: String,
    /// The run.
    pub run_id: String,
    /// The stage.
    pub stage: String,
    /// The cohort it will join, as far as it is foreseen.
    pub cohort: Option<String>,
    /// The attempt it was told to be; `None`: to be found.
    pub attempt: Option<u32>,
    /// The process that watches it.
    pub process: ProcessId,
    /// The scheduler's name and the job, if it runs in one.
    pub job: Option<(String, String)>,
    /// When it began, UTC RFC 3339, by the clock of its host.
    pub started_at: String,
}

/// A process, by everything that tells it from one of the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessId {
    /// The name of its host.
    pub host: String,
    /// Which boot of the host.
    pub boot_id: Option<String>,
    /// Which space of process ids on the host.
    pub pid_space: Option<String>,
    /// Its number.
    pub pid: u32,
    /// When it began, in the host's own units.
    pub began: Option<u64>,
}

/// What can be seen from this host.
pub trait Host {
    /// Returns this process.
    fn this_process(&self) -> ProcessId;
    /// Returns when the process of this number began, or `None` if there is none.
    fn began(&self, pid: u32) -> Option<Option<u64>>;
}

/// What is known of a run that is not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing speaks against its being under way.
    Unfinished,
    /// The process that watched it is gone.
    Lost,
}

impl State {
    /// Returns the word used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Lost => "lost",
        }
    }
}

/// A run under way, and what this host knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderWay {
    /// The run.
    pub started: Started,
    /// Whether its process is still there.
    pub state: State,
}

impl UnderWay {
    /// Returns the row as JSON.
    pub fn to_json(&self) -> Value {
        let Started {
            run_id,
            stage,
            process,
            started_at,
            ..
        } = &self.started;
        json!({
            "run_id": run_id,
            "stage": stage,
            "host": process.host,
            "started_at": started_at,
            "state": self.state.as_str(),
        })
    }
}

/// What lies below `started/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunsUnderWay {
    /// The runs, those that began last first.
    pub rows: Vec<UnderWay>,
    /// What lies there and could not be read, each with its path and why.
    pub unreadable: Vec<String>,
}

/// The entries of one folder.
#[derive(Debug, Default)]
struct Entries {
    started: Vec<Started>,
    unreadable: Vec<String>,
}

impl Started {
    /// Returns what this host knows of the run.
    pub fn state(&self, host: &dyn Host) -> State {
        let (here, there) = (host.this_process(), &self.process);
        let differ = |here: &Option<String>, there: &Option<String>| matches!((here, there), (Some(here), Some(there)) if here != there);
        if here.host != there.host {
            return State::Unfinished;
        }
        if differ(&here.boot_id, &there.boot_id) {
            return State::Lost;
        }
        // A process of another space (a container) cannot be seen from here.
        if differ(&here.pid_space, &there.pid_space) {
            return State::Unfinished;
        }
        match (host.began(there.pid), there.began) {
            (None, _) => State::Lost,
            (Some(Some(now)), Some(then)) if now != then => State::Lost,
            (Some(_), _) => State::Unfinished,
        }
    }

    /// Tells whether both would be recorded as the same attempt of the same run, one of them in
    /// vain.
    fn is_rival_of(&self, other: &Self) -> bool {
        let differ = matches!((&self.cohort, &other.cohort), (Some(a), Some(b)) if a != b);
        // A scheduler runs a job once at a time: an earlier start of the same job is over.
        let is_same_job = self.job.is_some() && self.job == other.job;
        self.nonce != other.nonce
            && self.run_id == other.run_id
            && self.stage == other.stage
            && !differ
            && !is_same_job
            && (self.attempt == other.attempt || self.attempt.is_none() || other.attempt.is_none())
    }

    fn folder(&self) -> ShelfPath {
        let named = Digest::of_named(
            SCHEMA,
            format!("{}\0{}", self.run_id, self.stage).as_bytes(),
        );
        let part = named.prefix(32);
        ShelfPath::new(Room::Started, &[&part]).expect("hex digits are a name")
    }

    fn path(&self) -> Result<ShelfPath, Error> {
        self.folder()
            .below(&format!("{}.json", self.nonce))
            .map_err(|bad| Error::Usage {
                what: bad.to_string(),
                hint: "name an execution by letters and digits".to_owned(),
            })
    }

    fn to_json(&self) -> Value {
        json!({
            "schema": SCHEMA,
            "nonce": self.nonce,
            "run_id": self.run_id,
            "stage": self.stage,
            "cohort": self.cohort,
            "attempt": self.attempt,
            "host": self.process.host,
            "boot_id": self.process.boot_id,
            "pid_space": self.process.pid_space,
            "pid": self.process.pid,
            "process_began": self.process.began,
            "scheduler": self.job.as_ref().map(|(name, job)| json!({ "name": name, "job": job })),
            "started_at": self.started_at,
        })
    }

    /// Reads an entry; `None` if it is torn, or of a shape this release does not know.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let entry: Value = serde_json::from_slice(bytes).ok()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        if entry.get("schema")?.as_str()? != SCHEMA {
            return None;
        }
        Some(Self {
            nonce: text(entry.get("nonce")?)?,
            run_id: text(entry.get("run_id")?)?,
            stage: text(entry.get("stage")?)?,
            cohort: text(entry.get("cohort")?),
            attempt: number(entry.get("attempt")?),
            process: ProcessId {
                host: text(entry.get("host")?)?,
                boot_id: text(entry.get("boot_id")?),
                pid_space: text(entry.get("pid_space")?),
                pid: number(entry.get("pid")?)?,
                began: entry.get("process_began")?.as_u64(),
            },
            job: entry
                .get("scheduler")
                .and_then(|job| Some((text(job.get("name")?)?, text(job.get("job")?)?))),
            started_at: text(entry.get("started_at")?)?,
        })
    }
}

impl Ledger {
    /// Says that a run is under way.
    ///
    /// # Errors
    /// [`Error::UnderWay`] if the same attempt of the same run is under way already, as far as can
    /// be seen; [`Error::Store`] if the store cannot be written to.
    pub fn begin(
        &self,
        started: &Started,
        choice: AttemptChoice,
        host: &dyn Host,
    ) -> Result<(), Error> {
        let path = started.path()?;
        let bytes = started.to_json().to_string();
        let put = || {
            self.store
                .shelf()
                .put(&path, bytes.as_bytes(), Keep::BestEffort)
        };
        // Whoever asks for the next attempt stands in nobody's way.
        if choice == AttemptChoice::Next {
            return Ok(put()?);
        }
        let refuse = |rival: Option<Started>| match rival {
            Some(rival) => Err(Error::UnderWay(Box::new(rival))),
            None => Ok(()),
        };
        let mut rival = None;
        let mut look_and_put = || {
            rival = self.rival(started, host);
            if rival.is_none() { put() } else { Ok(()) }
        };
        for _ in 0..TRIES {
            let shelf = self.store.shelf();
            match shelf.exclusively(&started.folder(), &mut look_and_put)? {
                Exclusive::Done => return refuse(rival),
                Exclusive::Busy => std::thread::sleep(PAUSE),
                Exclusive::NoLocks => break,
            }
        }
        // Without a lock: put first, then look. Two may both give way, and neither both go on.
        put()?;
        let rival = self.rival(started, host);
        if rival.is_some() {
            self.end(started)?;
        }
        refuse(rival)
    }

    /// Says that a run is under way no longer, because it is recorded or will not be. Earlier
    /// starts of it that are lost are forgotten with it.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be written to.
    pub fn end(&self, started: &Started) -> Result<(), Error> {
        let shelf = self.store.shelf();
        shelf.remove(&started.path()?)?;
        Ok(shelf.remove_folder(&started.folder())?)
    }

    /// Forgets the starts of this run and stage that this host knows to be lost.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be read or written to.
    pub fn forget_lost(&self, started: &Started, host: &dyn Host) -> Result<(), Error> {
        for other in self.started_in(&started.folder()).started {
            if other.nonce != started.nonce && other.state(host) == State::Lost {
                self.end(&other)?;
            }
        }
        Ok(())
    }

    /// Returns the runs under way. What is recorded, though nobody came to say so, is left out;
    /// what cannot be read is named beside them.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be read.
    pub fn under_way(&self, host: &dyn Host) -> Result<RunsUnderWay, Error> {
        let room = ShelfPath::of(Room::Started);
        let mut found = RunsUnderWay::default();
        for folder in self.store.shelf().list(&room)? {
            let Ok(path) = room.below(&folder.name) else {
                continue;
            };
            if !folder.is_folder {
                continue;
            }
            let entries = self.started_in(&path);
            found.unreadable.extend(entries.unreadable);
            for started in entries.started {
                if !self.is_recorded(&started)? {
                    let state = started.state(host);
                    found.rows.push(UnderWay { started, state });
                }
            }
        }
        found.rows.sort_by(|a, b| {
            let by = |row: &UnderWay| (row.started.started_at.clone(), row.started.nonce.clone());
            by(b).cmp(&by(a))
        });
        Ok(found)
    }

    fn rival(&self, started: &Started, host: &dyn Host) -> Option<Started> {
        let others = self.started_in(&started.folder()).started;
        others
            .into_iter()
            .find(|other| other.is_rival_of(started) && other.state(host) == State::Unfinished)
    }

    /// Returns the entries of a folder. What was removed meanwhile, or is no entry, is passed over;
    /// what cannot be read stands in nobody's way and is named.
    fn started_in(&self, folder: &ShelfPath) -> Entries {
        let shelf = self.store.shelf();
        let mut found = Entries::default();
        let files = shelf.list(folder).unwrap_or_else(|error| {
            found.unreadable.push(chain(&error));
            Vec::new()
        });
        for file in files {
            let Ok(path) = folder.below(&file.name) else {
                continue;
            };
            if file.is_folder {
                continue;
            }
            match shelf.get(&path) {
                Ok(bytes) => found
                    .started
                    .extend(bytes.as_deref().and_then(Started::from_bytes)),
                Err(error) => found.unreadable.push(chain(&error)),
            }
        }
        found
    }

    /// Tells whether the execution was recorded, though its entry is still there: its wrapper was
    /// killed between the two.
    fn is_recorded(&self, started: &Started) -> Result<bool, Error> {
        let foreseen: Option<CohortName> = started
            .cohort
            .as_ref()
            .and_then(|cohort| cohort.parse().ok());
        let others = self.store.cohorts("", None)?;
        for cohort in foreseen.into_iter().chain(others) {
            let key_of = |attempt: u32| KeyText {
                run: started.run_id.clone(),
                stage: started.stage.clone(),
                cohort: cohort.clone(),
                attempt,
            };
            // The attempt it was told to be may lie behind a gap, where the walk does not come.
            if let Some(told) = started.attempt
                && self.is_recorded_at(&key_of(told), started)?
            {
                return Ok(true);
            }
            for attempt in 0..=u32::MAX {
                let key = key_of(attempt);
                // A claim without a recording is passed by whoever looks for a free attempt.
                if self.store.claim(&key)?.is_none() {
                    break;
                }
                if self.is_recorded_at(&key, started)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Tells whether what is recorded at `key` is this execution. What is damaged there is named by
    /// those who list snapshots, and is not known to be.
    fn is_recorded_at(&self, key: &KeyText, started: &Started) -> Result<bool, Error> {
        let Some(committed) = self.store.find(key)? else {
            return Ok(false);
        };
        let stored = match self.stored(&key.cohort, committed.seq) {
            Ok(stored) => stored,
            Err(error) if error.costs_its_place_alone() => return Ok(false),
            Err(error) => return Err(error),
        };
        Ok(match &stored.snapshot.process {
            Captured::Known(process) => {
                process.get("execution").and_then(Value::as_str) == Some(&started.nonce)
            }
            Captured::NotCaptured { .. } => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host on which process 7 began at 100.
    struct Fake(ProcessId);

    impl Fake {
        fn new(host: &str, boot_id: Option<&str>) -> Self {
            Self(ProcessId {
                host: host.to_owned(),
                boot_id: boot_id.map(str::to_owned),
                pid_space: Some("1".to_owned()),
                pid: 7,
                began: Some(100),
            })
        }
    }

    impl Host for Fake {
        fn this_process(&self) -> ProcessId {
            self.0.clone()
        }

        fn began(&self, pid: u32) -> Option<Option<u64>> {
            (pid == 7).then_some(Some(100))
        }
    }

    fn started(process: ProcessId) -> Started {
        Started {
            nonce: "n1".to_owned(),
            run_id: "r:1/ü".to_owned(),
            stage: "train".to_owned(),
            cohort: Some("train.x.0".to_owned()),
            attempt: None,
            process,
            job: Some(("slurm".to_owned(), "4711".to_owned())),
            started_at: "2026-11-20T10:00:00.000Z".to_owned(),
        }
    }

    #[test]
    fn a_run_is_lost_only_where_its_own_host_shows_its_process_gone() {
        let here = Fake::new("a", Some("boot 1"));
        let with = |change: fn(&mut ProcessId)| {
            let mut process = here.0.clone();
            change(&mut process);
            started(process).state(&here)
        };
        assert_eq!(with(|_| {}), State::Unfinished);
        assert_eq!(with(|it| it.host = "b".to_owned()), State::Unfinished);
        assert_eq!(with(|it| it.pid = 8), State::Lost);
        // The number is another process's now.
        assert_eq!(with(|it| it.began = Some(99)), State::Lost);
        assert_eq!(with(|it| it.began = None), State::Unfinished);
        // The host was started again, and the number may be anybody's.
        assert_eq!(
            with(|it| it.boot_id = Some("boot 0".to_owned())),
            State::Lost
        );
        assert_eq!(with(|it| it.boot_id = None), State::Unfinished);
        // A container of the same name sees other processes.
        let elsewhere = |it: &mut ProcessId| {
            it.pid_space = Some("2".to_owned());
            it.pid = 8;
        };
        assert_eq!(with(elsewhere), State::Unfinished);
    }

    #[test]
    fn rivals_are_the_same_attempt_of_the_same_run() {
        let one = started(Fake::new("a", None).0);
        let with = |change: fn(&mut Started)| {
            let mut other = one.clone();
            other.nonce = "n2".to_owned();
            other.job = None;
            change(&mut other);
            one.is_rival_of(&other)
        };
        assert!(with(|_| {}));
        assert!(with(|it| it.cohort = None));
        assert!(with(|it| it.attempt = Some(1)));
        assert!(!with(|it| it.run_id = "r2".to_owned()));
        assert!(!with(|it| it.stage = "eval".to_owned()));
        assert!(!with(|it| it.cohort = Some("train.y.1".to_owned())));
        assert!(!with(
            |it| it.job = Some(("slurm".to_owned(), "4711".to_owned()))
        ));
        assert!(!one.is_rival_of(&one));
    }

    #[test]
    fn an_entry_reads_back_as_it_was_written_and_has_the_shape_of_version_one() {
        let one = started(Fake::new("a", Some("boot 1")).0);
        let written = one.to_json().to_string();
        assert_eq!(Started::from_bytes(written.as_bytes()), Some(one));
        assert_eq!(
            written,
            concat!(
                r#"{"attempt":null,"boot_id":"boot 1","cohort":"train.x.0","host":"a","nonce":"n1","#,
                r#""pid":7,"pid_space":"1","process_began":100,"run_id":"r:1/ü","#,
                r#""scheduler":{"job":"4711","name":"slurm"},"schema":"runstone.started/1","#,
                r#""stage":"train","started_at":"2026-11-20T10:00:00.000Z"}"#,
            )
        );
        for torn in ["", "{", r#"{"schema":"runstone.started/2"}"#, "[]"] {
            assert_eq!(Started::from_bytes(torn.as_bytes()), None, "{torn}");
        }
    }
}
