//! Secrets within a text: one walk from left to right, in which most bytes cost one comparison.
//!
//! Four things are looked for: a token where a word begins, credentials behind `://`, a secret name
//! before `=` or `:`, and a secret name as an option of a command. Only the secret itself is a hit;
//! what stands around it stays. What is a credential in an address is left to `address`. The
//! invariant: what is found is in order, apart,
//! never empty, and on the borders of characters.

use super::address::{looks_like_token, parameter, user_info};
use super::builtin::Builtin;
use super::secret_name::{NAME_BYTES_MAX, Says};
use super::text::Span;
use super::token;

/// Shortest text that is looked at, in bytes: shorter than any secret with a name before it.
const TEXT_BYTES_MIN: usize = 6;

/// Finds every secret in `text` that the built-in rules know.
pub(super) fn hits(text: &str) -> Vec<Span> {
    let bytes = text.as_bytes();
    let mut found: Vec<Span> = Vec::new();
    if bytes.len() < TEXT_BYTES_MIN {
        return found;
    }
    let mut ends = Ends::default();
    let mut at = 0;
    while at < bytes.len() {
        let hit = match bytes[at] {
            b':' if bytes[at..].starts_with(b"://") => user_info(text, at + 3, &mut ends),
            b':' if bytes[at..].starts_with(b":AA") => {
                bot(bytes, at).or_else(|| assigned(text, at, &mut ends))
            }
            b'=' | b':' => assigned(text, at, &mut ends),
            b'-' if bytes[at..].starts_with(b"--") && begins_word(bytes, at) => {
                token_at(text, at, &mut ends)
                    .or_else(|| option(text, at, &mut ends))
                    .or_else(|| login(text, at, &mut ends))
            }
            b'-' if begins_word(bytes, at) => login(text, at, &mut ends),
            b'B' | b'b' if begins_word(bytes, at) => {
                bearer(text, at, &mut ends).or_else(|| token_at(text, at, &mut ends))
            }
            first if token::may_begin(first) && begins_word(bytes, at) => {
                token_at(text, at, &mut ends)
            }
            _ => None,
        };
        match hit {
            Some(hit) if hit.start < hit.end => {
                // A password that is a token is met once: from the earlier of both starts.
                at = hit.end.max(at + 1);
                found.push(hit);
            }
            _ => at += 1,
        }
    }
    found
}

/// Ends that were found, so that a text full of beginnings is not searched to its end from each.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) address: Ahead,
    pub(super) at_sign: Ahead,
    pub(super) parameter: Ahead,
    pub(super) digit: Ahead,
    value: Ahead,
    curl: Ahead,
    closing: Ahead,
    runs: token::Runs,
}

/// What a search from left to right found last: it is found again from anywhere between.
#[derive(Debug, Default)]
pub(super) struct Ahead(Option<(usize, usize)>);

impl Ahead {
    /// Returns where `find` finds something in `text` from `start` on; its end if nowhere.
    pub(super) fn from(
        &mut self,
        text: &str,
        start: usize,
        find: impl Fn(&str) -> Option<usize>,
    ) -> usize {
        if let Some((from, found)) = self.0
            && (from..=found).contains(&start)
        {
            return found;
        }
        let found = find(&text[start..]).map_or(text.len(), |length| start + length);
        self.0 = Some((start, found));
        found
    }
}

fn begins_word(bytes: &[u8], at: usize) -> bool {
    at == 0 || !bytes[at - 1].is_ascii_alphanumeric()
}

fn token_at(text: &str, start: usize, ends: &mut Ends) -> Option<Span> {
    let end = token::end_of(text, start, &mut ends.runs)?;
    Some(Span {
        start,
        end,
        rule: Builtin::Tokens,
    })
}

/// `Bearer` and what it bears, if that has a digit: prose has none.
fn bearer(text: &str, at: usize, ends: &mut Ends) -> Option<Span> {
    let word = text.get(at..at + 7)?;
    if !word.eq_ignore_ascii_case("bearer ") {
        return None;
    }
    let start = at + 7;
    let end = end_of_value(text, start, ends);
    looks_like_token(&text[start..end]).then_some(Span {
        start,
        end,
        rule: Builtin::Tokens,
    })
}

/// The token of a Telegram bot: the digits of its id, which are public, then the secret.
fn bot(bytes: &[u8], at: usize) -> Option<Span> {
    let digits = bytes[..at].iter().rev();
    let digits = digits.take(BOT_ID_BYTES_MAX + 1);
    let digits = digits.take_while(|byte| byte.is_ascii_digit()).count();
    let run = bytes[at + 1..].iter().take(BOT_SECRET_BYTES + 1);
    let run = run.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let is_it =
        (BOT_ID_BYTES_MIN..=BOT_ID_BYTES_MAX).contains(&digits) && run.count() == BOT_SECRET_BYTES;
    is_it.then_some(Span {
        start: at + 1,
        end: at + 1 + BOT_SECRET_BYTES,
        rule: Builtin::Tokens,
    })
}

/// Shortest and longest id of a bot.
const BOT_ID_BYTES_MIN: usize = 5;
const BOT_ID_BYTES_MAX: usize = 16;
/// How long the secret of a bot is.
const BOT_SECRET_BYTES: usize = 35;

/// Options of `curl` with `user:password`. Other commands have a group there, so that they say
/// nothing without it.
const LOGINS: [&str; 4] = ["-u", "--user", "-U", "--proxy-user"];

/// The password in `curl -u user:password`.
fn login(text: &str, at: usize, ends: &mut Ends) -> Option<Span> {
    let here = &text[at..];
    let behind = |option: &&str| here.strip_prefix(*option)?.strip_prefix(' ');
    let after = LOGINS.iter().find_map(behind)?;
    if ends.curl.from(text, 0, |text| text.find("curl ")) >= at {
        return None;
    }
    let start = text.len() - after.len();
    let (start, end) = match after.as_bytes().first() {
        Some(quote @ (b'"' | b'\'')) => {
            let quote = char::from(*quote);
            let closing = |rest: &str| rest.find(quote);
            let end = ends.closing.from(text, start + 1, closing);
            (start + 1, end)
        }
        _ => (start, end_of_value(text, start, ends)),
    };
    let colon = text[start..end].find(':')?;
    (colon > 0).then_some(Span {
        start: start + colon + 1,
        end,
        rule: Builtin::UrlCredentials,
    })
}

/// Tells whether an element of a command line calls `curl`.
pub(super) fn is_curl(element: &str) -> bool {
    element == "curl" || element.ends_with("/curl")
}

/// Tells whether an element of a command line of `curl` is the login that the option before takes.
pub(super) fn is_login(option: &str, element: &str) -> bool {
    LOGINS.contains(&option) && element.contains(':')
}

/// `name=value` and `name: value`, with or without blanks between them, where the name says that
/// the value is a secret.
fn assigned(text: &str, at: usize, ends: &mut Ends) -> Option<Span> {
    let bytes = text.as_bytes();
    let blanks = bytes[..at].iter().rev();
    let blanks = blanks.take_while(|byte| matches!(byte, b' ' | b'\t'));
    let before = at - blanks.count();
    let quoted = before > 0 && matches!(bytes[before - 1], b'"' | b'\'');
    let name_end = before - usize::from(quoted);
    // Within JSON in a text the quotes around a name are escaped.
    let escapes = bytes[..name_end]
        .iter()
        .rev()
        .take_while(|byte| **byte == b'\\');
    let name_end = name_end - if quoted { escapes.count() } else { 0 };
    let name_length = bytes[..name_end]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        .count();
    let name_start = name_end - name_length;
    let name = &text[name_start..name_end];
    let is_parameter =
        bytes[at] == b'=' && name_start > 0 && matches!(bytes[name_start - 1], b'?' | b'&' | b'#');
    if is_parameter {
        return parameter(text, name, at + 1, ends);
    }
    let says = Says::of(name.trim_start_matches('-'))?;
    if is_prose(text, name_start, at) || name_end == at && is_package(name, &text[at..]) {
        return None;
    }
    let mut start = at + 1;
    while matches!(bytes.get(start), Some(b' ' | b'\t' | b'=')) {
        start += 1;
    }
    if matches!(bytes.get(start), Some(b'"' | b'\'' | b'\\')) {
        return quoted_value(text, start, says, ends);
    }
    // A scheme before the credentials of a header is no secret.
    for scheme in ["Bearer ", "Basic ", "Token "] {
        if text[start..]
            .get(..scheme.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(scheme))
        {
            start += scheme.len();
        }
    }
    value(text, start, says, ends)
}

/// Tells whether a sentence speaks of a secret, as in `the secret: data augmentation`: a word goes
/// before, and two at least come after.
fn is_prose(text: &str, name_start: usize, at: usize) -> bool {
    let Some(after) = text[at..].strip_prefix(": ") else {
        return false;
    };
    let name = text[name_start..at].trim_end();
    let before = text[..name_start].strip_suffix(' ');
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|it| it.is_ascii_lowercase());
    let mut words = after.split(' ');
    ["secret", "secrets"].contains(&name)
        && before.is_some_and(|before| before.ends_with(|it: char| it.is_ascii_lowercase()))
        && words.next().is_some_and(is_word)
        && words.next().is_some_and(is_word)
}

/// Tells whether a name and what follows it name a package of Debian for one architecture, as in
/// `base-passwd:amd64`: nobody's password is the name of an architecture.
fn is_package(name: &str, after: &str) -> bool {
    let Some(after) = after.strip_prefix(':') else {
        return false;
    };
    let is_of_names = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    let architecture = after.split(|it: char| it.is_whitespace() || "=,;\"')]}".contains(it));
    name.bytes().all(is_of_names)
        && architecture
            .into_iter()
            .next()
            .is_some_and(|it| ARCHITECTURES.contains(&it))
}

/// The architectures that packages of Debian are built for, and the words for several of them.
const ARCHITECTURES: [&str; 28] = [
    "all",
    "alpha",
    "amd64",
    "any",
    "arc",
    "arm64",
    "armel",
    "armhf",
    "hppa",
    "hurd-amd64",
    "hurd-i386",
    "i386",
    "ia64",
    "loong64",
    "m68k",
    "mips",
    "mips64el",
    "mipsel",
    "native",
    "powerpc",
    "ppc64",
    "ppc64el",
    "riscv64",
    "s390x",
    "sh4",
    "sparc",
    "sparc64",
    "x32",
];

fn value(text: &str, start: usize, says: Says, ends: &mut Ends) -> Option<Span> {
    let end = end_of_value(text, start, ends);
    says.covers(&text[start..end]).then_some(Span {
        start,
        end,
        rule: Builtin::SecretFields,
    })
}

/// A value in quotes ends with the same quote; within JSON in a text the quotes are escaped.
fn quoted_value(text: &str, at: usize, says: Says, ends: &mut Ends) -> Option<Span> {
    let bytes = text.as_bytes();
    let escapes = bytes[at..].iter().take_while(|byte| **byte == b'\\');
    let escapes = escapes.take(ESCAPES_MAX + 1).count();
    let quote = bytes.get(at + escapes).copied()?;
    if escapes > ESCAPES_MAX || !matches!(quote, b'"' | b'\'') {
        return value(text, at, says, ends);
    }
    let start = at + escapes + 1;
    let closing = &text[at..start];
    let plainly = || text[start..].find(closing).map(|length| start + length);
    let end = closing_quote(bytes, start, quote, escapes)
        // In a shell a backslash before the closing quote is one.
        .or_else(plainly)
        .unwrap_or(text.len());
    says.covers(&text[start..end]).then_some(Span {
        start,
        end,
        rule: Builtin::SecretFields,
    })
}

/// Most backslashes before a quote that is taken for one: JSON in texts of JSON, four deep.
const ESCAPES_MAX: usize = 15;

/// Returns where a text ends whose quotes bear `escapes` backslashes. Each text around it doubles
/// them and adds one, so a quote within the text bears more, and a backslash at its end a multiple.
fn closing_quote(bytes: &[u8], start: usize, quote: u8, escapes: usize) -> Option<usize> {
    let mut before = 0;
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        if *byte == b'\\' {
            before += 1;
            continue;
        }
        if *byte == quote && before % (2 * (escapes + 1)) == escapes {
            return Some(at - escapes);
        }
        before = 0;
    }
    None
}

/// `--password value`: the option and its value stand apart.
fn option(text: &str, at: usize, ends: &mut Ends) -> Option<Span> {
    let name = &text[at + 2..];
    let length = name
        .bytes()
        // A longer name says nothing, and a line of dashes is one name after another.
        .take(NAME_BYTES_MAX + 1)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        .count();
    let says = Says::of(&name[..length])?;
    let blanks = name[length..]
        .bytes()
        .take_while(|byte| *byte == b' ')
        .count();
    let start = at + 2 + length + blanks;
    if blanks == 0 {
        return None;
    }
    if let Some(b'"' | b'\'') = text.as_bytes().get(start) {
        return quoted_value(text, start, says, ends);
    }
    let end = end_of_value(text, start, ends);
    if is_option(&text[start..end]) {
        return None;
    }
    value(text, start, says, ends)
}

/// Returns what an element of a command line says of the one after it: `--password` alone does.
pub(super) fn says_of_next(element: &str) -> Option<Says> {
    Says::of(element.strip_prefix("--")?)
}

/// Tells whether an element of a command line is an option, and so not the value of the one before:
/// a name behind two dashes, a letter or two behind one. A secret may begin with a dash.
pub(super) fn is_option(element: &str) -> bool {
    element.starts_with("--") || element.starts_with('-') && element.len() <= SHORT_OPTION_BYTES_MAX
}

/// Longest option with one dash; chosen: `-vv`.
const SHORT_OPTION_BYTES_MAX: usize = 3;

fn end_of_value(text: &str, start: usize, ends: &mut Ends) -> usize {
    ends.value.from(text, start, |rest| {
        rest.find(|character: char| character.is_whitespace() || "\"'`,;&<>)}]".contains(character))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns `text` with every hit as `…`.
    fn without(text: &str) -> String {
        let mut left = text.to_owned();
        for hit in hits(text).iter().rev() {
            left.replace_range(hit.start..hit.end, "…");
        }
        left
    }

    #[test]
    fn only_the_secret_goes_and_the_rest_of_the_text_stays() {
        let token = format!("ghp_{}", "Ab1".repeat(12));
        for (text, left) in [
            (
                "postgres://ann:hunter2@db:5432/runs",
                "postgres://ann:…@db:5432/runs",
            ),
            ("postgres://ann:p@ss@db/runs", "postgres://ann:…@db/runs"),
            ("postgres://ann:pa/ss@db/runs", "postgres://ann:…@db/runs"),
            (
                "https://h/x?a=1&token=abc&b=2",
                "https://h/x?a=1&token=…&b=2",
            ),
            (
                "https://h/x?X-Amz-Signature=0f0f&y=1",
                "https://h/x?X-Amz-Signature=…&y=1",
            ),
            (
                "https://h/x?sv=1&sig=a%2Fb%3D#top",
                "https://h/x?sv=1&sig=…#top",
            ),
            (
                "train.py --password hunter2 --lr 0.1",
                "train.py --password … --lr 0.1",
            ),
            (
                "train.py --api-key=hunter2 --lr 0.1",
                "train.py --api-key=… --lr 0.1",
            ),
            (
                "host=db user=ann password=hunter2 port=1",
                "host=db user=ann password=… port=1",
            ),
            (
                "{\"password\": \"hunter 2\", \"lr\": 1}",
                "{\"password\": \"…\", \"lr\": 1}",
            ),
            (
                "{\\\"api_key\\\": \\\"hunter2\\\"}",
                "{\\\"api_key\\\": \\\"…\\\"}",
            ),
            ("Authorization: Bearer abc123", "Authorization: Bearer …"),
            ("curl -H 'Bearer abcdef0123456789'", "curl -H 'Bearer …'"),
            (
                "AWS_SECRET_ACCESS_KEY=wJalr/K7+x env",
                "AWS_SECRET_ACCESS_KEY=… env",
            ),
            ("DB_PASSWORD: hunter2", "DB_PASSWORD: …"),
            ("MYSQL_PWD=hunter2 train.py", "MYSQL_PWD=… train.py"),
            ("SSHPASS=hunter2", "SSHPASS=…"),
            (
                "curl -u ann:hunter2 https://h/x",
                "curl -u ann:… https://h/x",
            ),
            ("curl --user 'ann:hunter 2'", "curl --user 'ann:…'"),
            (
                "api.telegram.org/bot123456789:AAEabcdefghijklmnopqrstuvwxyz012345/send",
                "api.telegram.org/bot123456789:…/send",
            ),
            ("the secret: hunter2", "the secret: …"),
            // A package has no blank before its architecture, and no capital.
            ("passwd: amd64", "passwd: …"),
            ("PASSWD:amd64", "PASSWD:…"),
            ("passwd:amd641", "passwd:…"),
            ("password = hunter2 and more", "password = … and more"),
            ("password\t=\thunter2", "password\t=\t…"),
            ("{\"password\" : \"hunter2\"}", "{\"password\" : \"…\"}"),
            ("{'api_key' : 'hunter2'}", "{'api_key' : '…'}"),
            (
                "{\"password\": \"a\\\"b\", \"lr\": 1}",
                "{\"password\": \"…\", \"lr\": 1}",
            ),
            (
                "{\"password\": \"a\\\\\", \"lr\": 1}",
                "{\"password\": \"…\", \"lr\": 1}",
            ),
            (
                "{\\\"api_key\\\": \\\"a\\\\\\\"b\\\", \\\"lr\\\": 1}",
                "{\\\"api_key\\\": \\\"…\\\", \\\"lr\\\": 1}",
            ),
            ("--password 'C:\\' --lr 1", "--password '…' --lr 1"),
            (
                "train.py --api-key -xAb1Cd2 --lr 1",
                "train.py --api-key … --lr 1",
            ),
            ("Server=db;Uid=ann;Pwd=hunter2;", "Server=db;Uid=ann;Pwd=…;"),
            (
                "docker://ann:hunter2@sha256.example/x",
                "docker://ann:…@sha256.example/x",
            ),
        ] {
            assert_eq!(without(text), left);
        }
        assert_eq!(without(&format!("see {token}.")), "see ….");
        let as_user = format!("https://{token}@github.com/x");
        assert_eq!(without(&as_user), "https://…@github.com/x");
        let as_user = format!("https://{token}:x-oauth-basic@github.com/x");
        assert_eq!(without(&as_user), "https://…@github.com/x");
    }

    #[test]
    fn what_is_no_secret_is_left_alone() {
        for text in [
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
            "718f7ea0e05e12c0b5cdd1a1fb4ee58162eb4564",
            "de00711f-d954-4b7f-97df-f5a9dcff1ed7",
            "train.churn.0123456789abcdef",
            "train.churn.0123456789abcdef#17",
            "2026-11-20T10:15:00.000Z",
            "intelligent_output_20251217_093012",
            "https://example.org:8080/a/b?page=2&sort_key=name#top",
            "https://example.org/@ann/post",
            "git@github.com:ann/repo.git",
            "ssh://git@github.com/ann/repo.git",
            "s3://bucket/key=value/part-0001.parquet",
            "max_tokens=512 tokenizer=bert eos_token=</s> pad_token: [PAD]",
            "token: bert-base",
            "sk-learn-gradient-boosting-classifier-v2",
            "the bearer of this letter",
            "bearer authentication-is-not-supported",
            "pass: 3, fail: 0",
            "secret=None the secret: data augmentation",
            "docker run -u 1000:1000 --user ann:staff",
            "curl -u ann https://h/x",
            "--token-count 5 --tokenizer bert",
            "--password --verbose",
            "numpy==2.1.0 pandas==2.2.3",
            "https://h/x?key=name&code=de",
            "PWD=/data OLDPWD=/",
            "docker://python:3.11@sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "docker://python:3.11@sha256",
            "--password -v --lr 1",
            "see sk-proj-churn-model-of-this-year and xoxo-love-and-kisses-2024",
            "base-passwd:amd64 passwd:amd64 (amd64), libauthen-passphrase:all",
            "passwd:amd64=1:4.17.4-2",
        ] {
            assert_eq!(hits(text), [], "{text}");
        }
    }

    #[test]
    fn a_text_full_of_beginnings_costs_one_walk() {
        // A search to the end from each of them would take many minutes.
        for beginning in [
            "?key=",
            "?a&code=x",
            "a://",
            "a://b:c/",
            "------",
            "://é?auth=",
            "eyJ-",
            "eyJ_eyJ-a.",
            "tskey-",
            "SG.",
            "pwd=/",
            "token=\\\"a ",
            "curl -u ",
            "curl -u \"a ",
            "123456:AA",
            "the secret: a b ",
        ] {
            let text = beginning.repeat(1024 * 1024 / beginning.len());
            assert_eq!(hits(&text), [], "{beginning}");
        }
    }

    #[test]
    fn a_text_whose_secrets_are_gone_has_none() {
        for text in [
            "postgres://ann:[redacted]@db/runs",
            "--password [redacted]",
            "password=[redacted] x",
            "https://h/x?token=pseudonym:0123456789abcdef0123456789abcdef&y=1",
            "https://[redacted]@github.com/x",
            "Authorization: Bearer [redacted]",
        ] {
            assert_eq!(crate::redact::text::hits_of_builtins(text), [], "{text}");
        }
    }

    #[test]
    fn every_text_is_cut_on_the_borders_of_characters() {
        for text in [
            "pässwort=é",
            "password=é🙂 ü",
            "://é:é@é",
            "--password é",
            "é=é:é@é://",
            "=",
            "::::::",
            "------",
        ] {
            for hit in hits(text) {
                assert!(text.is_char_boundary(hit.start) && text.is_char_boundary(hit.end));
            }
        }
    }
}
