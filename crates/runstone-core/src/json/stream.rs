//! Several documents one after another in one text.
//!
//! Each is read as strictly as a single one, and one that is refused stands in its place without
//! stopping the others: where a value cannot be told from what follows, reading resumes at the next
//! line that begins with `{`, since a line torn by a crash must not take the one after it along.
//! Recording them belongs to the caller.

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::{Limits, ReadError, read_document};

/// A document of a stream, and the line on which it begins.
#[derive(Debug)]
pub struct Streamed {
    /// Line in the stream, from 1. Lines within the document's own error count from here.
    pub line: usize,
    /// The document, or why it is none.
    pub document: Result<Map<String, Value>, ReadError>,
}

/// Returns the documents that `bytes` hold, in their order; none if there are blanks only. The
/// limits hold for each document by itself.
pub fn read_stream<'b>(bytes: &'b [u8], limits: &Limits) -> impl Iterator<Item = Streamed> + 'b {
    let limits = *limits;
    let (mut left, mut line) = (bytes, 1);
    std::iter::from_fn(move || {
        let blank = left.len() - left.trim_ascii_start().len();
        line += newlines(&left[..blank]);
        left = &left[blank..];
        if left.is_empty() {
            return None;
        }
        let (value, rest) = left.split_at(extent(left));
        let streamed = Streamed {
            line,
            document: read_document(value, &limits),
        };
        line += newlines(value);
        left = rest;
        Some(streamed)
    })
}

/// Returns the length of the value that `bytes` begin with, or of what cannot be told from it.
fn extent(bytes: &[u8]) -> usize {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => values.byte_offset(),
        None => bytes.len(),
        Some(Err(_)) => {
            // Where the parser noticed says little: a line torn after a colon reads on into the
            // next.
            let next = bytes.windows(2).position(|pair| pair == b"\n{");
            next.map_or(bytes.len(), |newline| newline + 1)
        }
    }
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `line:run` for a document, `line!` for a refusal.
    fn read(text: &str) -> Vec<String> {
        read_stream(text.as_bytes(), &Limits::default())
            .map(|streamed| match streamed.document {
                Ok(document) => format!("{}:{}", streamed.line, document["run"]),
                Err(_) => format!("{}!", streamed.line),
            })
            .collect()
    }

    #[test]
    fn documents_follow_each_other_with_or_without_lines_between() {
        assert_eq!(
            read("{\"run\":1}{\"run\":2}\n\n {\n\"run\":3\n}\n"),
            ["1:1", "1:2", "3:3"]
        );
        assert_eq!(read(" \n\t"), Vec::<String>::new());
    }

    #[test]
    fn a_refused_document_does_not_stop_the_others() {
        assert_eq!(
            read("{\"run\":1e400}\n[1]\n{\"run\":2}"),
            ["1!", "2!", "3:2"]
        );
        assert_eq!(
            read("{\"run\": oops\n}\n{\"run\":2}\n{\"run\":"),
            ["1!", "3:2", "4!"]
        );
        assert_eq!(read("{\"a\":\n  {]\n{\"run\":2}"), ["1!", "3:2"]);
    }

    #[test]
    fn a_line_torn_anywhere_does_not_take_the_next_one_along() {
        let whole = "{\"run\": \"a\", \"b\": [1.5, true, {\"c\": null}]}";
        for end in 1..whole.len() {
            let torn = &whole[..end];
            assert_eq!(
                read(&format!("{torn}\n{{\"run\":2}}\n")),
                ["1!", "2:2"],
                "{torn}"
            );
        }
    }
}
