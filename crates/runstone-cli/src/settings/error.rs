//! What is wrong with the settings, at a line and a column where there is one.
//!
//! A setting that is misread would be worse than none: an unknown name, a wrong type and a file of
//! another user are errors, never remarks.

use std::io;
use std::path::PathBuf;

use super::known::{Role, names_for, nearest};

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// A settings file cannot be read.
    #[error("the settings file `{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A settings file says something it may not.
    #[error("{}:{line}:{column}: {fault}", path.display())]
    Illegal {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong there.
        fault: Fault,
    },
    /// A variable of the environment says something it may not.
    #[error("the variable `{name}` is `{text}`, not {wanted}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// Its value.
        text: String,
        /// What is wanted, with its article.
        wanted: &'static str,
    },
    /// The project file of another user.
    #[error("the project file `{}` belongs to user {owner}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The caller's own settings file, if there is a place for one.
        user_file: Option<PathBuf>,
    },
}

/// What can be wrong at a place of a settings file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The text is not TOML.
    #[error("not TOML: {message}")]
    NotToml {
        /// What the parser said.
        message: String,
    },
    /// A name that no setting has.
    #[error("unknown setting `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// Whose file it is in.
        role: FileRole,
    },
    /// A setting that a file of this kind may not state.
    #[error("{} may not set `{name}`", role.article())]
    NotHere {
        /// The name.
        name: String,
        /// Whose file it is in.
        role: FileRole,
    },
    /// A value of the wrong kind.
    #[error("`{name}` is {found}, not {wanted}")]
    WrongKind {
        /// The setting.
        name: &'static str,
        /// What is wanted, with its article.
        wanted: &'static str,
        /// What stands there.
        found: String,
        /// How it is written.
        example: &'static str,
    },
}

/// Whose file an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileRole(pub(super) Role);

impl FileRole {
    fn article(self) -> &'static str {
        match self.0 {
            Role::Project => "a project file",
            Role::User => "the user file",
        }
    }
}

impl SettingsError {
    /// Returns what to do next.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => {
                "make it a readable file, or move it away; `runstone config path` names the files"
                    .to_owned()
            }
            Self::Variable { name, .. } => format!("correct it, or `unset {name}`"),
            Self::Foreign {
                path, user_file, ..
            } => {
                let folder = path.parent().unwrap_or(path).display();
                match user_file {
                    Some(file) => format!(
                        "if you trust it, add `safe_stores = [\"{folder}\"]` to `{}`, or set \
                         RUNSTONE_PROJECT_FILE to it",
                        file.display()
                    ),
                    None => format!(
                        "if you trust it, set RUNSTONE_PROJECT_FILE to `{}`",
                        path.display()
                    ),
                }
            }
            Self::Illegal { fault, .. } => fault.hint(),
        }
    }
}

impl Fault {
    fn hint(&self) -> String {
        match self {
            Self::NotToml { .. } => {
                "write one setting a line, such as `color = \"never\"`".to_owned()
            }
            Self::Unknown { name, role } => {
                let all: Vec<String> = names_for(role.0).map(|name| format!("`{name}`")).collect();
                match nearest(name, role.0) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => format!("{} may set {}", role.article(), all.join(", ")),
                }
            }
            Self::NotHere { role, .. } => match role.0 {
                Role::Project => {
                    "it travels with the folder, so anybody may have written it; \
                                  say this with an option, or in your own file (`runstone config \
                                  path` names it)"
                }
                Role::User => {
                    "it would rename the runs of every project; put it in the \
                               project's `runstone.toml`"
                }
            }
            .to_owned(),
            Self::WrongKind { example, .. } => format!("write it as in `{example}`"),
        }
    }
}
