//! `extends`: one profile built on another, and stages built on `default`.
//!
//! Both follow one rule: tables merge key by key, everything else is replaced. Only what is
//! redacted adds up, because a profile must not take away what the one below keeps secret. The
//! invariant: what comes out has no `extends` left and reads the same wherever it is read again.

use super::error::{ProfileError, ProfileFault};
use super::redact_schema;
use super::source::{self, Form, Node, Place, Table};

/// Longest chain of profiles that extend each other. Chosen: beyond any reader's patience.
const CHAIN_MAX: usize = 16;
/// The names and texts of the profiles that are built in.
pub(super) const BUILTIN: [(&str, &str); 2] = [
    ("generic", include_str!("generic.toml")),
    ("market", include_str!("market.toml")),
];

/// Reads `text` and everything it extends, and returns one merged tree.
///
/// # Errors
/// [`ProfileError`] if a text is not TOML, a name is nowhere, or a profile extends itself.
pub(super) fn resolve(
    text: &str,
    source_name: &str,
    find: &dyn Fn(&str) -> Option<String>,
) -> Result<(Place, Table), ProfileError> {
    resolve_below(text, source_name, find, &mut Vec::new())
}

/// Returns the rules of a stage: `own` over what `default` says.
pub(super) fn stage_over_default(default: &Table, own: Table) -> Table {
    source::merge(default.clone(), own)
}

fn resolve_below(
    text: &str,
    source_name: &str,
    find: &dyn Fn(&str) -> Option<String>,
    chain: &mut Vec<String>,
) -> Result<(Place, Table), ProfileError> {
    let (place, mut table) = source::parse(text, source_name)?;
    let Some((_, node)) = table.remove("extends") else {
        return Ok((place, table));
    };
    let name = named(&node)?;
    let cycle = chain.iter().position(|earlier| *earlier == name);
    let fault = match cycle {
        Some(first) => Some(ProfileFault::ExtendsCycle {
            by_way_of: chain.split_off(first + 1),
            name: name.clone(),
        }),
        None if chain.len() >= CHAIN_MAX => Some(ProfileFault::ChainTooLong {
            name: name.clone(),
            profiles_max: CHAIN_MAX,
        }),
        None => None,
    };
    if let Some(fault) = fault {
        return Err(ProfileError::at(&node.place, fault)
            .hint("end the chain in a profile that extends nothing, such as `generic`"));
    }
    let built_in = BUILTIN.iter().find(|(known, _)| *known == name);
    let Some(parent) = built_in
        .map(|(_, text)| (*text).to_owned())
        .or_else(|| find(&name))
    else {
        let known = BUILTIN.iter().map(|(known, _)| *known);
        let hint = match crate::spelling::nearest(&name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`generic` and `market` are built in".to_owned(),
        };
        let fault = ProfileFault::UnknownProfile { name };
        return Err(ProfileError::at(&node.place, fault).hint(hint));
    };
    chain.push(name.clone());
    let (_, parent) = resolve_below(&parent, &name, find, chain)?;
    chain.pop();
    Ok((place, laid_over(&parent, &table)?))
}

/// Lays a profile over another.
fn laid_over(under: &Table, over: &Table) -> Result<Table, ProfileError> {
    let mut merged = source::merge(under.clone(), over.clone());
    redact_schema::lay_over(under, over, &mut merged)?;
    Ok(merged)
}

fn named(node: &Node) -> Result<String, ProfileError> {
    match &node.form {
        Form::Text(name) => Ok(name.clone()),
        other => Err(ProfileError::at(
            &node.place,
            ProfileFault::WrongType {
                key: "extends".to_owned(),
                expected: "text",
                found: other.type_of(),
            },
        )),
    }
}

/// Lays one text over another that is already resolved.
///
/// # Errors
/// As [`resolve`].
pub(super) fn over(under: &str, name: &str, over: &str) -> Result<(Place, Table), ProfileError> {
    let (place, under) = source::parse(under, name)?;
    let (_, over) = source::parse(over, name)?;
    Ok((place, laid_over(&under, &over)?))
}
