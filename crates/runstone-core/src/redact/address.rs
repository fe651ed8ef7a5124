//! Credentials in addresses: a password before the host, and parameters such as `?token=`.
//!
//! Called where a walk over a text meets `://`, or `=` behind the name of a parameter. The
//! invariant: only the credential is a hit, and the address around it stays readable.

use super::builtin::Builtin;
use super::inline::Ends;
use super::mark;
use super::secret_name::{NAME_BYTES_MAX, Says};
use super::text::Span;

/// Parameters of an address that are credentials, squashed as names are.
const PARAMETERS: [&str; 23] = [
    "accesstoken",
    "apikey",
    "auth",
    "authtoken",
    "awsaccesskeyid",
    "clientsecret",
    "code",
    "idtoken",
    "jwt",
    "key",
    "password",
    "passwd",
    "pwd",
    "refreshtoken",
    "secret",
    "sig",
    "signature",
    "token",
    "xamzcredential",
    "xamzsecuritytoken",
    "xamzsignature",
    "xgoogcredential",
    "xgoogsignature",
];
/// Parameters that are credentials only if they look like one.
const DOUBTFUL_PARAMETERS: [&str; 3] = ["auth", "code", "key"];
/// Shortest value of a doubtful parameter, and shortest user name that is taken for a token, in
/// bytes. Chosen as for doubtful names.
const LONG_BYTES_MIN: usize = 16;

/// Credentials before the host of an address: the password, and a user name that is a token.
pub(super) fn user_info(text: &str, start: usize, ends: &mut Ends) -> Option<Span> {
    let end = ends.address.from(text, start, |rest| {
        rest.find(|character: char| character.is_whitespace() || "\"'`<>".contains(character))
    });
    let whole = &text[start..end];
    let authority = whole
        .find(['/', '?', '#'])
        .map_or(whole, |end| &whole[..end]);
    let at_sign = if let Some(at_sign) = authority.rfind('@') {
        at_sign
    } else {
        // A password may hold what ends an authority; a port, which is a number, ends it rightly.
        let (_, after) = authority.split_once(':')?;
        if after.is_empty() || after.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // Without an `@` on the way the address is not searched for its last one.
        let first = ends.at_sign.from(text, start, |rest| rest.find('@'));
        if first >= end {
            return None;
        }
        whole.rfind('@')?
    };
    if is_digest(&whole[at_sign + 1..]) {
        return None;
    }
    let credentials = &whole[..at_sign];
    let (from, to) = match credentials.split_once(':') {
        Some((user, _)) if looks_like_token(user) => (0, at_sign),
        Some((user, _)) => (user.len() + 1, at_sign),
        None if looks_like_token(credentials) => (0, at_sign),
        None => return None,
    };
    Some(Span {
        start: start + from,
        end: start + to,
        rule: Builtin::UrlCredentials,
    })
}

/// Tells whether what stands behind the `@` of an address is no host but the digest of an image:
/// `docker://python:3.11@sha256:…`.
fn is_digest(host: &str) -> bool {
    let algorithm = host.split(':').next().unwrap_or_default();
    matches!(algorithm, "sha256" | "sha384" | "sha512")
}

/// A parameter of an address.
pub(super) fn parameter(text: &str, name: &str, start: usize, ends: &mut Ends) -> Option<Span> {
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let squashed: String = name
        .chars()
        .filter(|character| !matches!(character, '_' | '-'))
        .collect();
    let is = |known: &&&str| squashed.eq_ignore_ascii_case(known);
    let is_doubtful = DOUBTFUL_PARAMETERS.iter().any(|known| is(&known));
    let is_known =
        PARAMETERS.iter().any(|known| is(&known)) || Says::of(name) == Some(Says::Secret);
    if !is_known {
        return None;
    }
    let end = ends.parameter.from(text, start, |rest| {
        rest.find(|character: char| character.is_whitespace() || "&#\"'`<>".contains(character))
    });
    let digit = |rest: &str| rest.find(|character: char| character.is_ascii_digit());
    let mut looks_like_token =
        || end - start >= LONG_BYTES_MIN && ends.digit.from(text, start, digit) < end;
    (!is_doubtful || looks_like_token()).then_some(Span {
        start,
        end,
        rule: Builtin::UrlCredentials,
    })
}

/// Tells whether a text is long, has a digit and no blank. What stands for a secret in it is none
/// of that: a mark may be longer than what it stands for.
pub(super) fn looks_like_token(text: &str) -> bool {
    let text = mark::left_out(text);
    text.len() >= LONG_BYTES_MIN
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && !text.contains(char::is_whitespace)
}
