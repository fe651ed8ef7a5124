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
    /// At least so many characters; all that follow are the token's.
    Run(fn(u8) -> bool, usize),
    /// Exactly so many, and then something else.
    Exactly(fn(u8) -> bool, usize),
    /// Three parts in base64url, joined by dots.
    Jwt,
    /// A block of PEM, if it holds a private key.
    Pem,
}

use Tail::{Exactly, Jwt, Pem, Run};

const fn shape(begins: &'static str, tail: Tail) -> Shape {
    Shape { begins, tail }
}

/// The shapes, in the order of their beginnings.
static SHAPES: [Shape; 84] = [
    shape("-----BEGIN ", Pem),
    shape("A3T", Exactly(is_base32_upper, 17)),
    shape("ABIA", Exactly(is_base32_upper, 16)),
    shape("ACCA", Exactly(is_base32_upper, 16)),
    shape("AGE-SECRET-KEY-1", Run(is_word, 50)),
    shape("AIza", Run(is_url_safe, 30)),
    shape("AKCp", Run(is_word, 60)),
    shape("AKIA", Exactly(is_base32_upper, 16)),
    shape("ASIA", Exactly(is_base32_upper, 16)),
    shape("ATATT3", Run(is_url_safe, 100)),
    shape("ATBB", Run(is_word, 28)),
    shape("EAAC", Run(is_word, 60)),
    shape("GOCSPX-", Run(is_url_safe, 20)),
    shape("KGAT_", Run(is_hex, 32)),
    shape("LTAI", Run(is_word, 16)),
    shape("NRAK-", Run(is_word, 27)),
    shape("PMAK-", Run(is_url_safe, 40)),
    shape("SG.", Run(is_dotted, 60)),
    shape("api_org_", Run(is_word, 30)),
    shape("dapi", Exactly(is_hex, 32)),
    shape("dckr_oat_", Run(is_url_safe, 20)),
    shape("dckr_pat_", Run(is_url_safe, 20)),
    shape("doo_v1_", Run(is_hex, 60)),
    shape("dop_v1_", Run(is_hex, 60)),
    shape("dor_v1_", Run(is_hex, 60)),
    shape("dp.pt.", Run(is_word, 40)),
    shape("eyJ", Jwt),
    shape("figd_", Run(is_url_safe, 38)),
    shape("fm1_", Run(is_base64, 60)),
    shape("fm2_", Run(is_base64, 60)),
    shape("ghe_", Run(is_name, 36)),
    shape("gho_", Run(is_name, 36)),
    shape("ghp_", Run(is_name, 36)),
    shape("ghr_", Run(is_name, 36)),
    shape("ghs_", Run(is_name, 36)),
    shape("ghu_", Run(is_name, 36)),
    shape("github_pat_", Run(is_name, 22)),
    shape("gldt-", Run(is_dotted, 20)),
    shape("glft-", Run(is_dotted, 20)),
    shape("glcbt-", Run(is_dotted, 20)),
    shape("glc_", Run(is_base64, 32)),
    shape("glimt-", Run(is_dotted, 20)),
    shape("gloas-", Run(is_dotted, 20)),
    shape("glpat-", Run(is_dotted, 20)),
    shape("glptt-", Run(is_dotted, 20)),
    shape("glrt-", Run(is_dotted, 20)),
    shape("glsa_", Run(is_name, 40)),
    shape("glsoat-", Run(is_dotted, 20)),
    shape("gsk_", Run(is_word, 48)),
    shape("hf_", Run(is_word, 30)),
    shape("hvb.", Run(is_url_safe, 90)),
    shape("hvs.", Run(is_url_safe, 24)),
    shape("lin_api_", Run(is_word, 40)),
    shape("lsv2_pt_", Run(is_name, 32)),
    shape("lsv2_sk_", Run(is_name, 32)),
    shape("npm_", Run(is_word, 36)),
    shape("ntn_", Run(is_word, 40)),
    shape("pcsk_", Run(is_name, 40)),
    shape("pplx-", Run(is_word, 48)),
    shape("pscale_", Run(is_url_safe, 32)),
    shape("pul-", Exactly(is_hex, 40)),
    shape("pypi-AgE", Run(is_url_safe, 40)),
    shape("r8_", Run(is_word, 37)),
    shape("rk_live_", Run(is_word, 10)),
    shape("rk_test_", Run(is_word, 10)),
    shape("sbp_", Run(is_hex, 40)),
    shape("shpat_", Run(is_hex, 32)),
    shape("shpca_", Run(is_hex, 32)),
    shape("shppa_", Run(is_hex, 32)),
    shape("shpss_", Run(is_hex, 32)),
    shape("sk-", Run(is_word, 32)),
    shape("sk-admin-", Run(is_url_safe, 20)),
    shape("sk-ant-", Run(is_url_safe, 20)),
    shape("sk-lf-", Run(is_url_safe, 30)),
    shape("sk-or-v1-", Run(is_hex, 32)),
    shape("sk-proj-", Run(is_url_safe, 20)),
    shape("sk-svcacct-", Run(is_url_safe, 20)),
    shape("sk_live_", Run(is_word, 10)),
    shape("sk_test_", Run(is_word, 10)),
    shape("tskey-", Run(is_url_safe, 20)),
    shape("wandb_v1_", Run(is_url_safe, 30)),
    shape("whsec_", Run(is_base64, 24)),
    shape("xai-", Run(is_word, 60)),
    shape("xox", Run(is_url_safe, 12)),
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

/// Returns the end of the token that begins at `start`, where a word begins, if one does.
pub(super) fn end_of(text: &str, start: usize) -> Option<usize> {
    let here = &text.as_bytes()[start..];
    let (from, to) = *BY_FIRST.get(usize::from(*here.first()?))?;
    let candidates = &SHAPES[usize::from(from)..usize::from(to)];
    candidates
        .iter()
        .filter(|shape| here.starts_with(shape.begins.as_bytes()))
        .filter_map(|shape| shape.tail.end(here, shape.begins.len()))
        .max()
        .map(|length| start + length)
}

impl Tail {
    /// Returns the length of the token at the start of `here`, its beginning having `begins` bytes.
    fn end(&self, here: &[u8], begins: usize) -> Option<usize> {
        let rest = &here[begins..];
        match self {
            Run(class, least) => {
                let run = run_of(rest, *class);
                (run >= *least).then_some(begins + run)
            }
            Exactly(class, count) => {
                let run = run_of(rest, *class);
                let ends = rest.get(run).is_none_or(|next| !is_name(*next));
                (run == *count && ends).then_some(begins + run)
            }
            Jwt => jwt(here),
            Pem => pem(here),
        }
    }
}

/// Header and body of a JSON Web Token are JSON objects, which begin with `eyJ` in base64url; the
/// signature may be empty. An API token of Neptune is the first part alone.
fn jwt(here: &[u8]) -> Option<usize> {
    let header = run_of(here, is_url_safe);
    if here.starts_with(b"eyJhcGlf") && header >= 60 {
        return Some(run_of(here, is_base64));
    }
    let body = here.get(header + 1..)?;
    if header < 12 || here[header] != b'.' || !body.starts_with(b"eyJ") {
        return None;
    }
    let length = header + 1 + run_of(body, is_url_safe);
    let signature = match here.get(length) {
        Some(b'.') => 1 + run_of(&here[length + 1..], is_url_safe),
        _ => 0,
    };
    Some(length + signature)
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

/// Returns how many bytes at the start are of a class, without a dot that ends a sentence.
fn run_of(bytes: &[u8], class: fn(u8) -> bool) -> usize {
    let run = bytes.iter().take_while(|byte| class(**byte)).count();
    let dots = bytes[..run].iter().rev().take_while(|byte| **byte == b'.');
    run - dots.count()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn is_name(byte: u8) -> bool {
    is_word(byte) || byte == b'_'
}

fn is_url_safe(byte: u8) -> bool {
    is_name(byte) || byte == b'-'
}

fn is_dotted(byte: u8) -> bool {
    is_url_safe(byte) || byte == b'.'
}

fn is_base64(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-')
}

fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn is_base32_upper(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'2'..=b'7')
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
            format!("SG.{}.{}", &word[..22], &word[..43]),
            format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{}", &word[..43]),
            format!(
                "-----BEGIN RSA PRIVATE KEY-----\n{word}\n{word}\n-----END RSA PRIVATE KEY-----"
            ),
            format!("-----BEGIN PRIVATE KEY-----\n{word}"),
        ]
    }

    #[test]
    fn every_shape_is_found_whole() {
        for sample in samples() {
            assert_eq!(end_of(&sample, 0), Some(sample.len()), "{sample}");
            let within = format!("{sample} and more");
            let end = end_of(&within, 0).unwrap();
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
            "SG.1",
            "pul-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(end_of(text, 0), None, "{text}");
        }
    }
}
