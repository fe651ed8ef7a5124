//! Where a JSON value ends, told from its bytes as they arrive.
//!
//! The grammar of JSON and nothing else: no value is built, no number is judged, and a text that
//! comes in pieces is looked at once. The invariant: a scanner says of every byte whether the value
//! goes on, is at its end, or cannot be one any more, the same however the bytes are cut. What is
//! to be made of the value belongs to the strict reader.

/// How deep a value may be nested before it counts as none: far beyond what any reader accepts, so
/// that brackets alone do not fill the memory.
const DEPTH_MAX: usize = 64 * 1024;

/// A value on its way.
#[derive(Debug, Clone)]
pub(super) struct Scanner {
    wants: Wants,
    within: Within,
    /// The lists and objects around, outermost first.
    open: Vec<Opened>,
    /// How many bytes were looked at before those just given.
    before: usize,
}

/// A list or an object that has begun.
#[derive(Debug, Clone, Copy)]
struct Opened {
    at: usize,
    is_object: bool,
}

/// What the grammar wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
}

/// Within which literal the scanner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    None,
    String { is_key: bool },
    Escape { is_key: bool },
    Hex { is_key: bool, left: u8 },
    Word(&'static [u8]),
    Number(Digits),
}

/// How far a number has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digits {
    Minus,
    Zero,
    Whole,
    Point,
    Fraction,
    E,
    Sign,
    Exponent,
}

/// What the bytes seen so far are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// The beginning of a value.
    Open,
    /// A value, of which so many of the bytes just given are the last ones.
    Ended(usize),
    /// The beginning of no value.
    Broken,
}

impl Scanner {
    /// A scanner before the first byte of a value.
    pub(super) fn new() -> Self {
        Self {
            wants: Wants::Value,
            within: Within::None,
            open: Vec::new(),
            before: 0,
        }
    }

    /// Returns where, from its first byte, a list or an object begins that has no end either, when
    /// the value was broken or the text is over. One that was given up for its depth alone says
    /// nothing of those that are half as deep.
    pub(super) fn endless(&self) -> impl Iterator<Item = usize> {
        let known = if self.open.len() >= DEPTH_MAX {
            DEPTH_MAX / 2
        } else {
            self.open.len()
        };
        self.open[..known].iter().map(|opened| opened.at)
    }

    /// Looks at further bytes.
    pub(super) fn look(&mut self, bytes: &[u8]) -> Extent {
        let extent = self.look_on(bytes);
        self.before += bytes.len();
        extent
    }

    fn look_on(&mut self, bytes: &[u8]) -> Extent {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match self.within {
                Within::None => match self.structure(byte, self.before + at) {
                    Extent::Open => at += 1,
                    Extent::Ended(_) => return Extent::Ended(at + 1),
                    Extent::Broken => return Extent::Broken,
                },
                Within::String { is_key } => {
                    let plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | 0..0x20);
                    at += bytes[at..].iter().take_while(|byte| plain(byte)).count();
                    match bytes.get(at) {
                        None => {}
                        Some(b'"') => {
                            at += 1;
                            self.within = Within::None;
                            self.wants = if is_key {
                                Wants::Colon
                            } else {
                                Wants::CommaOrEnd
                            };
                            if self.open.is_empty() {
                                return Extent::Ended(at);
                            }
                        }
                        Some(b'\\') => {
                            at += 1;
                            self.within = Within::Escape { is_key };
                        }
                        Some(_) => return Extent::Broken,
                    }
                }
                Within::Escape { is_key } => {
                    at += 1;
                    self.within = match byte {
                        b'u' => Within::Hex { is_key, left: 4 },
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {
                            Within::String { is_key }
                        }
                        _ => return Extent::Broken,
                    };
                }
                Within::Hex { is_key, left } => {
                    at += 1;
                    if !byte.is_ascii_hexdigit() {
                        return Extent::Broken;
                    }
                    self.within = match left {
                        1 => Within::String { is_key },
                        _ => Within::Hex {
                            is_key,
                            left: left - 1,
                        },
                    };
                }
                Within::Word([next, rest @ ..]) => {
                    if *next != byte {
                        return Extent::Broken;
                    }
                    at += 1;
                    self.within = Within::Word(rest);
                }
                Within::Word([]) if !may_follow(byte) => return Extent::Broken,
                Within::Word([]) => {
                    if self.close_literal() {
                        return Extent::Ended(at);
                    }
                }
                Within::Number(digits) => match digits.then(byte) {
                    Some(digits) => {
                        at += 1;
                        self.within = Within::Number(digits);
                    }
                    None if !digits.may_end() || !may_follow(byte) => return Extent::Broken,
                    None => {
                        if self.close_literal() {
                            return Extent::Ended(at);
                        }
                    }
                },
            }
        }
        Extent::Open
    }

    /// Returns whether what was seen is a value if nothing follows: words and numbers have no end
    /// of their own.
    pub(super) fn may_end(&self) -> bool {
        match self.within {
            Within::Number(digits) => self.open.is_empty() && digits.may_end(),
            Within::Word([]) => self.open.is_empty(),
            _ => false,
        }
    }

    /// Leaves a word or a number; returns whether that was the whole value.
    fn close_literal(&mut self) -> bool {
        self.within = Within::None;
        self.wants = Wants::CommaOrEnd;
        self.open.is_empty()
    }

    /// Takes a byte between literals, and where it stands.
    fn structure(&mut self, byte: u8, at: usize) -> Extent {
        use Wants::{Colon, CommaOrEnd, Key, KeyOrEnd, Value, ValueOrEnd};
        let in_object = self.open.last().map(|opened| opened.is_object);
        match (byte, self.wants) {
            (b' ' | b'\t' | b'\n' | b'\r', _) => {}
            (b'"', Key | KeyOrEnd) => self.within = Within::String { is_key: true },
            (b'"', Value | ValueOrEnd) => self.within = Within::String { is_key: false },
            (b':', Colon) => self.wants = Value,
            (b',', CommaOrEnd) if in_object == Some(true) => self.wants = Key,
            (b',', CommaOrEnd) if in_object == Some(false) => self.wants = Value,
            (b'{' | b'[', Value | ValueOrEnd) => {
                if self.open.len() >= DEPTH_MAX {
                    return Extent::Broken;
                }
                self.open.push(Opened {
                    at,
                    is_object: byte == b'{',
                });
                self.wants = if byte == b'{' { KeyOrEnd } else { ValueOrEnd };
            }
            (b'}', KeyOrEnd | CommaOrEnd) if in_object == Some(true) => return self.close(),
            (b']', ValueOrEnd | CommaOrEnd) if in_object == Some(false) => return self.close(),
            (b't', Value | ValueOrEnd) => self.within = Within::Word(b"rue"),
            (b'f', Value | ValueOrEnd) => self.within = Within::Word(b"alse"),
            (b'n', Value | ValueOrEnd) => self.within = Within::Word(b"ull"),
            (b'-', Value | ValueOrEnd) => self.within = Within::Number(Digits::Minus),
            (b'0', Value | ValueOrEnd) => self.within = Within::Number(Digits::Zero),
            (b'1'..=b'9', Value | ValueOrEnd) => self.within = Within::Number(Digits::Whole),
            _ => return Extent::Broken,
        }
        Extent::Open
    }

    fn close(&mut self) -> Extent {
        self.open.pop();
        self.wants = Wants::CommaOrEnd;
        if self.open.is_empty() {
            Extent::Ended(1)
        } else {
            Extent::Open
        }
    }
}

impl Digits {
    /// Returns how far the number comes with one more byte; nothing if that does not belong to it.
    const fn then(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Minus, b'0') => Self::Zero,
            (Self::Minus, b'1'..=b'9') | (Self::Whole, b'0'..=b'9') => Self::Whole,
            (Self::Zero | Self::Whole, b'.') => Self::Point,
            (Self::Point | Self::Fraction, b'0'..=b'9') => Self::Fraction,
            (Self::Zero | Self::Whole | Self::Fraction, b'e' | b'E') => Self::E,
            (Self::E, b'+' | b'-') => Self::Sign,
            (Self::E | Self::Sign | Self::Exponent, b'0'..=b'9') => Self::Exponent,
            _ => return None,
        })
    }

    const fn may_end(self) -> bool {
        matches!(
            self,
            Self::Zero | Self::Whole | Self::Fraction | Self::Exponent
        )
    }
}

/// Returns whether a byte may follow a word or a number at once.
const fn may_follow(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'[' | b']' | b'{' | b'}' | b',' | b':'
    )
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::*;

    /// What the parser says of the same bytes.
    fn parsed(bytes: &[u8]) -> Extent {
        let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => Extent::Ended(values.byte_offset()),
            Some(Err(error)) if error.is_eof() => Extent::Open,
            Some(Err(_)) => Extent::Broken,
            None => Extent::Open,
        }
    }

    #[test]
    fn scanner_and_parser_agree_on_every_text_of_a_few_signs() {
        let signs = [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"\\u00e9\\n\"",
            "\"\\x\"",
            "\"\n\"",
            " ",
            "\n",
            "0",
            "1",
            "-",
            ".5",
            "e",
            "+",
            "true",
            "nul",
            "l",
            "\u{e9}",
        ];
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            let longer = |text: &String| signs.map(|sign| format!("{text}{sign}"));
            texts = texts.iter().flat_map(longer).collect();
            for text in &texts {
                let mut scanner = Scanner::new();
                let found = match scanner.look(text.as_bytes()) {
                    Extent::Open if scanner.may_end() => Extent::Ended(text.len()),
                    // The parser calls half a number broken where the text ends.
                    Extent::Open if matches!(scanner.within, Within::Number(_)) => continue,
                    found => found,
                };
                assert_eq!(found, parsed(text.as_bytes()), "{text:?}");
            }
        }
    }

    #[test]
    fn a_text_is_read_the_same_however_it_is_cut() {
        let text = r#" {"a\"b": [-1.5e+3, true, {"c": null, "\u00e9": ""}], "d": [[]]} {"#;
        let whole = Scanner::new().look(text.as_bytes());
        assert_eq!(whole, Extent::Ended(text.len() - 2));
        for cut in 1..text.len() - 2 {
            let mut scanner = Scanner::new();
            assert_eq!(scanner.look(&text.as_bytes()[..cut]), Extent::Open, "{cut}");
            let rest = scanner.look(&text.as_bytes()[cut..]);
            assert_eq!(rest, Extent::Ended(text.len() - 2 - cut), "{cut}");
        }
    }

    #[test]
    fn brackets_alone_do_not_fill_the_memory() {
        let brackets = vec![b'['; 2 * DEPTH_MAX];
        assert_eq!(Scanner::new().look(&brackets), Extent::Broken);
    }
}
