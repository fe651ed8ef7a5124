//! Several documents one after another, cut out of bytes as they arrive.
//!
//! Feed bytes, take documents. Each is read as strictly as a single one, and one that is refused
//! stands in its place without stopping the others: where a value cannot be told from what follows,
//! reading resumes at the next line that begins with `{`, since a line torn by a crash must not
//! take the one after it along. The invariants: documents come out the same however the bytes are
//! cut, each byte is looked at a bounded number of times, and no more is held than one document may
//! have. Where the bytes come from, and recording what comes out, belong to the caller.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::scan::{Extent, Scanner};
use super::{Limits, ReadError, read_document};

/// Bytes that were taken are forgotten in pieces of this size.
const FORGET_BYTES: usize = 64 * 1024;

/// A stream of documents, as far as it has arrived.
#[derive(Debug)]
pub struct Stream {
    limits: Limits,
    held: Vec<u8>,
    /// Up to where `held` was looked at.
    at: usize,
    line: usize,
    place: Place,
    /// Offsets of `held`, in ascending order, at which something begins that is known to be no
    /// value: it was part of another one that has no end. Else many torn lines, each open in
    /// the one before, would all be read up to where the first one is lost.
    endless: VecDeque<usize>,
    has_ended: bool,
}

/// Where in the stream the next byte is.
#[derive(Debug)]
enum Place {
    /// Between two values.
    Between,
    /// In a value that begins at this offset of `held`.
    Inside { start: usize, scanner: Scanner },
    /// In something that is no value and begins at this offset.
    Astray { start: usize },
    /// In something too large to be kept.
    Beyond(Beyond),
}

/// Something of which so much was dropped that it cannot be a document any more.
#[derive(Debug)]
struct Beyond {
    /// What was dropped: its bytes, its newlines, its last byte.
    size_bytes: usize,
    newlines: usize,
    last: u8,
    /// Looks for the end of the value; none where it is no value.
    scanner: Option<Scanner>,
    /// Up to where in `held` the scanner has looked.
    seen: usize,
    /// Whether what is still held begins a line with `{`, at which reading resumes should this
    /// turn out to be no value.
    keeps_line: bool,
}

/// A document of a stream, not read yet, and the line on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framed {
    /// Line in the stream, from 1. Lines within the document's own error count from here.
    pub line: usize,
    text: Result<Vec<u8>, usize>,
}

impl Framed {
    /// Returns how many bytes are held of it: none of what is too large.
    pub fn held_bytes(&self) -> usize {
        self.text.as_ref().map_or(0, Vec::len)
    }

    /// Reads the document.
    ///
    /// # Errors
    /// [`ReadError`] with the place, if it is not one JSON object that can be kept exactly.
    pub fn read(&self, limits: &Limits) -> Result<Map<String, Value>, ReadError> {
        match &self.text {
            Ok(text) => read_document(text, limits),
            Err(size_bytes) => Err(ReadError::TooLarge {
                size_bytes: *size_bytes,
                size_bytes_max: limits.size_bytes_max,
            }),
        }
    }
}

impl Stream {
    /// A stream of which nothing has arrived; the limits hold for each document by itself.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            held: Vec::new(),
            at: 0,
            line: 1,
            place: Place::Between,
            endless: VecDeque::new(),
            has_ended: false,
        }
    }

    /// Takes in what arrived next. The documents are to be taken before more is fed.
    pub fn feed(&mut self, bytes: &[u8]) {
        let kept_from = match self.place {
            Place::Inside { start, .. } | Place::Astray { start } => start,
            Place::Between | Place::Beyond(_) => self.at,
        };
        if kept_from >= FORGET_BYTES || kept_from == self.held.len() {
            self.held.drain(..kept_from);
            self.at -= kept_from;
            self.endless.retain(|offset| *offset >= kept_from);
            for offset in &mut self.endless {
                *offset -= kept_from;
            }
            match &mut self.place {
                Place::Inside { start, .. } | Place::Astray { start } => *start = 0,
                Place::Beyond(beyond) => beyond.seen = beyond.seen.saturating_sub(kept_from),
                Place::Between => {}
            }
        }
        self.held.extend_from_slice(bytes);
    }

    /// Says that nothing follows any more.
    pub fn end(&mut self) {
        self.has_ended = true;
    }

    /// Returns the next document; nothing if it is not there yet, or never will be.
    pub fn take(&mut self) -> Option<Framed> {
        loop {
            match &mut self.place {
                Place::Between => {
                    let rest = &self.held[self.at..];
                    let blank = rest.len() - rest.trim_ascii_start().len();
                    self.line += newlines(&rest[..blank]);
                    self.at += blank;
                    if self.at == self.held.len() {
                        return None;
                    }
                    while self.endless.front().is_some_and(|offset| *offset < self.at) {
                        self.endless.pop_front();
                    }
                    let start = self.at;
                    self.place = if self.endless.front() == Some(&start) {
                        Place::Astray { start }
                    } else {
                        let scanner = Scanner::new();
                        Place::Inside { start, scanner }
                    };
                }
                Place::Inside { start, scanner } => {
                    let start = *start;
                    match scanner.look(&self.held[self.at..]) {
                        Extent::Ended(length) => return Some(self.cut(start, self.at + length)),
                        Extent::Broken => {
                            // Where this was noticed says little: a line torn after a colon reads
                            // on into the next one.
                            self.at = start;
                            remember(&mut self.endless, start, scanner);
                            self.place = Place::Astray { start };
                        }
                        Extent::Open => {
                            self.at = self.held.len();
                            let may_end = scanner.may_end();
                            if self.has_ended && may_end {
                                return Some(self.cut(start, self.at));
                            }
                            if self.has_ended {
                                self.at = start;
                                remember(&mut self.endless, start, scanner);
                                self.place = Place::Astray { start };
                            } else if self.at - start > self.limits.size_bytes_max {
                                let scanner = std::mem::replace(scanner, Scanner::new());
                                self.go_beyond(start, Some(scanner));
                            } else {
                                return None;
                            }
                        }
                    }
                }
                Place::Astray { start } => {
                    let start = *start;
                    if let Some(next) = next_document(&self.held[self.at..]) {
                        return Some(self.cut(start, self.at + next));
                    }
                    if self.has_ended {
                        return Some(self.cut(start, self.held.len()));
                    }
                    // The newline that was looked at last may belong to what comes next.
                    self.at = self.held.len().saturating_sub(1).max(start);
                    if self.held.len() - start <= self.limits.size_bytes_max {
                        return None;
                    }
                    self.at = self.held.len();
                    self.go_beyond(start, None);
                }
                Place::Beyond(_) => return self.pass(),
            }
        }
    }

    /// Cuts the document from `start` to `end` out of what is held.
    fn cut(&mut self, start: usize, end: usize) -> Framed {
        let text = &self.held[start..end];
        let line = self.line;
        self.line += newlines(text);
        let text = if text.len() <= self.limits.size_bytes_max {
            Ok(text.to_vec())
        } else {
            Err(text.len())
        };
        self.at = end;
        self.place = Place::Between;
        Framed { line, text }
    }

    /// Drops the beginning of something that is too large to be kept.
    fn go_beyond(&mut self, start: usize, scanner: Option<Scanner>) {
        let mut beyond = Beyond {
            size_bytes: 0,
            newlines: 0,
            last: 0,
            scanner,
            seen: self.held.len(),
            keeps_line: false,
        };
        self.at = beyond.drop_up_to(self.held.len(), start, &self.held);
        self.place = Place::Beyond(beyond);
    }

    /// Passes what is too large, up to its end.
    fn pass(&mut self) -> Option<Framed> {
        let Place::Beyond(beyond) = &mut self.place else {
            return None;
        };
        let held = &self.held;
        let extent = match &mut beyond.scanner {
            Some(scanner) => scanner.look(&held[beyond.seen..]),
            None => Extent::Broken,
        };
        let is_over = match extent {
            Extent::Ended(length) => {
                self.at = beyond.drop_up_to(beyond.seen + length, self.at, held);
                true
            }
            Extent::Open if !self.has_ended => {
                beyond.seen = held.len();
                if !beyond.keeps_line {
                    self.at = beyond.drop_up_to_line(self.at, held);
                } else if held.len() - self.at > self.limits.size_bytes_max {
                    self.at = beyond.drop_up_to(self.at + 1, self.at, held);
                    self.at = beyond.drop_up_to_line(self.at, held);
                }
                false
            }
            Extent::Open | Extent::Broken => {
                beyond.scanner = None;
                if !beyond.keeps_line {
                    self.at = beyond.drop_up_to_line(self.at, held);
                }
                beyond.keeps_line || self.has_ended
            }
        };
        if !is_over {
            return None;
        }
        let framed = Framed {
            line: self.line,
            text: Err(beyond.size_bytes),
        };
        self.line += beyond.newlines;
        self.place = Place::Between;
        Some(framed)
    }
}

impl Beyond {
    /// Drops what is held from `at` up to `end`; returns the end.
    fn drop_up_to(&mut self, end: usize, at: usize, held: &[u8]) -> usize {
        let dropped = &held[at..end];
        self.size_bytes += dropped.len();
        self.newlines += newlines(dropped);
        self.last = dropped.last().copied().unwrap_or(self.last);
        end
    }

    /// Drops what is held from `at` up to the next line that begins with `{`, or all of it.
    fn drop_up_to_line(&mut self, at: usize, held: &[u8]) -> usize {
        let rest = &held[at..];
        let next = match rest.first() {
            Some(b'{') if self.last == b'\n' => Some(0),
            _ => next_document(rest),
        };
        self.keeps_line = next.is_some();
        self.drop_up_to(next.map_or(held.len(), |next| at + next), at, held)
    }
}

/// Remembers what of a value that has no end has none either. Where that is nothing, what was known
/// before still holds.
fn remember(endless: &mut VecDeque<usize>, start: usize, scanner: &Scanner) {
    let mut found = scanner.endless().map(|at| start + at).peekable();
    if found.peek().is_some() {
        *endless = found.collect();
    }
}

/// Returns the offset of the next line that begins with `{`.
fn next_document(bytes: &[u8]) -> Option<usize> {
    let newline = bytes.windows(2).position(|pair| pair == b"\n{")?;
    Some(newline + 1)
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(size_bytes_max: usize) -> Limits {
        Limits {
            size_bytes_max,
            ..Limits::default()
        }
    }

    /// `line:run` for a document, `line!` for a refusal, of a text that arrives in pieces.
    fn read_in_pieces(text: &[u8], piece: usize, limits: Limits) -> Vec<String> {
        let mut stream = Stream::new(limits);
        let mut read = Vec::new();
        let mut take = |stream: &mut Stream| {
            while let Some(framed) = stream.take() {
                read.push(match framed.read(&limits) {
                    Ok(document) => format!("{}:{}", framed.line, document["run"]),
                    Err(ReadError::TooLarge { size_bytes, .. }) => {
                        format!("{}>{size_bytes}", framed.line)
                    }
                    Err(_) => format!("{}!", framed.line),
                });
            }
        };
        for piece in text.chunks(piece) {
            stream.feed(piece);
            take(&mut stream);
        }
        stream.end();
        take(&mut stream);
        read
    }

    fn read(text: &str) -> Vec<String> {
        let whole = read_in_pieces(text.as_bytes(), usize::MAX, Limits::default());
        for piece in 1..=text.len().min(9) {
            let cut = read_in_pieces(text.as_bytes(), piece, Limits::default());
            assert_eq!(cut, whole, "in pieces of {piece}: {text:?}");
        }
        whole
    }

    #[test]
    fn documents_follow_each_other_with_or_without_lines_between() {
        assert_eq!(
            read("{\"run\":1}{\"run\":2}\n\n {\n\"run\":3\n}\n"),
            ["1:1", "1:2", "3:3"]
        );
        assert_eq!(read(" \n\t"), Vec::<String>::new());
        assert_eq!(read(""), Vec::<String>::new());
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
        assert_eq!(
            read("12 {\"run\":2}\n\0\0\n{\"run\":3}\n12"),
            ["1!", "1:2", "2!", "3:3", "4!"]
        );
        assert_eq!(read("}\n{\"run\":2}"), ["1!", "2:2"]);
    }

    #[test]
    fn a_document_is_there_as_soon_as_its_last_byte_is() {
        let mut stream = Stream::new(Limits::default());
        stream.feed(b"{\"run\":1");
        assert_eq!(stream.take(), None);
        stream.feed(b"}");
        assert!(stream.take().is_some());
        assert_eq!(stream.take(), None);
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

    #[test]
    fn lines_torn_within_each_other_are_looked_at_once() {
        // Looked at from each line to the end this would not come to an end while anybody waits.
        let torn = "{\"run_id\": \"x\", \"metrics\": [\n".repeat(20_000);
        let torn = format!("{torn}{{\"run\":1}},\n{torn}");
        for end in ["", "{\"run\":2}\n", "{\"run\":2}\n{\"run\":3}\n"] {
            let text = format!("{torn}{end}");
            let told = read_in_pieces(text.as_bytes(), 64 * 1024, Limits::default());
            assert_eq!(told[..2], ["1!", "2!"]);
            let whole: Vec<&String> = told.iter().filter(|told| !told.ends_with('!')).collect();
            assert_eq!(whole.len(), 1 + end.lines().count());
        }
    }

    #[test]
    fn what_was_part_of_a_torn_line_is_read_by_itself_where_it_has_an_end() {
        let lines = "{\"a\": [1,\n{\"run\": [\n{\"run\":2},\n{\"run\":3}\n{\"run\":4}";
        assert_eq!(read(lines), ["1!", "2!", "3:2", "3!", "4:3", "5:4"]);
        let deep = "[".repeat(40_000);
        let lines = format!("{{\"a\":{deep}\n{{\"run\":{deep}\n{{\"run\":2}}");
        let told = read_in_pieces(lines.as_bytes(), 4096, Limits::default());
        assert_eq!(told, ["1!", "2!", "3:2"]);
    }

    #[test]
    fn what_is_too_large_is_told_and_passed_and_never_held() {
        let large = format!("{{\"a\":\n\"{}\"}}", "x".repeat(5000));
        let torn = format!("{{\"a\":[{}", "1,".repeat(2500));
        for (text, told) in [
            (format!("{large}\n{{\"run\":2}}"), vec!["1>5009", "3:2"]),
            (format!("{{\"run\":1}} {large}"), vec!["1:1", "1>5009"]),
            (format!("{torn}\n{{\"run\":2}}\n"), vec!["1>5007", "2:2"]),
            (format!("!{torn}\n{{\"run\":2}}"), vec!["1>5008", "2:2"]),
            (torn.clone(), vec!["1>5006"]),
            // Valid so far, line by line, and no value in the end.
            (
                format!("{torn}\n{{\"run\":2}}\n{{\"run\":3}}"),
                vec!["1>5007", "2:2", "3:3"],
            ),
        ] {
            for piece in [7, 100, 1000, 4999] {
                let read = read_in_pieces(text.as_bytes(), piece, limits(1000));
                assert_eq!(read, told, "in pieces of {piece}");
            }
        }
        let mut stream = Stream::new(limits(1000));
        for _ in 0..10_000 {
            stream.feed(&[b'['; 100]);
            assert_eq!(stream.take(), None);
            assert!(
                stream.held.len() <= FORGET_BYTES + 1200,
                "{}",
                stream.held.len()
            );
        }
    }
}
