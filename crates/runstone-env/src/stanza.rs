//! Stanzas of fields (`Name: value`), as dpkg, apt and Python metadata keep them.
//!
//! Works on bytes, since one field in any other encoding must not cost the others. Continuation
//! lines belong to descriptions and are passed over. What a field means belongs to its source.

use memchr::memchr;

/// A run of lines without an empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stanza<'b>(&'b [u8]);

/// A line of a stanza.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line<'b> {
    /// A field and the first line of its value, without blanks around.
    Field(&'b [u8], &'b [u8]),
    /// No field: a line without a colon.
    Strange,
}

/// Returns the stanzas of `bytes`, in order.
pub(crate) fn stanzas(bytes: &[u8]) -> impl Iterator<Item = Stanza<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        rest = behind_blanks(rest);
        if rest.is_empty() {
            return None;
        }
        let end = end_of_stanza(rest);
        let (stanza, after) = rest.split_at(end);
        rest = after;
        Some(Stanza(stanza))
    })
}

/// Tells whether `bytes` end behind a stanza, as databases of packages are written: an empty line
/// stands behind each. One that ends elsewhere was cut off.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\n\n")
}

/// Returns what stands behind the empty lines at the beginning.
fn behind_blanks(mut bytes: &[u8]) -> &[u8] {
    while !bytes.is_empty() {
        let end = end_of_line(bytes);
        if !is_blank(&bytes[..end]) {
            break;
        }
        bytes = &bytes[end..];
    }
    bytes
}

/// Returns where an empty line begins, or all ends.
fn end_of_stanza(bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        let end = at + end_of_line(&bytes[at..]);
        if is_blank(&bytes[at..end]) {
            return at;
        }
        at = end;
    }
    at
}

/// Returns where the first line ends, its end included.
fn end_of_line(bytes: &[u8]) -> usize {
    memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1)
}

/// Tells whether a line has nothing on it. Most show by their first byte that they have.
fn is_blank(line: &[u8]) -> bool {
    !line.first().is_some_and(u8::is_ascii_graphic) && line.trim_ascii().is_empty()
}

impl<'b> Stanza<'b> {
    /// Returns the whole of `bytes` up to its first empty line: headers before a body.
    pub(crate) fn headers(bytes: &'b [u8]) -> Self {
        Self(&bytes[..end_of_stanza(bytes)])
    }

    /// Tells whether an empty line ends it within `bytes`, at whose beginning it stands.
    pub(crate) fn is_ended_in(self, bytes: &[u8]) -> bool {
        let rest = &bytes[self.0.len()..];
        // Without its end a line that looks empty may be the beginning of one that is not.
        memchr(b'\n', rest).is_some()
    }

    /// Returns its lines, without those that continue one.
    pub(crate) fn lines(self) -> impl Iterator<Item = Line<'b>> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            while !rest.is_empty() {
                let (line, after) = rest.split_at(end_of_line(rest));
                rest = after;
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                if !matches!(line.first(), None | Some(b' ' | b'\t' | b'#' | b'\r')) {
                    return Some(match memchr(b':', line) {
                        Some(colon) => {
                            Line::Field(line[..colon].trim_ascii(), line[colon + 1..].trim_ascii())
                        }
                        None => Line::Strange,
                    });
                }
            }
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::strategy::Strategy as _;

    use super::*;

    fn fields(bytes: &[u8]) -> Vec<Vec<Line<'_>>> {
        stanzas(bytes).map(|it| it.lines().collect()).collect()
    }

    #[test]
    fn continuation_lines_are_no_fields() {
        let text =
            b"Package: a\nDescription: one\n Version: not this\n .\n\tnor: this\nVersion: 1\n";
        let expected = vec![vec![
            Line::Field(b"Package", b"a"),
            Line::Field(b"Description", b"one"),
            Line::Field(b"Version", b"1"),
        ]];
        assert_eq!(fields(text), expected);
    }

    #[test]
    fn any_number_of_empty_lines_parts_stanzas() {
        let text = b"\n\nA: 1\n\n \n\nB: 2:3";
        let expected = vec![
            vec![Line::Field(b"A".as_slice(), b"1".as_slice())],
            vec![Line::Field(b"B", b"2:3")],
        ];
        assert_eq!(fields(text), expected);
    }

    #[test]
    fn line_without_a_colon_is_told() {
        assert_eq!(fields(b"garbage\n"), vec![vec![Line::Strange]]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_come_to_an_end(bytes in "[ \n\r\ta:\\x00]{0,40}".prop_map(String::into_bytes)) {
            let count = stanzas(&bytes).take(bytes.len() + 1).count();
            proptest::prop_assert!(count <= bytes.len());
            let lines: usize = stanzas(&bytes).map(|it| it.lines().count()).sum();
            proptest::prop_assert!(lines <= bytes.len());
        }
    }
}
