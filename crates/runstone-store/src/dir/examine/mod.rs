//! The examination: what a file system does, asked of itself.
//!
//! The probe of a maker of stores asks one thing, in a moment; an examination asks everything that
//! a store relies on, and what it costs, and says what came. The invariant guarded here: nothing is
//! said of a file system that was not seen on this one, a question that could not be asked is named
//! as such, and whatever was made for asking is removed again, at the latest by the next one. Each
//! question is left to `questions`, what needs a system call of its own to `facts`, and who races
//! to the caller: threads of one process may be told apart where processes are not.

mod facts;
mod journal;
mod questions;

use std::io;
use std::path::Path;
use std::time::Duration;

use self::questions::{Place, QUESTIONS};
use super::fs::{FileSystem as _, Kind};
use super::layout::PROBE;
use super::open::no_root;
use super::os::{OsDir, OsFile, OsFileSystem};
use super::probe::sweep;
pub use super::race::Course;
use super::race::{Raced, is_unsupported, judge, prepare, race};
use crate::descriptor::Primitive;
use crate::entropy::Entropy;
use crate::error::StoreError;
use crate::key::Nonce;

/// Racers of an examination.
const RACERS: usize = 8;
/// Names they race for.
const NAMES: usize = 64;
/// How long a directory of a probe is left alone that nobody holds a lock of.
const PROBE_AGE_MIN: Duration = Duration::from_mins(10);

/// What an examination found.
#[derive(Debug, Clone)]
pub struct Examined {
    /// What the file system is taken for.
    pub kind: Kind,
    /// Each question with its answer.
    pub rows: Vec<Row>,
}

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// One word for it.
    pub subject: &'static str,
    /// What was asked.
    pub asked: &'static str,
    /// What came.
    pub found: String,
    /// What that means for a store.
    pub state: State,
    /// What to do about it.
    pub hint: Option<&'static str>,
}

/// What an answer means for a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As a store wants it.
    Good,
    /// A store works, with less than all it promises or could do.
    Warning,
    /// A store cannot keep its promises here.
    Refused,
    /// It could not be asked.
    Unasked,
}

impl State {
    /// Returns the word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Refused => "refused",
            Self::Unasked => "not asked",
        }
    }
}

/// Lets a racer for each number below the course's race in the directory at this path, all at once;
/// returns what each won.
pub type Racing<'a> = dyn FnMut(&Path, Course) -> io::Result<Vec<Vec<usize>>> + 'a;

/// One racer of a race, ready: its files are made.
#[derive(Debug)]
pub struct Racer {
    dir: OsDir,
    course: Course,
    number: usize,
}

impl Racer {
    /// Makes a racer in a directory where nobody else has its number.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(path: &Path, course: Course, number: usize) -> io::Result<Self> {
        let dir = OsFileSystem.open_root(path)?;
        prepare(&OsFileSystem, &dir, course, number)?;
        Ok(Self {
            dir,
            course,
            number,
        })
    }

    /// Tries for every name; returns those won.
    ///
    /// # Errors
    /// What the system says of the call that is raced with.
    pub fn race(&self) -> io::Result<Vec<usize>> {
        race(&OsFileSystem, &self.dir, self.course, self.number)
    }
}

/// Asks the file system of a directory, be it a store or not, everything that a store relies on.
///
/// `primitive` is the call that the store there was made for; without one the first that works is
/// looked for. What has to be written for that goes into a directory of its own and is removed.
///
/// # Errors
/// [`StoreError::NotAStore`] if there is no directory, [`StoreError::Unreadable`] if it may not be
/// looked at.
pub fn examine(
    path: &Path,
    primitive: Option<Primitive>,
    entropy: &dyn Entropy,
    racing: &mut Racing<'_>,
) -> Result<Examined, StoreError> {
    let fs = OsFileSystem;
    let unreadable = |source: io::Error| no_root(path, source);
    let root = fs.open_root(path).map_err(unreadable)?;
    let kind = fs.kind(&root).map_err(unreadable)?;
    let mut rows = vec![
        facts::type_row(&root, kind).map_err(unreadable)?,
        facts::room_row(&root).map_err(unreadable)?,
        facts::acl_row(&root),
    ];
    let nonce = Nonce::from_bytes(entropy.nonce());
    match Probe::begin(&root, format!("{PROBE}{nonce}")) {
        Ok(probe) => {
            rows.push(race_row(
                &probe.dir,
                &path.join(&probe.name),
                primitive,
                racing,
            ));
            let place = Place { dir: &probe.dir };
            rows.extend(QUESTIONS.iter().map(|question| question.put(&place)));
            rows.push(leftovers_row(&root, &probe));
        }
        Err(error) => {
            let found = format!("nothing can be written here: {error}");
            let unasked = |(subject, asked)| Row {
                subject,
                asked,
                found: found.clone(),
                state: State::Unasked,
                hint: None,
            };
            let asked = QUESTIONS.iter().map(|it| (it.subject, it.asked));
            rows.extend(
                [RACE]
                    .into_iter()
                    .chain(asked)
                    .chain([LEFTOVERS])
                    .map(unasked),
            );
        }
    }
    Ok(Examined { kind, rows })
}

const RACE: (&str, &str) = (
    "race",
    "does one of many who want a name get it, and keep it?",
);
const LEFTOVERS: (&str, &str) = ("leftovers", "did earlier probes leave anything behind?");

/// A directory for asking, and the lock that says that somebody is at it.
struct Probe<'a> {
    root: &'a OsDir,
    dir: OsDir,
    name: String,
    _lock: Option<OsFile>,
}

impl<'a> Probe<'a> {
    fn begin(root: &'a OsDir, name: String) -> io::Result<Self> {
        let fs = OsFileSystem;
        fs.make_dir(root, &name, 0o700)?;
        let dir = fs.open_dir(root, &name)?;
        // Where locks do not work its age protects it.
        let lock = fs.try_lock(&dir).ok().flatten();
        Ok(Self {
            root,
            dir,
            name,
            _lock: lock,
        })
    }
}

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        sweep(&OsFileSystem, self.root, &self.name, &self.dir);
    }
}

fn race_row(
    dir: &OsDir,
    path: &Path,
    primitive: Option<Primitive>,
    racing: &mut Racing<'_>,
) -> Row {
    let (subject, asked) = RACE;
    let row = |found, state, hint| Row {
        subject,
        asked,
        found,
        state,
        hint,
    };
    let candidates = match primitive {
        Some(primitive) => vec![primitive],
        None => vec![Primitive::Link, Primitive::RenameNoreplace],
    };
    let elsewhere = Some("make the store elsewhere: `runstone init DIR` on another file system");
    for primitive in candidates {
        let course = Course {
            racers: RACERS,
            names: NAMES,
            primitive,
        };
        let call = word(primitive);
        // Each race in a directory of its own: racers make their files anew.
        let raced = OsFileSystem
            .make_dir(dir, call, 0o700)
            .and_then(|()| OsFileSystem.open_dir(dir, call))
            .and_then(|own| {
                let won = racing(&path.join(call), course);
                let raced = won.and_then(|won| judge(&OsFileSystem, &own, course, &won));
                sweep(&OsFileSystem, dir, call, &own);
                raced
            });
        match raced {
            Ok(Raced::Fair { victors }) => {
                let found = format!(
                    "{RACERS} racers, {NAMES} names by `{call}`: each name had one winner and holds its bytes ({victors} of them won some)"
                );
                return row(found, State::Good, None);
            }
            Ok(Raced::Unfair { winners }) => {
                let found = format!("{winners} won one name by `{call}`, or it holds other bytes");
                return row(found, State::Refused, elsewhere);
            }
            Err(error) if is_unsupported(&error) => {}
            Err(error) => {
                let found = format!("the race by `{call}` failed: {error}");
                return row(found, State::Refused, elsewhere);
            }
        }
    }
    let found = match primitive {
        Some(primitive) => format!(
            "`{}`, which this store was made for, is not supported",
            word(primitive)
        ),
        None => "neither hard links nor a rename that replaces nothing".to_owned(),
    };
    row(found, State::Refused, elsewhere)
}

const fn word(primitive: Primitive) -> &'static str {
    match primitive {
        Primitive::Link => "link",
        Primitive::RenameNoreplace => "rename",
    }
}

/// Removes what earlier probes left that nobody is at any more.
fn leftovers_row(root: &OsDir, probe: &Probe<'_>) -> Row {
    let fs = OsFileSystem;
    let (subject, asked) = LEFTOVERS;
    let (mut removed, mut left) = (0, 0);
    let now = facts::modified(&probe.dir).ok();
    let names = fs.list(root, usize::MAX).unwrap_or_default();
    let others = names
        .iter()
        .filter(|name| name.starts_with(PROBE) && **name != probe.name);
    for name in others {
        let Ok(dir) = fs.open_dir(root, name) else {
            left += 1;
            continue;
        };
        let age = facts::modified(&dir)
            .ok()
            .zip(now)
            .map(|(then, now)| now.saturating_sub(then));
        let is_old = age.is_some_and(|age| age >= PROBE_AGE_MIN);
        // Nobody holds it, or locks do not work and its age has to do.
        let lock = if is_old { fs.try_lock(&dir) } else { Ok(None) };
        if !is_old || matches!(lock, Ok(None)) {
            left += 1;
            continue;
        }
        sweep(&fs, root, name, &dir);
        match fs.exists(root, name) {
            Ok(false) => removed += 1,
            _ => left += 1,
        }
    }
    let (found, state, hint) = match (removed, left) {
        (0, 0) => ("none".to_owned(), State::Good, None),
        (_, 0) => (
            format!("{removed} of stopped probes, removed"),
            State::Good,
            None,
        ),
        _ => (
            format!("{removed} removed, {left} left: somebody may be at them"),
            State::Warning,
            Some("in ten minutes `runstone doctor` removes them"),
        ),
    };
    Row {
        subject,
        asked,
        found,
        state,
        hint,
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use rustix::io::Errno;
    use tempfile::TempDir;

    use super::*;
    use crate::entropy::SystemEntropy;

    /// Lets threads race.
    fn by_threads(path: &Path, course: Course) -> io::Result<Vec<Vec<usize>>> {
        let racers: Vec<Racer> = (0..course.racers)
            .map(|number| Racer::new(path, course, number))
            .collect::<io::Result<_>>()?;
        thread::scope(|scope| {
            let racing: Vec<_> = racers
                .iter()
                .map(|racer| scope.spawn(|| racer.race()))
                .collect();
            racing.into_iter().map(|it| it.join().unwrap()).collect()
        })
    }

    /// Examines a fresh directory with these racers; returns what came of the race, and the names
    /// that are left.
    fn raced(primitive: Option<Primitive>, racing: &mut Racing<'_>) -> (State, String, usize) {
        let root = TempDir::new().unwrap();
        let examined = examine(root.path(), primitive, &SystemEntropy, racing).unwrap();
        let row = examined.rows.into_iter().find(|row| row.subject == "race");
        let left = std::fs::read_dir(root.path()).unwrap().count();
        let row = row.unwrap();
        (row.state, row.found, left)
    }

    #[test]
    fn race_that_one_wins_is_good_by_either_call() {
        for primitive in [
            None,
            Some(Primitive::Link),
            Some(Primitive::RenameNoreplace),
        ] {
            let (state, found, left) = raced(primitive, &mut by_threads);
            assert_eq!((state, left), (State::Good, 0), "{found}");
        }
    }

    #[test]
    fn name_that_two_have_won_refuses_the_file_system() {
        let (state, found, left) = raced(None, &mut |path, course| {
            let mut won = by_threads(path, course)?;
            let names: Vec<usize> = (0..course.names).collect();
            won[0].clone_from(&names);
            won[1] = names;
            Ok(won)
        });
        assert_eq!((state, left), (State::Refused, 0), "{found}");
        assert!(found.contains("won one name by `link`"), "{found}");
    }

    #[test]
    fn name_that_holds_the_bytes_of_a_loser_refuses_the_file_system() {
        let (state, found, _) = raced(None, &mut |path, course| {
            let mut won = by_threads(path, course)?;
            won.rotate_left(1);
            Ok(won)
        });
        assert_eq!(state, State::Refused, "{found}");
    }

    #[test]
    fn call_that_is_not_there_leads_to_the_next_one_and_then_to_a_refusal() {
        let (state, found, _) = raced(None, &mut |path, course| match course.primitive {
            Primitive::Link => Err(Errno::PERM.into()),
            Primitive::RenameNoreplace => by_threads(path, course),
        });
        assert_eq!(state, State::Good, "{found}");
        assert!(found.contains("`rename`"), "{found}");
        let (state, found, _) = raced(None, &mut |_, _| Err(Errno::PERM.into()));
        assert_eq!(state, State::Refused, "{found}");
        assert!(found.contains("neither hard links"), "{found}");
        // A store was made for one call; another one is no comfort.
        let (state, found, _) = raced(Some(Primitive::Link), &mut |_, _| Err(Errno::PERM.into()));
        assert_eq!(state, State::Refused, "{found}");
        assert!(found.contains("which this store was made for"), "{found}");
    }
}
