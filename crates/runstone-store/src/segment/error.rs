//! A file that is no segment, or no longer one.

use thiserror::Error;

use crate::descriptor::FORMAT;
use crate::envelope::EnvelopeError;
use crate::hash::Hash256;
use crate::log::Seq;

/// A file that is not what a writer sealed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// There is no header line.
    #[error("no header line of a segment")]
    NoHeader,
    /// The header is not the JSON it should be.
    #[error("the header cannot be understood")]
    Header(#[source] serde_json::Error),
    /// A later version wrote this.
    #[error("format {found} is newer than {FORMAT}")]
    Newer {
        /// Its format.
        found: u64,
    },
    /// The header declares what no segment may have.
    #[error("{what}: {found}")]
    Declared {
        /// What is declared.
        what: &'static str,
        /// The value.
        found: u64,
    },
    /// The file is shorter or longer than its header and its frames say.
    #[error("{found} bytes instead of {expected}")]
    Length {
        /// What is declared.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// A checksum fails.
    #[error("checksum {found:08x} of {part}, instead of {expected:08x}")]
    Checksum {
        /// What it covers.
        part: &'static str,
        /// What the file says.
        expected: u32,
        /// What its bytes give.
        found: u32,
    },
    /// The rows are not in the order of their keys where they should be.
    #[error("the order of its keys is none")]
    Order,
    /// A frame cannot be decompressed.
    #[error("a frame cannot be decompressed")]
    Frame(#[source] std::io::Error),
    /// The chain does not end as the header says.
    #[error("chain {found} instead of {expected}")]
    Chain {
        /// What the header says.
        expected: Hash256,
        /// What the rows give.
        found: Hash256,
    },
    /// An entry is not whole.
    #[error("entry {seq} is damaged")]
    Entry {
        /// Its place.
        seq: Seq,
        /// The check that failed.
        #[source]
        source: EnvelopeError,
    },
    /// An entry is whole, and another than its row says.
    #[error("entry {seq} is another than its row says")]
    Another {
        /// Its place.
        seq: Seq,
    },
}
