//! Well-known shapes of tokens: what a service puts in front of a secret so that it is recognised.
//!
//! Only shapes with a fixed beginning are listed, because those never hit a digest, a UUID or a
//! commit by accident. A secret without a shape of its own (40 hex digits) is left to the names of
//! fields. The invariant: looking costs a table look-up where a word begins, and nothing elsewhere.
//!
//! # Source
//! The shapes are those that the services document for secret scanning, as gathered by gitleaks
//! (`config/gitleaks.toml`) and GitHub ("Supported secret scanning patterns"). Lengths are the
//! shortest of them, so that a longer successor is found too.

/// One shape: a beginning, and what has to follow it.
#[derive(Debug)]
struct Shape {
    begins: &'static str,
    tail: Tail,
}

/// What follows the beginning of a token.
#[derive(Debug)]
enum Tail {
    /// At least so many characters that are no words; all that follow are the token's.
    Run(Class, usize),
    /// Exactly so many, and then something else.
    Exactly(Class, usize),
    /// Three parts in base64url, joined by dots.
    Jwt,
    /// A block of PEM, if it holds a private key.
    Pem,
}

/// The characters that a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Letters and digits.
    Word,
    /// The same and `_`.
    Name,
    /// The same and `-`.
    UrlSafe,
    /// The same and `.`.
    Dotted,
    Base64,
    Hex,
    Base32Upper,
}

/// How many classes there are.
const CLASSES: usize = 7;

use Class::{Base32Upper, Base64, Dotted, Hex, Name, UrlSafe, Word};
use Tail::{Exactly, Jwt, Pem, Run};

const fn shape(begins: &'static str, tail: Tail) -> Shape {
    Shape { begins, tail }
}

/// The shapes, in the order of their beginnings.
static SHAPES: [Shape; 87] = [
    shape("-----BEGIN ", Pem),
    shape("A3T", Exactly(Base32Upper, 17)),
    shape("ABIA", Exactly(Base32Upper, 16)),
    shape("ACCA", Exactly(Base32Upper, 16)),
    shape("AGE-SECRET-KEY-1", Run(Word, 50)),
    shape("AIza", Run(UrlSafe, 30)),
    shape("AKCp", Run(Word, 60)),
    shape("AKIA", Exactly(Base32Upper, 16)),
    shape("ASIA", Exactly(Base32Upper, 16)),
    shape("ATATT3", Run(UrlSafe, 100)),
    shape("ATBB", Run(Word, 28)),
    shape("EAAC", Run(Word, 60)),
    shape("GOCSPX-", Run(UrlSafe, 20)),
    shape("KGAT_", Run(Hex, 32)),
    shape("LTAI", Run(Word, 16)),
    shape("NRAK-", Run(Word, 27)),
    shape("PMAK-", Run(UrlSafe, 40)),
    shape("SG.", Run(Dotted, 60)),
    shape("api_org_", Run(Word, 30)),
    shape("dapi", Exactly(Hex, 32)),
    shape("dckr_oat_", Run(UrlSafe, 20)),
    shape("dckr_pat_", Run(UrlSafe, 20)),
    shape("discord.com/api/webhooks/", Run(Base64, 60)),
    shape("discordapp.com/api/webhooks/", Run(Base64, 60)),
    shape("doo_v1_", Run(Hex, 60)),
    shape("dop_v1_", Run(Hex, 60)),
    shape("dor_v1_", Run(Hex, 60)),
    shape("dp.pt.", Run(Word, 40)),
    shape("eyJ", Jwt),
    shape("figd_", Run(UrlSafe, 38)),
    shape("fm1_", Run(Base64, 60)),
    shape("fm2_", Run(Base64, 60)),
    shape("ghe_", Run(Name, 36)),
    shape("gho_", Run(Name, 36)),
    shape("ghp_", Run(Name, 36)),
    shape("ghr_", Run(Name, 36)),
    shape("ghs_", Run(Name, 36)),
    shape("ghu_", Run(Name, 36)),
    shape("github_pat_", Run(Name, 22)),
    shape("gldt-", Run(Dotted, 20)),
    shape("glft-", Run(Dotted, 20)),
    shape("glcbt-", Run(Dotted, 20)),
    shape("glc_", Run(Base64, 32)),
    shape("glimt-", Run(Dotted, 20)),
    shape("gloas-", Run(Dotted, 20)),
    shape("glpat-", Run(Dotted, 20)),
    shape("glptt-", Run(Dotted, 20)),
    shape("glrt-", Run(Dotted, 20)),
    shape("glsa_", Run(Name, 40)),
    shape("glsoat-", Run(Dotted, 20)),
    shape("gsk_", Run(Word, 48)),
    shape("hf_", Run(Word, 30)),
    shape("hooks.slack.com/services/", Run(Base64, 30)),
    shape("hvb.", Run(UrlSafe, 90)),
    shape("hvs.", Run(UrlSafe, 24)),
    shape("lin_api_", Run(Word, 40)),
    shape("lsv2_pt_", Run(Name, 32)),
    shape("lsv2_sk_", Run(Name, 32)),
    shape("npm_", Run(Word, 36)),
    shape("ntn_", Run(Word, 40)),
    shape("pcsk_", Run(Name, 40)),
    shape("pplx-", Run(Word, 48)),
    shape("pscale_", Run(UrlSafe, 32)),
    shape("pul-", Exactly(Hex, 40)),
    shape("pypi-AgE", Run(UrlSafe, 40)),
    shape("r8_", Run(Word, 37)),
    shape("rk_live_", Run(Word, 10)),
    shape("rk_test_", Run(Word, 10)),
    shape("sbp_", Run(Hex, 40)),
    shape("shpat_", Run(Hex, 32)),
    shape("shpca_", Run(Hex, 32)),
    shape("shppa_", Run(Hex, 32)),
    shape("shpss_", Run(Hex, 32)),
    shape("sk-", Run(Word, 32)),
    shape("sk-admin-", Run(UrlSafe, 20)),
    shape("sk-ant-", Run(UrlSafe, 20)),
    shape("sk-lf-", Run(UrlSafe, 30)),
    shape("sk-or-v1-", Run(Hex, 32)),
    shape("sk-proj-", Run(UrlSafe, 20)),
    shape("sk-svcacct-", Run(UrlSafe, 20)),
    shape("sk_live_", Run(Word, 10)),
    shape("sk_test_", Run(Word, 10)),
    shape("tskey-", Run(UrlSafe, 20)),
    shape("wandb_v1_", Run(UrlSafe, 30)),
    shape("whsec_", Run(Base64, 24)),
    shape("xai-", Run(Word, 60)),
    shape("xox", Run(UrlSafe, 12)),
];

/// For each first byte, where its shapes begin and end in [`SHAPES`].
static BY_FIRST: [(u8, u8); 128] = index();

const fn index() -> [(u8, u8); 128] {
    let mut by_first = [(0, 0); 128];
    let mut at = 0;
    while at < SHAPES.len() {
        let first = SHAPES[at].begins.as_bytes()[0] as usize;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "there are fewer shapes than 255"
        )]
        let position = at as u8;
        if by_first[first].1 == 0 {
            by_first[first].0 = position;
        }
        by_first[first].1 = position + 1;
        at += 1;
    }
    by_first
}

/// Tells whether a token may begin with this byte.
pub(super) fn may_begin(byte: u8) -> bool {
    BY_FIRST
        .get(usize::from(byte))
        .is_some_and(|(_, end)| *end > 0)
}

/// Where runs of each class end that were found, so that a text full of beginnings is not searched
/// to the end of a run from each.
#[derive(Debug, Default)]
pub(super) struct Runs([Option<FoundRun>; CLASSES]);

/// A run that was found: from anywhere in it, it ends at the same place.
#[derive(Debug, Clone, Copy)]
struct FoundRun {
    from: usize,
    end: usize,
    /// The same without the dots that end a sentence.
    token_end: usize,
}

impl Runs {
    /// Returns where the run of a class that begins at `start` ends.
    fn end(&mut self, bytes: &[u8], class: Class, start: usize) -> usize {
        let known = &mut self.0[class as usize];
        let run = match known {
            Some(run) if (run.from..=run.end).contains(&start) => *run,
            _ => {
                let rest = bytes.get(start..).unwrap_or_default();
                let length = rest.iter().take_while(|byte| class.has(**byte)).count();
                let dots = rest[..length].iter().rev().take_while(|it| **it == b'.');
                let end = start + length;
                *known.insert(FoundRun {
                    from: start,
                    end,
                    token_end: end - dots.count(),
                })
            }
        };
        run.token_end.max(start)
    }
}

/// Returns the end of the token that begins at `start`, where a word begins, if one does.
pub(super) fn end_of(text: &str, start: usize, runs: &mut Runs) -> Option<usize> {
    let bytes = text.as_bytes();
    let here = &bytes[start..];
    let (from, to) = *BY_FIRST.get(usize::from(*here.first()?))?;
    let candidates = &SHAPES[usize::from(from)..usize::from(to)];
    candidates
        .iter()
        .filter(|shape| here.starts_with(shape.begins.as_bytes()))
        .filter_map(|shape| {
            shape
                .tail
                .end(bytes, start, start + shape.begins.len(), runs)
        })
        .max()
}

impl Tail {
    /// Returns the end of the token that begins at `start`, and whose tail does at `tail`.
    fn end(&self, bytes: &[u8], start: usize, tail: usize, runs: &mut Runs) -> Option<usize> {
        match self {
            Run(class, least) => {
                let end = runs.end(bytes, *class, tail);
                (end - tail >= *least && !is_worded(&bytes[tail..end])).then_some(end)
            }
            Exactly(class, count) => {
                let rest = &bytes[tail..];
                let one_more = rest.iter().take(count + 1);
                let run = one_more.take_while(|byte| class.has(**byte)).count();
                let ends = rest.get(run).is_none_or(|next| !Name.has(*next));
                (run == *count && ends).then_some(tail + run)
            }
            Jwt => jwt(bytes, start, runs),
            Pem => pem(&bytes[start..]).map(|length| start + length),
        }
    }
}

/// How much of a tail is read as words; chosen, above most tokens.
const WORDED_BYTES_MAX: usize = 128;

/// Tells whether a tail is a name put together of words, as in `sk-proj-churn-model-v2`: letters of
/// one case, with a capital at most and some digits behind, between `-`, `_` and `.`. What a
/// generator of tokens makes has both cases or digits in its midst.
fn is_worded(tail: &[u8]) -> bool {
    let read = &tail[..tail.len().min(WORDED_BYTES_MAX)];
    read.split(|byte| !byte.is_ascii_alphanumeric())
        .all(is_a_word)
}

fn is_a_word(part: &[u8]) -> bool {
    let digits = part.iter().rev().take_while(|it| it.is_ascii_digit());
    let digits = digits.count();
    let letters = &part[..part.len() - digits];
    let of_one_case = letters.iter().all(u8::is_ascii_uppercase)
        || letters.iter().skip(1).all(u8::is_ascii_lowercase);
    // Behind a word stands a version or a year.
    of_one_case && letters.iter().all(u8::is_ascii_alphabetic) && digits <= WORD_DIGITS_MAX
}

/// Most digits behind a word; chosen: a year.
const WORD_DIGITS_MAX: usize = 4;

/// Header and body of a JSON Web Token are JSON objects, which begin with `eyJ` in base64url; the
/// signature may be empty. An API token of Neptune is the first part alone.
fn jwt(bytes: &[u8], start: usize, runs: &mut Runs) -> Option<usize> {
    let header_end = runs.end(bytes, UrlSafe, start);
    let header = header_end - start;
    if bytes[start..].starts_with(b"eyJhcGlf") && header >= 60 {
        return Some(runs.end(bytes, Base64, start));
    }
    let body = header_end + 1;
    let has_body = bytes.get(body..).is_some_and(|it| it.starts_with(b"eyJ"));
    if header < 12 || bytes.get(header_end) != Some(&b'.') || !has_body {
        return None;
    }
    let end = runs.end(bytes, UrlSafe, body);
    Some(match bytes.get(end) {
        Some(b'.') => runs.end(bytes, UrlSafe, end + 1),
        _ => end,
    })
}

/// A block with a private key ends where PEM says so; one that was cut short ends with the text.
fn pem(here: &[u8]) -> Option<usize> {
    let head_end = find(&here[5..], b"-----")? + 5;
    let label = here.get(11..head_end)?;
    find(label, b"PRIVATE KEY")?;
    let body = head_end + 5;
    let Some(foot) = find(&here[body..], b"-----END ") else {
        return Some(here.len());
    };
    let label = body + foot + 9;
    let end = find(&here[label..], b"-----").map_or(here.len(), |end| label + end + 5);
    Some(end)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

impl Class {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Word => byte.is_ascii_alphanumeric(),
            Self::Name => Word.has(byte) || byte == b'_',
            Self::UrlSafe => Name.has(byte) || byte == b'-',
            Self::Dotted => UrlSafe.has(byte) || byte == b'.',
            Self::Base64 => UrlSafe.has(byte) || matches!(byte, b'+' | b'/' | b'='),
            Self::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Self::Base32Upper => matches!(byte, b'A'..=b'Z' | b'2'..=b'7'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_stand_in_the_order_of_their_first_bytes() {
        let firsts: Vec<u8> = SHAPES.iter().map(|it| it.begins.as_bytes()[0]).collect();
        assert!(firsts.is_sorted(), "the index needs them together");
        assert!(SHAPES.iter().all(|it| it.begins.is_ascii()));
    }

    /// Texts of the shapes, put together here so that no scanner takes this file for a leak.
    fn samples() -> Vec<String> {
        let word = "Ab1Cd2Ef3Gh4Jk5Mn6Pq7Rs8Tu9Vw0Xy1Za2Bc3De4Fg5Hj6Km7";
        let hex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let base32 = "ABCDEFGH234567IJ";
        vec![
            format!("ghp_{}", &word[..36]),
            format!("github_pat_{}_{}", &word[..22], &word[..30]),
            format!("glpat-{}", &word[..20]),
            format!("glpat-{}.01.{}", &word[..27], &word[..9]),
            format!("AKIA{base32}"),
            format!("ASIA{base32}"),
            format!("xoxb-{}-{}", "123456789012", &word[..24]),
            format!("sk-{}", &word[..48]),
            format!("sk-proj-{}-{}", &word[..40], &word[..30]),
            format!("sk-ant-api03-{}_{}", &word[..50], &word[..43]),
            format!("hf_{}", &word[..34]),
            format!("AIza{}", &word[..35]),
            format!("sk_live_{}", &word[..24]),
            format!("npm_{}", &word[..36]),
            format!("pypi-AgEIcHlwaS5vcmc{}{}", &word[..50], &word[..30]),
            format!("wandb_v1_{}{}", &word[..50], &word[..27]),
            format!("dapi{}", &hex[..32]),
            format!("glrt-{}", &word[..20]),
            format!("glrt-t1_{}.01.{}", &word[..27], &word[..9]),
            format!("xoxo-{}-{}-{}", "523423", "234243", &hex[..32]),
            format!(
                "hooks.slack.com/services/T{}/B{}/{}",
                "0AB12CD34",
                "0EF56GH78",
                &word[..24]
            ),
            format!(
                "discord.com/api/webhooks/123456789012345678/{}_{}",
                word,
                &word[..15]
            ),
            format!("SG.{}.{}", &word[..22], &word[..43]),
            format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{}", &word[..43]),
            format!(
                "-----BEGIN RSA PRIVATE KEY-----\n{word}\n{word}\n-----END RSA PRIVATE KEY-----"
            ),
            format!("-----BEGIN PRIVATE KEY-----\n{word}"),
        ]
    }

    fn found(text: &str) -> Option<usize> {
        end_of(text, 0, &mut Runs::default())
    }

    #[test]
    fn every_shape_is_found_whole() {
        for sample in samples() {
            assert_eq!(found(&sample), Some(sample.len()), "{sample}");
            let within = format!("{sample} and more");
            let end = found(&within).unwrap();
            assert!(end == sample.len() || sample.ends_with("Km7"), "{sample}");
        }
    }

    #[test]
    fn what_only_begins_like_a_token_is_none() {
        for text in [
            "ghp_short",
            "sk-learn-gradient-boosting-classifier",
            "hf_hub_download",
            "npm_config_registry_and_more_words_here",
            "AKIAABCDEFGH234567IJK",
            "eyJhbGciOiJIUzI1NiJ9",
            "dapi0123456789abcdef0123456789abcdef01",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN PUBLIC KEY-----",
            "xoxo",
            "xoxo-love-and-kisses-2024",
            "hooks.slack.com/services/to-be-named-by-each-team",
            "glrt-based-detector-results",
            "glrt-Detector.of_the_second-kind.v2",
            "sk-proj-churn-model-of-this-year",
            "sk-ant-colony-optimisation-run12",
            "sk_test_classifiers_of_text",
            "tskey-value-store-of-the-team",
            "SG.1",
            "pul-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
