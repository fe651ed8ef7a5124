//! The words of an environment: how far a source was read, the sources, and the scopes they are in.
//!
//! They stand in stored documents. The invariant: a word is never used for anything else, and each
//! source is in one scope. What a source reads is said in its file below `capture`.

/// Declares an enum whose variants are words of a stored document.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$each])* $variant,)+
        }

        impl $name {
            /// Every one of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the word that stands for it in JSON and talk.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// Reads the word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == word)
            }
        }
    };
}

pub(crate) use words;

words! {
    /// How far a source could be read. Only of a captured one may be said what it does not hold.
    State {
        /// All of it was read.
        Captured = "captured",
        /// It is not there.
        Absent = "absent",
        /// It is there and could not be read.
        Unreadable = "unreadable",
        /// Some of it was read.
        Partial = "partial",
        /// It was not looked for.
        Skipped = "skipped",
    }
}

words! {
    /// What is read.
    SourceName {
        /// Alpine's packages.
        Apk = "apk",
        /// What apt knows beside dpkg: marks, sources, preferences.
        Apt = "apt",
        /// Programs installed by cargo.
        Cargo = "cargo",
        /// The packages of a conda prefix.
        Conda = "conda",
        /// The processor.
        Cpu = "cpu",
        /// Debian's packages.
        Dpkg = "dpkg",
        /// The driver of graphics processors.
        Gpu = "gpu",
        /// The kernel.
        Kernel = "kernel",
        /// Environment modules, as clusters have them.
        Modules = "modules",
        /// Global packages of npm.
        Npm = "npm",
        /// Distribution and C library.
        Os = "os",
        /// Arch's packages.
        Pacman = "pacman",
        /// Global packages of pnpm.
        Pnpm = "pnpm",
        /// An interpreter and its distributions.
        Python = "python",
        /// Packages of R.
        R = "r",
        /// Fedora's packages.
        Rpm = "rpm",
        /// Environment variables that change results.
        Variables = "variables",
        /// Global packages of yarn.
        Yarn = "yarn",
    }
}

words! {
    /// Sources that change together, so that "only Python changed" is one comparison.
    Scope {
        /// Conda.
        Conda = "conda",
        /// Graphics processors.
        Gpu = "gpu",
        /// Node.
        Node = "node",
        /// Distribution, kernel and processor.
        Os = "os",
        /// Python.
        Python = "python",
        /// Packages of the distribution.
        System = "system",
        /// Programs of other package managers.
        Tools = "tools",
        /// Variables and modules of the session.
        Session = "session",
    }
}

impl SourceName {
    /// Returns the scope it belongs to.
    pub const fn scope(self) -> Scope {
        match self {
            Self::Apk | Self::Apt | Self::Dpkg | Self::Pacman | Self::Rpm => Scope::System,
            Self::Cargo | Self::R => Scope::Tools,
            Self::Conda => Scope::Conda,
            Self::Cpu | Self::Kernel | Self::Os => Scope::Os,
            Self::Gpu => Scope::Gpu,
            Self::Modules | Self::Variables => Scope::Session,
            Self::Npm | Self::Pnpm | Self::Yarn => Scope::Node,
            Self::Python => Scope::Python,
        }
    }

    /// Tells whether a document names it also where nothing of it is.
    ///
    /// Those that joined later are named only where something is: an environment without them keeps
    /// the digest that it had, and is the one it was.
    pub(crate) const fn is_always_named(self) -> bool {
        !matches!(self, Self::Pnpm | Self::Yarn)
    }
}
