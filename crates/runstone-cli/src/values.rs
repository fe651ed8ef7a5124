//! `path=value` arguments, and files of JSON named by arguments.
//!
//! A value is `true`, `false`, `null`, or a number that prints back the same; everything else is
//! text, so `commit=12e4567` stays text. Below `metrics` every spelling of a number is a number.
//! `path=@FILE` reads JSON from a file.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use runstone::Error;
use runstone::core::json::{Limits, ReadError, read_document, read_value};
use runstone::core::pointer::Path as FieldPath;
use serde_json::{Map, Value};

use crate::error::CliError;

/// Takes a name as an option gives it: it lasts, so an empty one is a slip.
pub(crate) fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it is empty; write a name, or leave the option away".to_owned());
    }
    Ok(text.to_owned())
}

/// Takes the `path=value` of `--set` apart.
pub(crate) fn assignment(text: &str) -> Result<(String, Value), CliError> {
    let hint = "write `--set path=value`, such as `--set factors.learning_rate=0.05`";
    let (path, value) = parts("--set", text, hint)?;
    let value = match value.strip_prefix('@') {
        Some(file) => from_file(file)?,
        None if path.starts_with("metrics.") => measured(path, value)?,
        None => typed(value),
    };
    Ok((path.to_owned(), value))
}

/// Lays what an option says over `object`: `path=value`, or `@FILE` with an object of several.
pub(crate) fn lay_over(
    object: &mut Map<String, Value>,
    option: &str,
    text: &str,
) -> Result<(), CliError> {
    if let Some(file) = text.strip_prefix('@') {
        let members = read_document(&read_input(Path::new(file))?, &Limits::default());
        object.extend(members.map_err(|source| no_members(option, file, source))?);
        return Ok(());
    }
    let hint = format!("write `{option} name=value`, or `{option} @FILE` with a JSON object");
    let (path, value) = parts(option, text, &hint)?;
    let value = match value.strip_prefix('@') {
        Some(file) => from_file(file)?,
        None => typed(value),
    };
    let place: FieldPath = path
        .parse()
        .map_err(|error| CliError::usage(format!("`{option} {path}=…`: {error}"), &hint))?;
    place.insert(object, value).map_err(|at| {
        CliError::usage(
            format!(
                "`{option} {path}=…`: `{}` is no object, nothing fits below it",
                at.dotted()
            ),
            "leave one of the two away",
        )
    })
}

/// Returns the error of a file without members to lay over; it is no run document, whose hints
/// would mislead.
fn no_members(option: &str, file: &str, source: ReadError) -> CliError {
    let name = called(Path::new(file));
    let found = match &source {
        ReadError::Empty => "is empty".to_owned(),
        ReadError::NotAnObject { found } => format!("holds {found}"),
        _ => return CliError::from(Error::Document { name, source }),
    };
    CliError::usage(
        format!("`{option} @{file}`: {name} {found}, an object is wanted"),
        "write one JSON object there, each member a field by its name",
    )
}

fn parts<'t>(option: &str, text: &'t str, hint: &str) -> Result<(&'t str, &'t str), CliError> {
    let (path, value) = text
        .split_once('=')
        .filter(|(path, _)| !path.is_empty())
        .ok_or_else(|| {
            CliError::usage(
                format!("`{option}` is given something other than `path=value`"),
                hint,
            )
        })?;
    path.parse::<FieldPath>()
        .map_err(|error| CliError::usage(format!("`{option} {path}=…`: {error}"), hint))?;
    Ok((path, value))
}

fn from_file(file: &str) -> Result<Value, CliError> {
    let bytes = read_input(Path::new(file))?;
    let value = read_value(&bytes, &Limits::default()).map_err(|source| Error::Document {
        name: called(Path::new(file)),
        source,
    })?;
    Ok(value)
}

/// Reads a value of a metric, where text would be a label and never judged: any spelling of a
/// number is a number, and what only looks like one is refused.
fn measured(path: &str, text: &str) -> Result<Value, CliError> {
    match read_value(text.as_bytes(), &Limits::default()) {
        Ok(Value::Number(number)) => Ok(Value::Number(number)),
        _ if text.trim().parse::<f64>().is_ok_and(f64::is_finite) => Err(CliError::usage(
            format!("the value of `{path}` is not a number that JSON can keep exactly"),
            "write it with digits on both sides of the point, and at most 17 of them",
        )),
        _ => Ok(typed(text)),
    }
}

/// Reads a value from the text of an argument.
fn typed(text: &str) -> Value {
    match text {
        "true" => Value::from(true),
        "false" => Value::from(false),
        "null" => Value::Null,
        _ => match read_value(text.as_bytes(), &Limits::default()) {
            Ok(Value::Number(number)) if number.to_string() == text => Value::Number(number),
            _ => Value::from(text),
        },
    }
}

/// Returns what errors call a file, or standard input.
pub(crate) fn called(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        format!("`{}`", path.display())
    }
}

/// Reads a file, or standard input for `-`, up to one byte beyond the document limit: more would
/// be refused anyway.
pub(crate) fn read_input(path: &Path) -> Result<Vec<u8>, CliError> {
    read_beyond(path, Limits::default().size_bytes_max)
}

/// Reads a file, or standard input for `-`, up to one byte beyond `size_bytes_max`.
pub(crate) fn read_beyond(path: &Path, size_bytes_max: usize) -> Result<Vec<u8>, CliError> {
    let at_most = size_bytes_max as u64 + 1;
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(at_most).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(at_most).read_to_end(&mut bytes))
    };
    match read {
        Ok(_) => Ok(bytes),
        Err(source) => Err(CliError::Unreadable {
            path: PathBuf::from(path),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_prints_back_the_same_is_a_number() {
        for (text, value) in [
            ("a=1", json!(1)),
            ("a=0.05", json!(0.05)),
            ("a=12e4567", json!("12e4567")),
            ("a=007", json!("007")),
            ("a=1e2", json!("1e2")),
            ("a=1.0", json!("1.0")),
            ("a=-3", json!(-3)),
            ("a=true", json!(true)),
            ("a=null", json!(null)),
            ("a=x=y", json!("x=y")),
            ("a=", json!("")),
            ("a=9007199254740993", json!("9007199254740993")),
        ] {
            assert_eq!(assignment(text).unwrap().1, value, "{text}");
        }
    }

    #[test]
    fn a_metric_in_any_spelling_is_a_number_and_never_a_label_by_accident() {
        for text in ["metrics.auc=0.90", "metrics.auc=9e-1", "metrics.auc=0.9"] {
            assert_eq!(assignment(text).unwrap().1, json!(0.9), "{text}");
        }
        assert!(assignment("metrics.auc=.9").is_err());
        assert!(assignment("metrics.n=9007199254740993").is_err());
        assert_eq!(assignment("metrics.auc=NaN").unwrap().1, json!("NaN"));
        assert_eq!(assignment("metrics.kind=roc").unwrap().1, json!("roc"));
    }

    #[test]
    fn an_argument_without_a_path_is_refused() {
        assert!(assignment("=1").is_err());
        assert!(assignment("learning_rate").is_err());
    }
}
