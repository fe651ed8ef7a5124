//! Names that say of their value that it is a secret: `password`, `api_key`, `DB_PASSWORD`.
//!
//! A secret without a shape of its own is known by its name alone, as a field of a document, as
//! `name=value` in a text, as `--name value` on a command line. Names are compared without case,
//! `_` and `-`. The invariant: a name that machine learning uses for something else (`max_tokens`,
//! `eos_token`, `tokenizer`, `token_count`) says nothing; a bare `token` says it of a long value
//! only.

/// How sure a name is of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// Whatever text stands there is a secret.
    Secret,
    /// A long text without blanks is: the name is used for other things too.
    SecretIfLong,
    /// A text that is no path is: shells call their working directory so.
    SecretIfNoPath,
}

/// Shortest text that a doubtful name makes a secret, in bytes. Chosen: below every token a service
/// hands out, above the words of a vocabulary.
const LONG_BYTES_MIN: usize = 16;
/// Longest name that is looked at, in bytes.
pub(super) const NAME_BYTES_MAX: usize = 64;

/// Endings that say it, whatever stands before them.
const ENDINGS: [&str; 27] = [
    "accesstoken",
    "accountkey",
    "apikey",
    "apitoken",
    "authtoken",
    "bearertoken",
    "bottoken",
    "clientsecret",
    "deploytoken",
    "githubtoken",
    "gitlabtoken",
    "hftoken",
    "hubtoken",
    "npmtoken",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pypitoken",
    "refreshtoken",
    "secretaccesskey",
    "secretkey",
    "secrettoken",
    "securitytoken",
    "sessiontoken",
    "sharedaccesskey",
    "slacktoken",
];

/// Names that say it only as they stand.
const NAMES: [&str; 10] = [
    "authorization",
    "credential",
    "credentials",
    "passwords",
    "proxyauthorization",
    "secret",
    "secrets",
    "setcookie",
    "signingkey",
    "xapikey",
];

/// Names whose value is a secret if it is long.
const DOUBTFUL: [&str; 4] = ["auth", "cookie", "token", "tokens"];

impl Says {
    /// Returns what a name says of its value, if anything.
    pub(super) fn of(name: &str) -> Option<Self> {
        if !(3..=NAME_BYTES_MAX).contains(&name.len()) || !may_say(name.as_bytes()) {
            return None;
        }
        let mut squashed = [0; NAME_BYTES_MAX];
        let mut length = 0;
        for byte in name
            .bytes()
            .filter(|byte| !matches!(byte, b'_' | b'-' | b' '))
        {
            squashed[length] = byte.to_ascii_lowercase();
            length += 1;
        }
        let squashed = &squashed[..length];
        let is_name = |known: &str| known.as_bytes() == squashed;
        if ENDINGS.iter().any(|end| squashed.ends_with(end.as_bytes()))
            || NAMES.iter().any(|known| is_name(known))
            || ends_in_secret(name)
        {
            return Some(Self::Secret);
        }
        if is_name("pwd") {
            return Some(Self::SecretIfNoPath);
        }
        DOUBTFUL
            .iter()
            .any(|known| is_name(known))
            .then_some(Self::SecretIfLong)
    }

    /// Tells whether `value` is a secret under a name that says this.
    pub(super) fn covers(self, value: &str) -> bool {
        match self {
            Self::Secret => !value.trim().is_empty(),
            Self::SecretIfNoPath => !value.trim().is_empty() && !value.starts_with('/'),
            Self::SecretIfLong => {
                value.len() >= LONG_BYTES_MIN && !value.contains(char::is_whitespace)
            }
        }
    }

    /// Tells whether a number is a secret under this name: numbers are settings nearly everywhere.
    pub(super) fn covers_number(name: &str) -> bool {
        ["password", "passwd", "passphrase"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
    }
}

/// Every name that says something ends in one of few letters; most keys are done with here.
fn may_say(name: &[u8]) -> bool {
    let last = name.last().map_or(0, u8::to_ascii_lowercase);
    matches!(last, b'n' | b'y' | b'e' | b'd' | b't' | b'l' | b's' | b'h')
}

/// `jwt_secret` and `jwtSecret` say it, `nosecret` does not.
fn ends_in_secret(name: &str) -> bool {
    let Some(at) = name.len().checked_sub("secret".len()) else {
        return false;
    };
    let Some((before, last)) = name.split_at_checked(at) else {
        return false;
    };
    last.eq_ignore_ascii_case("secret")
        && (before.ends_with(['_', '-', '.']) || last.starts_with('S') && last != "SECRET")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_say_so_in_every_spelling() {
        for name in [
            "password",
            "PASSWORD",
            "db_password",
            "DB-Password",
            "dbPassword",
            "passwd",
            "PGPASSWORD",
            "secret",
            "client_secret",
            "clientSecret",
            "JWT_SECRET",
            "jwtSecret",
            "api_key",
            "apiKey",
            "WANDB_API_KEY",
            "x-api-key",
            "aws_secret_access_key",
            "access_token",
            "HF_TOKEN",
            "github_token",
            "private_key",
            "ssh_passphrase",
            "Authorization",
            "credentials",
            "AccountKey",
        ] {
            assert_eq!(Says::of(name), Some(Says::Secret), "{name}");
        }
        assert_eq!(Says::of("token"), Some(Says::SecretIfLong));
        assert_eq!(Says::of("Pwd"), Some(Says::SecretIfNoPath));
        assert!(Says::SecretIfNoPath.covers("hunter2"));
        assert!(!Says::SecretIfNoPath.covers("/data"));
        assert!(!Says::SecretIfLong.covers("</s>"));
        assert!(Says::SecretIfLong.covers("0123456789abcdef0123"));
        assert!(!Says::Secret.covers(" "));
    }

    #[test]
    fn names_that_only_sound_like_it_say_nothing() {
        for name in [
            "token_count",
            "max_tokens",
            "tokenizer",
            "eos_token",
            "pad_token",
            "num_tokens",
            "mask_token",
            "password_length",
            "has_secrets_manager",
            "key",
            "primary_key",
            "sort_key",
            "author",
            "authors",
            "monkey",
            "secretary",
            "nosecret",
            "passes",
            "compass",
            "experiment",
            "learning_rate",
            "é",
            "ключ",
        ] {
            assert_eq!(Says::of(name), None, "{name}");
        }
    }
}
