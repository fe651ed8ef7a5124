//! The rules that come with Runstone, by name.
//!
//! Three are always on, whatever a profile says; two need to be told what a home directory or a
//! name is here, and act where a profile asks for them.

/// A rule that comes with Runstone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Builtin {
    /// Tokens and private keys that are known by their shape.
    Tokens,
    /// Passwords and signatures in addresses.
    UrlCredentials,
    /// Values whose name says that they are secret.
    SecretFields,
    /// Home directories: whose they are.
    Home,
    /// The names of the user and of the host.
    UserHost,
}

impl Builtin {
    /// Every rule.
    pub const ALL: [Self; 5] = [
        Self::Tokens,
        Self::UrlCredentials,
        Self::SecretFields,
        Self::Home,
        Self::UserHost,
    ];
    /// Those that no profile can switch off.
    pub const ALWAYS: [Self; 3] = [Self::Tokens, Self::UrlCredentials, Self::SecretFields];

    /// Returns the name, as profiles and snapshots have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tokens => "builtin:tokens",
            Self::UrlCredentials => "builtin:url-credentials",
            Self::SecretFields => "builtin:secret-fields",
            Self::Home => "builtin:home",
            Self::UserHost => "builtin:user-host",
        }
    }

    /// Reads the name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == word)
    }
}
