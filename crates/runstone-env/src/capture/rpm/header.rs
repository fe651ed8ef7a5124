//! The header of an rpm package: tags and what they hold.
//!
//! The invariant: any bytes are a header, a beginning of one ([`Header::lacks`]), or refused; none
//! is read outside of what it says it holds. What the values mean belongs to the source.
//!
//! # Source
//! `docs/manual/format_header.md` and `include/rpm/rpmtag.h` of rpm.

/// Most tags of a header, as rpm has it (`HEADER_TAGS_MAX`).
const TAGS_MAX: usize = 0x10000;

/// What is read of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Tag {
    /// The digest of the header as it was built: another build has another.
    Sha256 = 273,
    Name = 1000,
    Version = 1001,
    Release = 1002,
    Epoch = 1003,
    Arch = 1022,
    ModularityLabel = 5096,
}

/// A header, or the beginning of one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header<'b> {
    entries: &'b [u8],
    values: &'b [u8],
    /// How long the values are as a whole.
    values_bytes: usize,
}

impl<'b> Header<'b> {
    /// Reads a header as the database keeps it: without the mark of a file.
    pub(super) fn of(bytes: &'b [u8]) -> Option<Self> {
        let number = |at: usize| {
            let bytes = bytes.get(at..at + 4)?;
            usize::try_from(u32::from_be_bytes(bytes.try_into().ok()?)).ok()
        };
        let (count, values_bytes) = (number(0)?, number(4)?);
        if count == 0 || count > TAGS_MAX {
            return None;
        }
        let values_at = 8 + 16 * count;
        Some(Self {
            entries: bytes.get(8..values_at)?,
            values: &bytes[values_at..],
            values_bytes,
        })
    }

    /// Returns the text of a tag.
    pub(super) fn text(&self, tag: Tag) -> Option<String> {
        let (kind, at) = self.find(tag)?;
        // Text, a list of texts, or text in several languages: the first counts.
        if !matches!(kind, 6 | 8 | 9) {
            return None;
        }
        let value = self.values.get(at..)?;
        let end = value.iter().position(|byte| *byte == 0)?;
        String::from_utf8(value[..end].to_owned()).ok()
    }

    /// Returns the number of a tag.
    pub(super) fn number(&self, tag: Tag) -> Option<u32> {
        let (4, at) = self.find(tag)? else {
            return None;
        };
        let value = self.values.get(at..at.checked_add(4)?)?;
        Some(u32::from_be_bytes(value.try_into().ok()?))
    }

    /// Tells whether a tag is there, and its value behind what was read.
    pub(super) fn lacks(&self, tag: Tag) -> bool {
        let is_cut = self.values.len() < self.values_bytes;
        is_cut
            && self.find(tag).is_some_and(|(kind, _)| match kind {
                4 => self.number(tag).is_none(),
                _ => self.text(tag).is_none(),
            })
    }

    /// Returns the kind of a tag's value and where it begins.
    fn find(&self, tag: Tag) -> Option<(u32, usize)> {
        let number = |entry: &[u8], at: usize| {
            let bytes = entry.get(at..at + 4)?;
            Some(u32::from_be_bytes(bytes.try_into().ok()?))
        };
        let mut entries = self.entries.chunks_exact(16);
        let entry = entries.find(|entry| number(entry, 0) == Some(tag as u32))?;
        Some((number(entry, 4)?, usize::try_from(number(entry, 8)?).ok()?))
    }
}
