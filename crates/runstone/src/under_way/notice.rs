//! The notice of a run under way, and where it lies.
//!
//! It lies on the shelf, below `started/`, in a folder of its run and stage; so whoever begins the
//! same run looks at a handful of files however many runs are under way. The invariant: what is
//! read back is what was written, and what is torn or of another shape is named and not half read.
//! Who may put one is left to [`super::begin`].

use runstone_core::digest::Digest;
use runstone_core::redact::{MASK, Redaction};
use runstone_store::{Room, ShelfPath};
use serde_json::{Value, json};

use crate::error::{Error, chain};
use crate::open::Ledger;

/// The version of the entry's shape.
const SCHEMA: &str = "runstone.started/1";

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

/// The entries of one folder.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) started: Vec<Started>,
    pub(super) unreadable: Vec<String>,
}

impl Started {
    /// Takes the secrets out of what is known of the process, by the rules for its facts. The name
    /// of the run and its stage have none: a run that has is not foreseen.
    pub(super) fn without_secrets(&self, redaction: &Redaction) -> Self {
        let facts = json!({
            "host": self.process.host,
            "scheduler": self.job.as_ref().map(|(name, job)| json!({ "name": name, "job": job })),
        });
        let left = redaction.captured("process", facts, None);
        let text = |value: &Value| value.as_str().unwrap_or(MASK).to_owned();
        let job = left.get("scheduler").filter(|job| !job.is_null());
        Self {
            process: ProcessId {
                host: text(&left["host"]),
                ..self.process.clone()
            },
            job: job.map(|job| (text(&job["name"]), text(&job["job"]))),
            ..self.clone()
        }
    }

    pub(super) fn folder(&self) -> ShelfPath {
        let named = Digest::of_named(
            SCHEMA,
            format!("{}\0{}", self.run_id, self.stage).as_bytes(),
        );
        let part = named.prefix(32);
        ShelfPath::new(Room::Started, &[&part]).expect("hex digits are a name")
    }

    pub(crate) fn path(&self) -> Result<ShelfPath, Error> {
        self.folder()
            .below(&format!("{}.json", self.nonce))
            .map_err(|bad| Error::Usage {
                what: bad.to_string(),
                hint: "name an execution by letters and digits".to_owned(),
            })
    }

    pub(super) fn to_json(&self) -> Value {
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

    /// Reads an entry, or says why it is none.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let entry: Value = serde_json::from_slice(bytes)
            .map_err(|error| format!("is torn, or no notice of a run ({error})"))?;
        match entry.get("schema").and_then(Value::as_str) {
            Some(SCHEMA) => {}
            Some(other) => return Err(format!("is of the shape `{other}`, of another release")),
            None => return Err("is no notice of a run".to_owned()),
        }
        Self::from_entry(&entry)
            .ok_or_else(|| "lacks a member, or has one that is not what it should be".to_owned())
    }

    fn from_entry(entry: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
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
    /// Returns the entries of a folder. What was removed meanwhile is passed over; what cannot be
    /// read as one stands in nobody's way and is named.
    pub(super) fn started_in(&self, folder: &ShelfPath) -> Entries {
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
                Ok(None) => {}
                Ok(Some(bytes)) => match Started::from_bytes(&bytes) {
                    Ok(started) => found.started.push(started),
                    Err(why) => found.unreadable.push(format!("`{path}` {why}")),
                },
                Err(error) => found.unreadable.push(chain(&error)),
            }
        }
        found
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::sight::tests::Fake;
    use super::*;

    pub(in crate::under_way) fn started(process: ProcessId) -> Started {
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
    fn an_entry_reads_back_as_it_was_written_and_has_the_shape_of_version_one() {
        let one = started(Fake::new("a", Some("boot 1")).0);
        let written = one.to_json().to_string();
        assert_eq!(Started::from_bytes(written.as_bytes()), Ok(one));
        assert_eq!(
            written,
            concat!(
                r#"{"attempt":null,"boot_id":"boot 1","cohort":"train.x.0","host":"a","nonce":"n1","#,
                r#""pid":7,"pid_space":"1","process_began":100,"run_id":"r:1/ü","#,
                r#""scheduler":{"job":"4711","name":"slurm"},"schema":"runstone.started/1","#,
                r#""stage":"train","started_at":"2026-11-20T10:00:00.000Z"}"#,
            )
        );
        for (torn, why) in [
            ("", "is torn"),
            ("{", "is torn"),
            ("[]", "is no notice"),
            (r#"{"schema":"runstone.started/2"}"#, "of another release"),
            (r#"{"schema":"runstone.started/1"}"#, "lacks a member"),
        ] {
            let said = Started::from_bytes(torn.as_bytes()).unwrap_err();
            assert!(said.contains(why), "{torn}: {said}");
        }
    }

    #[test]
    fn no_secret_is_written_into_a_notice() {
        let with = |job: &str| Started {
            job: Some(("slurm".to_owned(), job.to_owned())),
            ..started(Fake::new("a", None).0)
        };
        let token = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
        let hidden = with(&token).without_secrets(&Redaction::default());
        assert_eq!(hidden, with("[redacted]"));
        let plain = with("4711").without_secrets(&Redaction::default());
        assert_eq!(plain, with("4711"));
    }
}
