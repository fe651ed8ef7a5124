//! Command lines: what each manager is told, word by word.
//!
//! Pure functions from a plan to words; no shell reads them, and nothing is started here. The
//! invariant: what stands behind `--`, or begins with a name, was held against a grammar in which
//! nothing begins with a hyphen.

mod apt;
mod conda;
mod npm;
mod pip;
mod script;

pub use self::pip::Installer;
pub use self::script::script;
use super::manager::Manager;
use super::plan::Plan;

/// A program that is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// Installs and removes packages of Debian.
    AptGet,
    /// Marks packages of Debian.
    AptMark,
    /// Installs and removes packages of conda.
    Conda,
    /// Installs distributions of Python.
    Uv,
    /// Installs distributions of Python.
    Pip,
    /// Installs packages of npm.
    Npm,
    /// The interpreter that a fresh environment is made from.
    Python,
}

/// A command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argv {
    /// The program.
    pub tool: Tool,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// What the command lines depend on beside the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Means {
    /// What installs distributions of Python.
    pub installer: Installer,
    /// The interpreter that a fresh environment is made from.
    pub base: Option<String>,
    /// The folder that stands for the prefix of conda without what goes, while it is asked what
    /// would come.
    pub without: Option<String>,
}

impl Tool {
    /// Returns how the program is called.
    pub const fn program(self) -> &'static str {
        match self {
            Self::AptGet => "apt-get",
            Self::AptMark => "apt-mark",
            Self::Conda => "conda",
            Self::Uv => "uv",
            Self::Pip => "pip",
            Self::Npm => "npm",
            Self::Python => "python3",
        }
    }
}

impl Argv {
    fn new(tool: Tool, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            tool,
            arguments: arguments.into_iter().map(Into::into).collect(),
        }
    }

    fn with(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Returns the words, the program first.
    pub fn words(&self) -> Vec<&str> {
        let program = std::iter::once(self.tool.program());
        program
            .chain(self.arguments.iter().map(String::as_str))
            .collect()
    }
}

/// Returns the command lines by which a manager says what it would do, without doing it.
pub fn proving(plan: &Plan, manager: Manager, means: &Means) -> Vec<Argv> {
    match manager {
        Manager::Apt => apt::proving(plan),
        Manager::Conda => conda::proving(plan, means),
        Manager::Pnpm | Manager::Yarn => Vec::new(),
        Manager::Pip => pip::proving(plan, means),
        Manager::Npm => npm::lines(plan, npm::Mode::Prove),
    }
}

/// Returns the command lines by which a manager does its part: one transaction, and what makes it
/// whole.
pub fn acting(plan: &Plan, manager: Manager, means: &Means) -> Vec<Argv> {
    match manager {
        Manager::Apt => apt::acting(plan),
        Manager::Conda => conda::acting(plan),
        Manager::Pnpm | Manager::Yarn => Vec::new(),
        Manager::Pip => pip::acting(plan, means),
        Manager::Npm => npm::lines(plan, npm::Mode::Act),
    }
}

#[cfg(test)]
mod tests;
