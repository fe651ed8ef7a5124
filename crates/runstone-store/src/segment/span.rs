//! Spans: which places a segment stands for, and what its file is called.
//!
//! The invariant guarded here: the spans of a level do not overlap and leave nothing out, so that
//! whoever seals a place seals it under one name.

use super::{ENTRIES, FAN_OUT};
use crate::log::Seq;

/// How wide a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// With the bytes of its entries.
    Entries,
    /// Sixteen of those, without.
    Rows,
}

impl Level {
    pub(crate) const ALL: [Self; 2] = [Self::Entries, Self::Rows];

    /// Returns how many places a segment of this level has.
    pub(crate) const fn width(self) -> u64 {
        match self {
            Self::Entries => ENTRIES,
            Self::Rows => ENTRIES * FAN_OUT,
        }
    }
}

/// The places of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    level: Level,
    number: u64,
}

impl Span {
    /// Returns the span with this number, counted from 0, of a level.
    pub(crate) const fn numbered(level: Level, number: u64) -> Self {
        Self { level, number }
    }

    /// Returns the span of a level that a place is in.
    pub(crate) const fn around(level: Level, seq: Seq) -> Self {
        Self::numbered(level, (seq.get() - 1) / level.width())
    }

    pub(crate) const fn level(self) -> Level {
        self.level
    }

    pub(crate) const fn number(self) -> u64 {
        self.number
    }

    pub(crate) const fn width(self) -> u64 {
        self.level.width()
    }

    pub(crate) fn first(self) -> Seq {
        Seq::FIRST.plus(self.number.saturating_mul(self.width()))
    }

    pub(crate) fn last(self) -> Seq {
        self.first().plus(self.width() - 1)
    }

    /// Returns the places, in order.
    pub(crate) fn places(self) -> impl Iterator<Item = Seq> {
        (self.first().get()..=self.last().get()).filter_map(Seq::new)
    }

    /// Returns the spans that this one joins.
    pub(crate) fn parts(self) -> impl Iterator<Item = Self> {
        let first = self.number.saturating_mul(FAN_OUT);
        (first..first + FAN_OUT).map(|number| Self::numbered(Level::Entries, number))
    }

    /// Returns the name of its file.
    pub(crate) fn name(self) -> String {
        format!("{:020}-{:020}", self.first(), self.last())
    }

    /// Returns the span that a file is named by.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let first = name.get(..20)?.parse().ok().and_then(Seq::new)?;
        Level::ALL
            .map(|level| Self::around(level, first))
            .into_iter()
            .find(|span| span.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_named_by_their_first_and_last_place() {
        let seq = |number| Seq::new(number).unwrap();
        let names = [
            (
                Level::Entries,
                1,
                "00000000000000000001-00000000000000000256",
            ),
            (
                Level::Entries,
                256,
                "00000000000000000001-00000000000000000256",
            ),
            (
                Level::Entries,
                257,
                "00000000000000000257-00000000000000000512",
            ),
            (
                Level::Rows,
                4097,
                "00000000000000004097-00000000000000008192",
            ),
        ];
        for (level, place, name) in names {
            let span = Span::around(level, seq(place));
            assert_eq!(span.name(), name);
            assert_eq!(Span::named(name), Some(span));
        }
        for bad in [
            "",
            "1-256",
            "00000000000000000002-00000000000000000257",
            ".t-00",
            "\u{e9}",
        ] {
            assert_eq!(Span::named(bad), None, "{bad}");
        }
    }

    #[test]
    fn parts_of_a_span_are_all_of_its_places() {
        let span = Span::numbered(Level::Rows, 3);
        let places: Vec<Seq> = span.parts().flat_map(Span::places).collect();
        assert_eq!(places, span.places().collect::<Vec<_>>());
        assert_eq!(places.len(), 4096);
    }
}
