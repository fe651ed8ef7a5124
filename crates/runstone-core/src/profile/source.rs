//! The TOML of a profile as a tree that remembers where each value stands.
//!
//! Tables of several files are merged by `extends`, so each node carries its own file, line and
//! column. The tree renders back to TOML in one way only (keys in code-point order), which is the
//! text a profile's digest is taken over. What the keys mean belongs to the schema.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

use toml::de::{DeTable, DeValue};

use super::error::{ProfileError, ProfileFault};

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) source_name: Rc<str>,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) form: Form,
}

/// The TOML types a profile uses.
#[derive(Debug, Clone)]
pub(super) enum Form {
    Text(String),
    Whole(i64),
    Decimal(f64),
    Flag(bool),
    List(Vec<Node>),
    Table(Table),
}

/// A table: key → the key's own place and the value.
pub(super) type Table = BTreeMap<String, (Place, Node)>;

impl Form {
    /// Returns the word for its type, with its article.
    pub(super) fn type_of(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Whole(_) | Self::Decimal(_) => "a number",
            Self::Flag(_) => "a boolean",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// Reads TOML.
///
/// # Errors
/// [`ProfileFault::NotToml`] at the place of the first error; [`ProfileFault::WrongType`] at a
/// date.
pub(super) fn parse(text: &str, source_name: &str) -> Result<(Place, Table), ProfileError> {
    let source = Source {
        name: Rc::from(source_name),
        text,
    };
    let table = DeTable::parse(text).map_err(|error| {
        let place = source.place(error.span().map_or(0, |span| span.start));
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        ProfileError::at(&place, ProfileFault::NotToml { message })
    })?;
    Ok((source.place(0), source.table(table.into_inner())?))
}

/// Lays `over` on `under`: tables merge key by key, everything else is replaced.
pub(super) fn merge(under: Table, over: Table) -> Table {
    let mut merged = under;
    for (key, (place, node)) in over {
        let node = match (merged.remove(&key).map(|(_, node)| node), node) {
            (
                Some(Node {
                    form: Form::Table(below),
                    ..
                }),
                Node {
                    form: Form::Table(above),
                    place,
                },
            ) => Node {
                place,
                form: Form::Table(merge(below, above)),
            },
            (_, node) => node,
        };
        merged.insert(key, (place, node));
    }
    merged
}

/// Returns the tree as TOML: equal trees, equal text.
pub(super) fn render(table: &Table) -> String {
    let mut text = String::new();
    render_table("", table, &mut text);
    text
}

/// A file being read.
struct Source<'t> {
    name: Rc<str>,
    text: &'t str,
}

impl Source<'_> {
    fn place(&self, offset: usize) -> Place {
        let before = &self.text[..offset.min(self.text.len())];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place {
            source_name: Rc::clone(&self.name),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    fn table(&self, table: DeTable<'_>) -> Result<Table, ProfileError> {
        table
            .into_iter()
            .map(|(key, value)| {
                let place = self.place(key.span().start);
                let key = key.into_inner().into_owned();
                let node = self.node(&key, value)?;
                Ok((key, (place, node)))
            })
            .collect()
    }

    fn node(&self, key: &str, value: toml::Spanned<DeValue<'_>>) -> Result<Node, ProfileError> {
        let place = self.place(value.span().start);
        let wrong = |expected, found| {
            let fault = ProfileFault::WrongType {
                key: key.to_owned(),
                expected,
                found,
            };
            ProfileError::at(&place, fault)
        };
        let form = match value.into_inner() {
            DeValue::String(text) => Form::Text(text.into_owned()),
            DeValue::Integer(whole) => i64::from_str_radix(whole.as_str(), whole.radix())
                .map(Form::Whole)
                .map_err(|_too_large| {
                    ProfileError::at(
                        &place,
                        ProfileFault::OutOfRange {
                            key: key.to_owned(),
                        },
                    )
                })?,
            DeValue::Float(decimal) => {
                let decimal: f64 = decimal.as_str().parse().unwrap_or(f64::NAN);
                if !decimal.is_finite() {
                    return Err(wrong("a finite number", "none"));
                }
                Form::Decimal(decimal)
            }
            DeValue::Boolean(flag) => Form::Flag(flag),
            DeValue::Array(items) => Form::List(
                items
                    .into_iter()
                    .map(|item| self.node(key, item))
                    .collect::<Result<_, _>>()?,
            ),
            DeValue::Table(table) => Form::Table(self.table(table)?),
            DeValue::Datetime(_) => return Err(wrong("text", "a date")),
        };
        Ok(Node { place, form })
    }
}

/// Writes the plain values of a table under its header, then its tables.
fn render_table(name: &str, table: &Table, text: &mut String) {
    let is_table = |node: &Node| matches!(node.form, Form::Table(_));
    let plain = table.iter().filter(|(_, (_, node))| !is_table(node));
    for (key, (_, node)) in plain {
        let value = render_value(&node.form);
        writeln!(text, "{} = {value}", render_key(key)).expect("text takes every write");
    }
    for (key, (_, node)) in table {
        let Form::Table(below) = &node.form else {
            continue;
        };
        let dot = if name.is_empty() { "" } else { "." };
        let name = format!("{name}{dot}{}", render_key(key));
        write!(text, "\n[{name}]\n").expect("text takes every write");
        render_table(&name, below, text);
    }
}

/// Returns a value as TOML.
pub(super) fn rendered(form: &Form) -> String {
    render_value(form)
}

fn render_key(key: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !key.is_empty() && key.bytes().all(is_bare) {
        key.to_owned()
    } else {
        render_text(key)
    }
}

fn render_value(form: &Form) -> String {
    match form {
        Form::Text(text) => render_text(text),
        Form::Whole(whole) => whole.to_string(),
        Form::Decimal(decimal) => format!("{decimal:?}"),
        Form::Flag(flag) => flag.to_string(),
        Form::List(items) => {
            let items: Vec<String> = items.iter().map(|item| render_value(&item.form)).collect();
            format!("[{}]", items.join(", "))
        }
        Form::Table(table) => {
            let members: Vec<String> = table
                .iter()
                .map(|(key, (_, node))| {
                    format!("{} = {}", render_key(key), render_value(&node.form))
                })
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
    }
}

/// Returns `text` as a TOML basic string.
fn render_text(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                write!(quoted, "\\U{:08X}", u32::from(control)).expect("text takes every write");
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_renders_to_text_that_reads_as_the_same_tree() {
        let text = "b = 1\na = 'x\"\\'\n[t]\n\"*\" = [1.5, true, {k = 1e-7}]\n[t.u]\nz = []\n";
        let (_, table) = parse(text, "a.toml").unwrap();
        let rendered = render(&table);
        assert_eq!(render(&parse(&rendered, "b.toml").unwrap().1), rendered);
        assert_eq!(
            rendered,
            "a = \"x\\\"\\\\\"\nb = 1\n\n[t]\n\"*\" = [1.5, true, { k = 1e-7 }]\n\n[t.u]\nz = []\n"
        );
    }

    #[test]
    fn errors_name_the_line_and_column() {
        let error = parse("a = 1\n  b == 2\n", "a.toml").unwrap_err();
        assert_eq!((error.line, error.column), (2, 6), "{error}");
    }

    #[test]
    fn tables_merge_and_lists_replace() {
        let (_, under) = parse("l = [1, 2]\n[t]\na = 1\nb = 1\n", "under").unwrap();
        let (_, over) = parse("l = [3]\n[t]\nb = 2\n", "over").unwrap();
        assert_eq!(
            render(&merge(under, over)),
            "l = [3]\n\n[t]\na = 1\nb = 2\n"
        );
    }
}
