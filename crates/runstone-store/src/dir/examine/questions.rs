//! The questions that have to write something to be answered.

use std::io;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, fstat, openat};
use rustix::io::retry_on_intr;

use super::super::fs::{FileSystem as _, best_effort};
use super::super::os::{OsDir, OsFileSystem};
use super::super::race::is_unsupported;
use super::facts::{host_time, modified};
use super::{Row, State};

/// Commits that are timed: enough for a middle one.
const COMMITS: usize = 15;
/// Bytes of each.
const COMMIT_BYTES: usize = 4096;
/// How far the clock of a file system may be from the host's: far more than it lags behind by
/// itself, and less than anybody would take for another moment.
const SKEW_MAX: Duration = Duration::from_secs(2);

/// A directory where questions write.
pub(super) struct Place<'a> {
    pub(super) dir: &'a OsDir,
}

/// A question.
pub(super) struct Question {
    pub(super) subject: &'static str,
    pub(super) asked: &'static str,
    ask: fn(&Place<'_>) -> io::Result<Answer>,
}

struct Answer {
    found: String,
    state: State,
    hint: Option<&'static str>,
}

fn good(found: impl Into<String>) -> Answer {
    Answer {
        found: found.into(),
        state: State::Good,
        hint: None,
    }
}

impl Question {
    /// Asks it; a failure that no question expects refuses the file system.
    pub(super) fn put(&self, place: &Place<'_>) -> Row {
        let answer = (self.ask)(place).unwrap_or_else(|error| Answer {
            found: format!("failed: {error}"),
            state: State::Refused,
            hint: Some("`dmesg` may say why; `runstone doctor` asks again"),
        });
        Row {
            subject: self.subject,
            asked: self.asked,
            found: answer.found,
            state: answer.state,
            hint: answer.hint,
        }
    }
}

pub(super) const QUESTIONS: [Question; 8] = [
    Question {
        subject: "exclusive",
        asked: "is a file made only where none is (`O_EXCL`)?",
        ask: exclusive,
    },
    Question {
        subject: "links",
        asked: "may a file have a second name, in another directory?",
        ask: links,
    },
    Question {
        subject: "rename",
        asked: "does `RENAME_NOREPLACE` replace nothing?",
        ask: rename,
    },
    Question {
        subject: "flush",
        asked: "do flushes succeed, and what do the two of a commit take?",
        ask: flush,
    },
    Question {
        subject: "locks",
        asked: "does a lock of a directory keep another one out?",
        ask: locks,
    },
    Question {
        subject: "clock",
        asked: "how far is its clock from this host's, and how fine?",
        ask: clock,
    },
    Question {
        subject: "modes",
        asked: "are mode bits kept, with setgid and sticky?",
        ask: modes,
    },
    Question {
        subject: "names",
        asked: "are names told apart by case, and by how letters are composed?",
        ask: names,
    },
];

fn write(place: &Place<'_>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let file = OsFileSystem.create_new(place.dir, name, 0o600)?;
    OsFileSystem.write_all(&file, bytes)
}

fn holds(place: &Place<'_>, name: &str, bytes: &[u8]) -> io::Result<bool> {
    let file = OsFileSystem.open_read(place.dir, name)?;
    Ok(OsFileSystem.read(&file, bytes.len() + 1)? == bytes)
}

fn exclusive(place: &Place<'_>) -> io::Result<Answer> {
    write(place, "exclusive", b"first")?;
    match OsFileSystem.create_new(place.dir, "exclusive", 0o600) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
        Ok(_) => {
            return Ok(Answer {
                found: "a second one was made under a taken name".to_owned(),
                state: State::Refused,
                hint: Some("make the store elsewhere: `runstone init DIR`"),
            });
        }
    }
    Ok(if holds(place, "exclusive", b"first")? {
        good("a taken name is refused")
    } else {
        Answer {
            found: "a taken name was refused, and its bytes are gone".to_owned(),
            state: State::Refused,
            hint: Some("make the store elsewhere: `runstone init DIR`"),
        }
    })
}

fn links(place: &Place<'_>) -> io::Result<Answer> {
    let fs = OsFileSystem;
    write(place, "linked", b"linked")?;
    fs.make_dir(place.dir, "below", 0o700)?;
    let below = fs.open_dir(place.dir, "below")?;
    match fs.link(place.dir, "linked", &below, "again") {
        Ok(()) => {}
        Err(error) if is_unsupported(&error) => {
            return Ok(Answer {
                found: format!("no: {error}; each entry is stored twice"),
                state: State::Warning,
                hint: Some("a store works here; `runstone stats` says what its keys take"),
            });
        }
        Err(error) => return Err(error),
    }
    let names = fs.weigh(place.dir, "linked")?.names;
    best_effort(fs.unlink(&below, "again"));
    Ok(if names == 2 {
        good("yes, and they are counted")
    } else {
        Answer {
            found: format!("yes, and the file says to have {names}"),
            state: State::Warning,
            hint: Some("copies for backup may take twice the room; `runstone stats` shows it"),
        }
    })
}

fn rename(place: &Place<'_>) -> io::Result<Answer> {
    let fs = OsFileSystem;
    write(place, "taken", b"taken")?;
    write(place, "moved", b"moved")?;
    match fs.rename_noreplace(place.dir, "moved", place.dir, "taken") {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) if is_unsupported(&error) => {
            return Ok(good("not supported; not needed where links are"));
        }
        Err(error) => return Err(error),
        Ok(()) => {
            return Ok(Answer {
                found: "it replaced a file".to_owned(),
                state: State::Refused,
                hint: Some("make the store elsewhere: `runstone init DIR`"),
            });
        }
    }
    let exchanges = fs.exchange(place.dir, "moved", "taken").is_ok();
    Ok(good(if exchanges {
        "yes, and names can be exchanged"
    } else {
        "yes; names cannot be exchanged, so views cost a little more"
    }))
}

fn flush(place: &Place<'_>) -> io::Result<Answer> {
    let fs = OsFileSystem;
    let bytes = [b'x'; COMMIT_BYTES];
    let mut taken = Vec::with_capacity(COMMITS);
    for number in 0..COMMITS {
        let name = format!("flushed{number}");
        let begin = Instant::now();
        let file = fs.create_new(place.dir, &name, 0o600)?;
        fs.write_all(&file, &bytes)?;
        fs.sync_file(&file)?;
        fs.sync_dir(place.dir)?;
        taken.push(begin.elapsed());
        if !holds(place, &name, &bytes)? {
            return Ok(Answer {
                found: "what was flushed reads back as something else".to_owned(),
                state: State::Refused,
                hint: Some("the disk may be failing: look at `dmesg`"),
            });
        }
    }
    taken.sort_unstable();
    let micros = taken[COMMITS / 2].as_micros();
    Ok(good(format!(
        "yes; half of {COMMITS} took less than {}.{:03} ms",
        micros / 1000,
        micros % 1000
    )))
}

fn locks(place: &Place<'_>) -> io::Result<Answer> {
    let fs = OsFileSystem;
    fs.make_dir(place.dir, "locked", 0o700)?;
    let dir = fs.open_dir(place.dir, "locked")?;
    let warned = |found: String| Answer {
        found,
        state: State::Warning,
        hint: Some(
            "no promise rests on it: views may be older for a moment, and `runstone views rebuild` makes them again",
        ),
    };
    let held = match fs.try_lock(&dir) {
        Ok(Some(held)) => held,
        Ok(None) => return Ok(warned("nobody gets one".to_owned())),
        Err(error) => return Ok(warned(format!("no locks: {error}"))),
    };
    let second = fs.try_lock(&dir)?;
    let kept_out = second.is_none();
    drop(second);
    drop(held);
    Ok(match (kept_out, fs.try_lock(&dir)?.is_some()) {
        (true, true) => good("yes, until it is given back"),
        (false, _) => warned("two have it at once".to_owned()),
        (true, false) => warned("one that was given back still keeps out".to_owned()),
    })
}

fn clock(place: &Place<'_>) -> io::Result<Answer> {
    let fs = OsFileSystem;
    let mut finest = 1_000_000_000_u32;
    let mut skew = Duration::ZERO;
    for number in 0..8 {
        let before = host_time();
        write(place, &format!("clock{number}"), b"tick")?;
        let stamp = modified(place.dir)?;
        let after = host_time();
        skew = skew
            .max(before.saturating_sub(stamp))
            .max(stamp.saturating_sub(after));
        while !stamp.subsec_nanos().is_multiple_of(finest) {
            finest /= 10;
        }
        best_effort(fs.unlink(place.dir, &format!("clock{number}")));
    }
    let found = format!(
        "{} ms away, in steps of {}",
        skew.as_millis(),
        match finest {
            1_000_000_000 => "a second".to_owned(),
            1_000_000.. => format!("{} ms", finest / 1_000_000),
            1_000.. => format!("{} µs or finer", finest / 1_000),
            _ => "less than 1 µs".to_owned(),
        }
    );
    Ok(if skew > SKEW_MAX {
        Answer {
            found,
            state: State::Warning,
            hint: Some(
                "no order rests on it, but times in `runstone log` mislead; `timedatectl` shows whether this host keeps time",
            ),
        }
    } else {
        good(found)
    })
}

fn modes(place: &Place<'_>) -> io::Result<Answer> {
    let fs = OsFileSystem;
    fs.make_dir(place.dir, "modes", 0o700)?;
    let dir = fs.open_dir(place.dir, "modes")?;
    let mut lost = Vec::new();
    for mode in [0o700, 0o3770, 0o2775] {
        if fs.set_dir_mode(&dir, mode).is_err() || mode_of(&dir)? != mode {
            lost.push(format!("{mode:04o} of a directory"));
        }
    }
    for mode in [0o400, 0o440, 0o660] {
        let name = format!("mode{mode:o}");
        let kept = fs.create_new(place.dir, &name, mode).is_ok()
            && file_mode(place.dir, &name).is_ok_and(|found| found == mode);
        if !kept {
            lost.push(format!("{mode:04o} of a file"));
        }
    }
    Ok(if lost.is_empty() {
        good("yes")
    } else {
        Answer {
            found: format!("not kept: {}", lost.join(", ")),
            state: State::Warning,
            hint: Some(
                "who may read and write is the mount's word alone; keep `runstone init --shared` stores elsewhere",
            ),
        }
    })
}

fn mode_of(dir: &OsDir) -> io::Result<u32> {
    Ok(retry_on_intr(|| fstat(&*dir.0))?.st_mode & 0o7777)
}

fn file_mode(dir: &OsDir, name: &str) -> io::Result<u32> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = retry_on_intr(|| openat(&*dir.0, name, flags, Mode::empty()))?;
    Ok(retry_on_intr(|| fstat(&file))?.st_mode & 0o7777)
}

fn names(place: &Place<'_>) -> io::Result<Answer> {
    let fs = OsFileSystem;
    write(place, "case", b"case")?;
    write(place, "caf\u{e9}", b"composed")?;
    let folds = fs.exists(place.dir, "CASE")?;
    let composes = fs.exists(place.dir, "cafe\u{301}")?;
    // No name in a store needs either: they are lower-case and ASCII.
    Ok(good(match (folds, composes) {
        (false, false) => "by both",
        (true, false) => "not by case; no two names in a store differ in case alone",
        (false, true) => "not by composition; names in a store are ASCII",
        (true, true) => {
            "by neither; no two names in a store differ in case alone, and all are ASCII"
        }
    }))
}
