//! Names that say of their value that it is a secret: `password`, `api_key`, `DB_PASSWORD`.
//!
//! A secret without a shape of its own is known by its name alone, as a field of a document, as
//! `name=value` in a text, as `--name value` on a command line. Names are compared without case,
//! `_` and `-`. The invariant: a name that machine learning uses for something else (`max_tokens`,
//! `eos_token`, `tokenizer`, `token_count`, `sort_key`) says nothing; a bare `token` says it of a
//! long value only, another `…_token` of one that looks made, and `pass` never of a count.

/// How sure a name is of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// Whatever text stands there is a secret.
    Secret,
    /// A long text without blanks is: the name is used for other things too.
    SecretIfLong,
    /// A text that is no path is: shells call their working directory so.
    SecretIfNoPath,
    /// A long text of the characters of tokens, with a digit, is: the words of a vocabulary, names
    /// of columns and paths are none.
    SecretIfMade,
    /// Letters and digits together are: counts, and words about a pass, are none.
    SecretIfMixed,
}

/// Shortest text that a doubtful name makes a secret, in bytes. Chosen: below every token a service
/// hands out, above the words of a vocabulary.
const LONG_BYTES_MIN: usize = 16;
/// Shortest mixed text, in bytes. Chosen: above `v1` and `10ms`, below every password that a
/// service accepts.
const MIXED_BYTES_MIN: usize = 6;
/// Longest name that is looked at, in bytes.
pub(super) const NAME_BYTES_MAX: usize = 64;

/// Endings that say it, whatever stands before them.
const ENDINGS: [&str; 60] = [
    "accesstoken",
    "accountkey",
    "adminpass",
    "apikey",
    "apitoken",
    "authpass",
    "authtoken",
    "azurestoragekey",
    "bearertoken",
    "bottoken",
    "citoken",
    "clientsecret",
    "dbpass",
    "deploytoken",
    "emailpass",
    "encryptionkey",
    "ftppass",
    "ghtoken",
    "githubtoken",
    "gitlabtoken",
    "hftoken",
    "httppass",
    "hubtoken",
    "jobtoken",
    "kagglekey",
    "ldappass",
    "loginpass",
    "logintoken",
    "mailpass",
    "mongopass",
    "mysqlpass",
    "npmtoken",
    "oauthtoken",
    "openaikey",
    "passphrase",
    "passwd",
    "password",
    "postgrespass",
    "privatekey",
    "proxypass",
    "pypitoken",
    "redispass",
    "refreshtoken",
    "registrytoken",
    "rootpass",
    "secretaccesskey",
    "secretkey",
    "secretkeybase",
    "secrettoken",
    "securitytoken",
    "sessiontoken",
    "sharedaccesskey",
    "slacktoken",
    "smtppass",
    "sshpass",
    "subscriptionkey",
    "sudopass",
    "trackingtoken",
    "userpass",
    "wandbkey",
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
/// Keys that are secrets if they look made: `session_key` may be a column, `ssh_key` a path.
const DOUBTFUL_KEYS: [&str; 3] = ["masterkey", "sessionkey", "sshkey"];
/// What stands before `_token` where it is one of a vocabulary.
const VOCABULARY: [&str; 22] = [
    "answer", "audio", "begin", "bos", "cls", "context", "end", "eos", "fim", "image", "mask",
    "modality", "pad", "prefix", "question", "sep", "special", "start", "stop", "suffix", "unk",
    "video",
];

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
        let (before, last) = last_word(name);
        if last.eq_ignore_ascii_case("pwd") {
            return Some(Self::SecretIfNoPath);
        }
        if is_name("pass") {
            return Some(Self::SecretIfMixed);
        }
        let is_of_vocabulary = || {
            let word = last_word(before).1;
            VOCABULARY.iter().any(|it| word.eq_ignore_ascii_case(it))
        };
        if DOUBTFUL_KEYS
            .iter()
            .any(|end| squashed.ends_with(end.as_bytes()))
            || last.eq_ignore_ascii_case("token") && !before.is_empty() && !is_of_vocabulary()
        {
            return Some(Self::SecretIfMade);
        }
        DOUBTFUL
            .iter()
            .any(|known| is_name(known))
            .then_some(Self::SecretIfLong)
    }

    /// Tells whether `value` is a secret under a name that says this.
    pub(super) fn covers(self, value: &str) -> bool {
        let says_something = || !value.trim().is_empty() && !is_nothing(value.trim());
        let has = |is: fn(&u8) -> bool| value.as_bytes().iter().any(is);
        match self {
            Self::Secret => says_something(),
            Self::SecretIfNoPath => says_something() && !value.starts_with('/'),
            Self::SecretIfLong => {
                value.len() >= LONG_BYTES_MIN && !value.contains(char::is_whitespace)
            }
            Self::SecretIfMade => {
                value.len() >= LONG_BYTES_MIN
                    && !value.starts_with(['/', '.', '~'])
                    && !value.contains("//")
                    && has(u8::is_ascii_digit)
                    && value.bytes().all(is_of_tokens)
            }
            Self::SecretIfMixed => {
                value.len() >= MIXED_BYTES_MIN
                    && !value.starts_with('/')
                    && !value.contains(char::is_whitespace)
                    && has(u8::is_ascii_digit)
                    && has(u8::is_ascii_alphabetic)
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

/// Tells whether a text says that there is no value.
fn is_nothing(value: &str) -> bool {
    ["none", "null", "nil", "true", "false", "undefined"]
        .iter()
        .any(|nothing| value.eq_ignore_ascii_case(nothing))
}

/// The characters that tokens and keys are made of.
fn is_of_tokens(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.+/=:~".contains(&byte)
}

/// Splits off the last word of a name: behind `_`, `-`, `.` or a blank, or from a capital on.
fn last_word(name: &str) -> (&str, &str) {
    let apart = |character: char| matches!(character, '_' | '-' | '.' | ' ');
    if let Some((before, last)) = name.rsplit_once(apart) {
        return (before, last);
    }
    let bytes = name.as_bytes();
    let capital = (1..bytes.len())
        .rev()
        .find(|at| bytes[*at].is_ascii_uppercase() && bytes[at - 1].is_ascii_lowercase());
    name.split_at(capital.unwrap_or(0))
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
            "DB_PASS",
            "SMTP_PASS",
            "SSHPASS",
            "GH_TOKEN",
            "CI_JOB_TOKEN",
            "MLFLOW_TRACKING_TOKEN",
            "KAGGLE_KEY",
            "AZURE_STORAGE_KEY",
            "subscription_key",
            "SECRET_KEY_BASE",
            "WANDB_KEY",
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
        assert!(!Says::Secret.covers("None"));
        for name in ["MYSQL_PWD", "db_pwd", "dbPwd"] {
            assert_eq!(Says::of(name), Some(Says::SecretIfNoPath), "{name}");
        }
    }

    #[test]
    fn doubtful_names_say_it_of_values_that_look_made() {
        for name in [
            "id_token",
            "idToken",
            "master_key",
            "session_key",
            "SSH_KEY",
        ] {
            assert_eq!(Says::of(name), Some(Says::SecretIfMade), "{name}");
        }
        for secret in [
            "0123456789abcdef0123456789abcdef",
            "aB3/x+9aB3/x+9aB3/x+9==",
        ] {
            assert!(Says::SecretIfMade.covers(secret), "{secret}");
        }
        for other in [
            "<|reserved_special_token_0|>",
            "user_identification",
            "/home/ann/.ssh/id_ed25519",
            "~/.ssh/id_ed25519",
            "s3://bucket/part-0001",
        ] {
            assert!(!Says::SecretIfMade.covers(other), "{other}");
        }
        assert_eq!(Says::of("pass"), Some(Says::SecretIfMixed));
        assert!(Says::SecretIfMixed.covers("hunter2"));
        for other in [
            "3",
            "12/12",
            "forward",
            "all tests of 2024",
            "10ms",
            "/data/v2",
        ] {
            assert!(!Says::SecretIfMixed.covers(other), "{other}");
        }
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
            "foreign_key",
            "cache_key",
            "storage_key",
            "n_pass",
            "first_pass",
            "bypass",
            "OLDPWD",
            "special_token",
            "padToken",
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
