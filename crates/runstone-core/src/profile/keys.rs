//! Reading the keys of a table: each once, by name and type, and none left over.
//!
//! Everything a profile says passes through here, so this is where the promise stands that an
//! unknown key is an error. A key that was asked for is known; the nearest known one becomes the
//! hint. Which keys there are belongs to the schema.

use std::ops::RangeInclusive;
use std::str::FromStr;

use super::error::{ProfileError, ProfileFault};
use super::role::fixed;
use super::source::{Form, Node, Place, Table};
use crate::id::nfc;
use crate::pointer::{BadPath, Pattern};
use crate::spelling::nearest;

/// A table whose keys are taken one by one.
#[derive(Debug)]
pub(super) struct Keys {
    name: String,
    place: Place,
    left: Table,
    known: Vec<&'static str>,
}

impl Keys {
    /// Starts to read a table; `name` is its dotted name, empty at the top.
    pub(super) fn of(name: impl Into<String>, place: Place, table: Table) -> Self {
        Self {
            name: name.into(),
            place,
            left: table,
            known: Vec::new(),
        }
    }

    /// Returns where the table stands.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Takes a value of any type.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Node> {
        self.known.push(key);
        self.left.remove(key).map(|(_, node)| node)
    }

    /// Takes a value that must be there.
    pub(super) fn require(&mut self, key: &'static str) -> Result<Node, ProfileError> {
        let fault = ProfileFault::MissingKey {
            key,
            table: self.name.clone(),
        };
        let missing = ProfileError::at(&self.place, fault);
        self.take(key).ok_or(missing)
    }

    /// Takes a table to be read key by key; an absent one is empty.
    pub(super) fn table(&mut self, key: &'static str) -> Result<Self, ProfileError> {
        let dot = if self.name.is_empty() { "" } else { "." };
        let name = format!("{}{dot}{key}", self.name);
        match self.take(key) {
            None => Ok(Self::of(name, self.place.clone(), Table::new())),
            Some(node) => {
                let place = node.place.clone();
                Ok(Self::of(name, place, table(key, node)?))
            }
        }
    }

    /// Takes a list of texts read as `T`; an absent one is empty.
    pub(super) fn list<T: FromStr<Err = BadPath>>(
        &mut self,
        key: &'static str,
    ) -> Result<Vec<T>, ProfileError> {
        self.take(key)
            .map_or(Ok(Vec::new()), |node| paths(key, node))
    }

    /// Takes a list of patterns of fields that the profile may give a `role`; an absent one is
    /// empty.
    pub(super) fn unfixed(
        &mut self,
        key: &'static str,
        role: &'static str,
    ) -> Result<Vec<Pattern>, ProfileError> {
        self.take(key)
            .map_or(Ok(Vec::new()), |node| unfixed(key, node, role))
    }

    /// Takes a list of texts as they are; an absent one is empty.
    pub(super) fn texts(&mut self, key: &'static str) -> Result<Vec<String>, ProfileError> {
        self.take(key)
            .map_or(Ok(Vec::new()), |node| texts(key, node))
    }

    /// Takes one of a closed set of words.
    pub(super) fn word<T>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
        absent: T,
    ) -> Result<T, ProfileError>
    where
        T: Clone,
    {
        self.take(key)
            .map_or(Ok(absent), |node| word(key, &node, words))
    }

    /// Takes a whole number within `range`.
    pub(super) fn count(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u32>,
        absent: u32,
    ) -> Result<u32, ProfileError> {
        let Some(node) = self.take(key) else {
            return Ok(absent);
        };
        let Form::Whole(whole) = node.form else {
            return Err(wrong_type(key, "a whole number", &node));
        };
        u32::try_from(whole)
            .ok()
            .filter(|count| range.contains(count))
            .ok_or_else(|| {
                ProfileError::at(
                    &node.place,
                    ProfileFault::OutOfRange {
                        key: key.to_owned(),
                    },
                )
                .hint(format!(
                    "write a whole number from {} to {}",
                    range.start(),
                    range.end()
                ))
            })
    }

    /// Takes a number that is not negative.
    pub(super) fn magnitude(&mut self, key: &'static str) -> Result<f64, ProfileError> {
        let Some(node) = self.take(key) else {
            return Ok(0.0);
        };
        #[expect(clippy::cast_precision_loss, reason = "a tolerance needs no 53 bits")]
        let number = match node.form {
            Form::Whole(whole) => whole as f64,
            Form::Decimal(decimal) => decimal,
            _ => return Err(wrong_type(key, "a number", &node)),
        };
        if number < 0.0 {
            let fault = ProfileFault::OutOfRange {
                key: key.to_owned(),
            };
            return Err(ProfileError::at(&node.place, fault).hint("write a number from 0"));
        }
        Ok(number)
    }

    /// Takes `true` or `false`; absent is `false`.
    pub(super) fn flag(&mut self, key: &'static str) -> Result<bool, ProfileError> {
        match self.take(key) {
            None => Ok(false),
            Some(Node {
                form: Form::Flag(flag),
                ..
            }) => Ok(flag),
            Some(node) => Err(wrong_type(key, "a boolean", &node)),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`ProfileFault::UnknownKey`] at the first key that nobody asked for.
    pub(super) fn finish(self) -> Result<(), ProfileError> {
        let Some((key, (place, _))) = self.left.into_iter().next() else {
            return Ok(());
        };
        let hint = match nearest(&key, self.known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", self.known.join(", ")),
        };
        let fault = ProfileFault::UnknownKey {
            key,
            table: self.name,
        };
        Err(ProfileError::at(&place, fault).hint(hint))
    }
}

/// Reads a table.
pub(super) fn table(key: &str, node: Node) -> Result<Table, ProfileError> {
    match node.form {
        Form::Table(table) => Ok(table),
        _ => Err(wrong_type(key, "a table", &node)),
    }
}

/// Reads a list.
pub(super) fn list(key: &str, node: Node) -> Result<Vec<Node>, ProfileError> {
    match node.form {
        Form::List(items) => Ok(items),
        _ => Err(wrong_type(key, "a list", &node)),
    }
}

/// Reads a text, in the form in which documents are compared with it.
pub(super) fn text(key: &str, node: &Node) -> Result<String, ProfileError> {
    match &node.form {
        Form::Text(text) => Ok(nfc(text)),
        _ => Err(wrong_type(key, "text", node)),
    }
}

/// Reads a list of texts.
pub(super) fn texts(key: &str, node: Node) -> Result<Vec<String>, ProfileError> {
    list(key, node)?
        .iter()
        .map(|item| text(key, item))
        .collect()
}

/// Reads a path or a pattern.
pub(super) fn path<T: FromStr<Err = BadPath>>(key: &str, node: &Node) -> Result<T, ProfileError> {
    parsed(&text(key, node)?, &node.place)
}

/// Reads a list of paths or patterns.
pub(super) fn paths<T: FromStr<Err = BadPath>>(
    key: &str,
    node: Node,
) -> Result<Vec<T>, ProfileError> {
    list(key, node)?
        .iter()
        .map(|item| path(key, item))
        .collect()
}

/// Reads a list of patterns of fields, none of which means the same in every profile: it would keep
/// that meaning, whatever its `role` here.
pub(super) fn unfixed(
    key: &str,
    node: Node,
    role: &'static str,
) -> Result<Vec<Pattern>, ProfileError> {
    list(key, node)?
        .iter()
        .map(|item| {
            let pattern: Pattern = path(key, item)?;
            match fixed(pattern.fixed_prefix()) {
                None => Ok(pattern),
                Some(field) => {
                    let fault = ProfileFault::FixedField { field, role };
                    Err(ProfileError::at(&item.place, fault).hint("name another field"))
                }
            }
        })
        .collect()
}

/// Reads a text, which stands at `place`, as a path or a pattern.
pub(super) fn parsed<T: FromStr<Err = BadPath>>(
    text: &str,
    place: &Place,
) -> Result<T, ProfileError> {
    nfc(text).parse().map_err(|bad| {
        let hint = match bad {
            BadPath::EmptyPart { .. } => "write the keys from the root down, joined by dots",
            BadPath::Pattern { .. } => "name one field here",
        };
        ProfileError::at(place, ProfileFault::Path(bad)).hint(hint)
    })
}

/// Reads one of a closed set of words.
pub(super) fn word<T: Clone>(
    key: &str,
    node: &Node,
    words: &[(&'static str, T)],
) -> Result<T, ProfileError> {
    let word = text(key, node)?;
    if let Some((_, meaning)) = words.iter().find(|(known, _)| *known == word) {
        return Ok(meaning.clone());
    }
    let known: Vec<&'static str> = words.iter().map(|(known, _)| *known).collect();
    let hint = nearest(&word, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
    let mut error = ProfileError::at(&node.place, ProfileFault::UnknownWord { word, known });
    error.hint = hint;
    Err(error)
}

fn wrong_type(key: &str, expected: &'static str, node: &Node) -> ProfileError {
    let fault = ProfileFault::WrongType {
        key: key.to_owned(),
        expected,
        found: node.form.type_of(),
    };
    ProfileError::at(&node.place, fault)
}
