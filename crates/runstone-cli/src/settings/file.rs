//! Reading a settings file: strictly, and with the line of everything.
//!
//! Tables flatten to dotted names, so `[log]` with `lines = 50` and `log.lines = 50` are the same.
//! What is read here is legal by `known` alone; whose word counts in the end is left to `settled`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::error::{Fault, FileRole, SettingsError};
use super::known::{KNOWN, Kind, Role};

/// Largest settings file that is read, in bytes. Chosen: far beyond what anybody would write.
const SIZE_BYTES_MAX: u64 = 1024 * 1024;

/// What a settings file states.
#[derive(Debug, Clone)]
pub(super) struct SettingsFile {
    pub(super) path: PathBuf,
    stated: BTreeMap<&'static str, Stated>,
}

/// A value and the line it stands on.
#[derive(Debug, Clone)]
pub(super) struct Stated {
    pub(super) value: Value,
    pub(super) line: usize,
}

/// A value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Count(usize),
    Paths(Vec<PathBuf>),
}

impl SettingsFile {
    /// Reads the file at `path`; nothing if there is none. `home` is what `~/` stands for.
    pub(super) fn read(
        path: &Path,
        role: Role,
        home: Option<&Path>,
    ) -> Result<Option<Self>, SettingsError> {
        let unreadable = |source| SettingsError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let Some(text) = text_of(path).map_err(unreadable)? else {
            return Ok(None);
        };
        Reading {
            path,
            role,
            home,
            text: &text,
        }
        .stated()
        .map(|stated| {
            Some(Self {
                path: path.to_owned(),
                stated,
            })
        })
    }

    /// Returns what the file states for a setting.
    pub(super) fn get(&self, name: &str) -> Option<&Stated> {
        self.stated.get(name)
    }
}

fn text_of(path: &Path) -> io::Result<Option<String>> {
    let file = match path.metadata() {
        // A pipe would wait for ever for its writer.
        Ok(found) if !found.is_file() => return Err(io::Error::other("it is not a file")),
        Ok(_) => File::open(path)?,
        // A link that leads nowhere is there all the same.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(SIZE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > SIZE_BYTES_MAX {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(Some(text))
}

/// A file being read.
struct Reading<'a> {
    path: &'a Path,
    role: Role,
    home: Option<&'a Path>,
    text: &'a str,
}

type Spanned<'t> = toml::Spanned<DeValue<'t>>;

impl Reading<'_> {
    fn stated(&self) -> Result<BTreeMap<&'static str, Stated>, SettingsError> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            self.fault(
                error.span().map_or(0, |span| span.start),
                Fault::NotToml { message },
            )
        })?;
        let mut stated = BTreeMap::new();
        self.table("", table.into_inner(), &mut stated)?;
        Ok(stated)
    }

    fn table(
        &self,
        above: &str,
        table: DeTable<'_>,
        stated: &mut BTreeMap<&'static str, Stated>,
    ) -> Result<(), SettingsError> {
        for (key, value) in table {
            let offset = key.span().start;
            // A quoted key with a dot in it is no way to write a dotted name.
            let key = key.into_inner();
            let key = if key.contains('.') {
                format!("\"{key}\"")
            } else {
                key.into_owned()
            };
            let name = format!("{above}{key}");
            let inner = format!("{name}.");
            let is_group = KNOWN.iter().any(|known| known.name.starts_with(&inner));
            if is_group && value.get_ref().is_table() {
                if let DeValue::Table(table) = value.into_inner() {
                    self.table(&inner, table, stated)?;
                }
            } else {
                let (known, value) = self.setting(&name, offset, value)?;
                let line = self.place(offset).0;
                stated.insert(known, Stated { value, line });
            }
        }
        Ok(())
    }

    fn setting(
        &self,
        name: &str,
        offset: usize,
        value: Spanned<'_>,
    ) -> Result<(&'static str, Value), SettingsError> {
        let role = FileRole(self.role);
        let Some(known) = KNOWN.iter().find(|known| known.name == name) else {
            let name = name.to_owned();
            // What a profile says about secrets is nothing a folder may say.
            let fault = if name.starts_with("redact") {
                Fault::NotHere { name, role }
            } else {
                Fault::Unknown { name, role }
            };
            return Err(self.fault(offset, fault));
        };
        if !known.is_for(self.role) {
            let name = name.to_owned();
            return Err(self.fault(offset, Fault::NotHere { name, role }));
        }
        let start = value.span().start;
        let wrong = |wanted, found: String| {
            let fault = Fault::WrongKind {
                name: known.name,
                wanted,
                found,
                example: known.example,
            };
            self.fault(start, fault)
        };
        let read = match (known.kind, value.into_inner()) {
            (Kind::Word(words, _), DeValue::String(text)) if words.contains(&text.as_ref()) => {
                Value::Text(text.into_owned())
            }
            (Kind::Word(_, wanted), other) => return Err(wrong(wanted, described(&other))),
            (Kind::Text, DeValue::String(text)) if !text.is_empty() => {
                Value::Text(text.into_owned())
            }
            (Kind::Text, other) => return Err(wrong("text", described(&other))),
            (Kind::ProfileName, DeValue::String(text)) if is_profile_name(&text) => {
                Value::Text(text.into_owned())
            }
            (Kind::ProfileName, other) => {
                return Err(wrong(
                    "the name of a profile that is built in or kept by the store",
                    described(&other),
                ));
            }
            (Kind::Directory, other) => match self.directory(&other) {
                Some(path) => Value::Paths(vec![path]),
                None => return Err(wrong(DIRECTORY, described(&other))),
            },
            (Kind::Directories, DeValue::Array(items)) => Value::Paths(
                items
                    .into_iter()
                    .map(|item| {
                        self.directory(item.get_ref())
                            .ok_or_else(|| wrong(DIRECTORY, described(item.get_ref())))
                    })
                    .collect::<Result<_, _>>()?,
            ),
            (Kind::Directories, other) => {
                return Err(wrong("a list of directories", described(&other)));
            }
            (Kind::Count, DeValue::Integer(whole)) => {
                match usize::from_str_radix(whole.as_str(), whole.radix()) {
                    Ok(count) => Value::Count(count),
                    Err(_negative_or_huge) => {
                        return Err(wrong("a whole number from 0", whole.as_str().to_owned()));
                    }
                }
            }
            (Kind::Count, other) => return Err(wrong("a whole number from 0", described(&other))),
        };
        Ok((known.name, read))
    }

    /// Reads a directory that means the same wherever the command is run.
    fn directory(&self, value: &DeValue<'_>) -> Option<PathBuf> {
        let text = value.as_str()?;
        match (text.strip_prefix("~/"), self.home) {
            (Some(rest), Some(home)) => Some(home.join(rest)),
            _ => Some(PathBuf::from(text)).filter(|path| path.is_absolute()),
        }
    }

    fn fault(&self, offset: usize, fault: Fault) -> SettingsError {
        let (line, column) = self.place(offset);
        SettingsError::Illegal {
            path: self.path.to_owned(),
            line,
            column,
            fault,
        }
    }

    fn place(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..offset.min(self.text.len())];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        )
    }
}

const DIRECTORY: &str = "a directory that begins with `/` or `~/`";

/// A name, and nothing that could be the path of a file.
fn is_profile_name(text: &str) -> bool {
    let is_file = Path::new(text)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    !text.is_empty() && !text.contains('/') && !is_file
}

fn described(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("`{text}`"),
        DeValue::Integer(whole) => whole.as_str().to_owned(),
        DeValue::Float(decimal) => decimal.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, role: Role) -> Result<BTreeMap<&'static str, Stated>, String> {
        Reading {
            path: Path::new("f.toml"),
            role,
            home: Some(Path::new("/home/ada")),
            text,
        }
        .stated()
        .map_err(|error| error.to_string())
    }

    #[test]
    fn a_table_and_a_dotted_name_are_the_same_and_know_their_line() {
        for text in ["\n[log]\nlines = 50\n", "\n\nlog.lines = 50"] {
            let stated = read(text, Role::User).unwrap();
            assert_eq!(stated["log.lines"].value, Value::Count(50));
            assert_eq!(stated["log.lines"].line, 3);
        }
    }

    #[test]
    fn a_tilde_is_the_home_of_the_caller_and_a_relative_directory_is_none() {
        let stated = read("safe_stores = [\"~/a\", \"/b\"]", Role::User).unwrap();
        let expected = ["/home/ada/a", "/b"].map(PathBuf::from).to_vec();
        assert_eq!(stated["safe_stores"].value, Value::Paths(expected));
        assert!(read("store = \"runs\"", Role::User).is_err());
    }

    #[test]
    fn what_cannot_be_used_is_named_with_line_and_column() {
        for (text, told) in [
            ("color = \"blue\"", "f.toml:1:9: `color` is `blue`"),
            ("\n  colr = 1", "f.toml:2:3: unknown setting `colr`"),
            ("[colr]", "f.toml:1:2: unknown setting `colr`"),
            ("log = 3", "f.toml:1:1: unknown setting `log`"),
            ("\"log.lines\" = 3", "f.toml:1:1: unknown setting"),
            ("log.lines = -1", "f.toml:1:13: `log.lines` is -1"),
            ("color = ", "f.toml:1:9: not TOML"),
            ("experiment = \"\"", "f.toml:1:14: `experiment` is ``"),
            ("profile = \"a.toml\"", "f.toml:1:11: `profile` is `a.toml`"),
            (
                "store = \"/x\"",
                "f.toml:1:1: a project file may not set `store`",
            ),
            ("safe_stores = []", "f.toml:1:1: a project file may not set"),
            (
                "[redact]\nrules = []",
                "f.toml:1:2: a project file may not set",
            ),
        ] {
            let error = read(text, Role::Project).unwrap_err();
            assert!(error.starts_with(told), "{text}: {error}");
        }
    }
}
