//! One table of an SQLite file, row by row, without SQLite.
//!
//! rpm keeps one row a package, most of which is the list of its files. What is wanted of it stands
//! at its beginning, and here the rest is never read. The invariant: whatever the bytes are,
//! reading ends, and never takes more memory than was asked for. What is in a write-ahead log
//! beside the file is not seen; that is for the caller to say.
//!
//! # Source
//! <https://www.sqlite.org/fileformat2.html>, sections 1.3 (the header), 1.6 (b-tree pages and
//! overflow), 2.1 (records).

use std::os::fd::OwnedFd;

use rustix::io::{Errno, pread};

/// What stands at the beginning of every such file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Deepest tree that is walked. SQLite's own limit is 20.
const DEPTH_MAX: u32 = 20;
/// Largest table of tables that is read of one row, in bytes. Chosen: a long `CREATE TABLE`.
const SCHEMA_BYTES_MAX: u64 = 64 * 1024;

/// Why rows could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Damage {
    /// It is something else.
    #[error("it is no SQLite database")]
    NotSqlite,
    /// A page is not what its place says.
    #[error("page {page} is damaged")]
    Page {
        /// Its number, from 1.
        page: u32,
    },
    /// There is no such table.
    #[error("it has no table `{table}`")]
    NoTable {
        /// The name.
        table: &'static str,
    },
    /// The system refused.
    #[error("it could not be read: {0}")]
    Io(Errno),
}

/// An open database.
#[derive(Debug)]
pub(super) struct Database {
    file: OwnedFd,
    page_bytes: usize,
    /// Of a page, what b-trees may use.
    usable_bytes: usize,
    page_count: u32,
}

/// Where the payload of a row is.
#[derive(Debug, Clone)]
struct Cell {
    page: u32,
    payload_bytes: u64,
    /// What of it is in the page itself.
    local: Vec<u8>,
    /// Where it goes on.
    overflow: Option<u32>,
}

/// A value of a row, as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    /// Text or a blob.
    Bytes(Vec<u8>),
    /// A whole number.
    Integer(i64),
    /// Nothing, or a number with a fraction.
    Other,
}

impl Database {
    /// Reads the header of a file.
    pub(super) fn of(file: OwnedFd) -> Result<Self, Damage> {
        let mut header = [0; 100];
        read_exact(&file, &mut header, 0).map_err(|_short| Damage::NotSqlite)?;
        let page_bytes = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            bytes => usize::from(bytes),
        };
        let usable_bytes = page_bytes.saturating_sub(usize::from(header[20]));
        let is_page = page_bytes.is_power_of_two() && page_bytes >= 512 && usable_bytes >= 480;
        if !header.starts_with(MAGIC) || !is_page {
            return Err(Damage::NotSqlite);
        }
        let size = rustix::fs::fstat(&file).map_err(Damage::Io)?.st_size;
        let pages = u64::try_from(size).unwrap_or_default() / page_bytes as u64;
        Ok(Self {
            file,
            page_bytes,
            usable_bytes,
            page_count: u32::try_from(pages).unwrap_or(u32::MAX),
        })
    }

    /// Gives every row of `table` to `each`, as the first `bytes_max` bytes of its record.
    pub(super) fn rows(
        &self,
        table: &'static str,
        bytes_max: u64,
        mut each: impl FnMut(&Row<'_>),
    ) -> Result<(), Damage> {
        let mut root = None;
        self.walk(1, &mut |cell| {
            let row = Row {
                database: self,
                record: self.payload(&cell, SCHEMA_BYTES_MAX)?,
                cell,
            };
            let is_it = row.field(0) == Some(Field::Bytes(b"table".into()))
                && row.field(1) == Some(Field::Bytes(table.into()));
            if let (true, Some(Field::Integer(page))) = (is_it, row.field(3)) {
                root = u32::try_from(page).ok();
            }
            Ok(())
        })?;
        self.walk(root.ok_or(Damage::NoTable { table })?, &mut |cell| {
            let record = self.payload(&cell, bytes_max)?;
            each(&Row {
                database: self,
                record,
                cell,
            });
            Ok(())
        })
    }

    /// Visits the rows of the tree whose root is `page`, in order.
    fn walk(
        &self,
        page: u32,
        each: &mut impl FnMut(Cell) -> Result<(), Damage>,
    ) -> Result<(), Damage> {
        // A tree that leads back into itself would never end.
        let mut left = self.page_count;
        self.walk_below(page, DEPTH_MAX, &mut left, each)
    }

    fn walk_below(
        &self,
        page: u32,
        depth: u32,
        left: &mut u32,
        each: &mut impl FnMut(Cell) -> Result<(), Damage>,
    ) -> Result<(), Damage> {
        let damaged = || Damage::Page { page };
        *left = left.checked_sub(1).ok_or_else(damaged)?;
        let bytes = self.page(page)?;
        let at = if page == 1 { 100 } else { 0 };
        let kind = bytes[at];
        let count = usize::from(u16_at(&bytes, at + 3).ok_or_else(damaged)?);
        let pointers = at + if kind == 0x05 { 12 } else { 8 };
        for number in 0..count {
            let cell = u16_at(&bytes, pointers + 2 * number).ok_or_else(damaged)?;
            let cell = bytes.get(usize::from(cell)..).ok_or_else(damaged)?;
            match kind {
                0x05 if depth > 0 => {
                    let child = u32_at(cell, 0).ok_or_else(damaged)?;
                    self.walk_below(child, depth - 1, left, each)?;
                }
                0x0d => each(self.cell(page, cell).ok_or_else(damaged)?)?,
                _ => return Err(damaged()),
            }
        }
        if kind == 0x05 {
            let child = u32_at(&bytes, at + 8).ok_or_else(damaged)?;
            let depth = depth.checked_sub(1).ok_or_else(damaged)?;
            self.walk_below(child, depth, left, each)?;
        }
        Ok(())
    }

    /// Reads a cell of a leaf.
    fn cell(&self, page: u32, bytes: &[u8]) -> Option<Cell> {
        let (payload_bytes, first) = varint(bytes)?;
        let (_row, second) = varint(bytes.get(first..)?)?;
        let bytes = bytes.get(first + second..)?;
        let usable = self.usable_bytes as u64;
        let (most, least) = (usable - 35, (usable - 12) * 32 / 255 - 23);
        if payload_bytes <= most {
            let local = bytes.get(..usize::try_from(payload_bytes).ok()?)?;
            return Some(Cell {
                page,
                payload_bytes,
                local: local.to_owned(),
                overflow: None,
            });
        }
        let wanted = least + (payload_bytes - least) % (usable - 4);
        let local = usize::try_from(if wanted <= most { wanted } else { least }).ok()?;
        Some(Cell {
            page,
            payload_bytes,
            local: bytes.get(..local)?.to_owned(),
            overflow: Some(u32_at(bytes, local)?),
        })
    }

    /// Returns the first `bytes_max` bytes of a payload.
    fn payload(&self, cell: &Cell, bytes_max: u64) -> Result<Vec<u8>, Damage> {
        let wanted = usize::try_from(cell.payload_bytes.min(bytes_max)).unwrap_or(usize::MAX);
        let mut payload = cell.local.clone();
        let mut next = cell.overflow;
        while payload.len() < wanted {
            let page = next.ok_or(Damage::Page { page: cell.page })?;
            let bytes = self.page(page)?;
            next = u32_at(&bytes, 0).filter(|page| *page != 0);
            payload.extend_from_slice(&bytes[4..self.usable_bytes]);
        }
        payload.truncate(wanted);
        Ok(payload)
    }

    fn page(&self, page: u32) -> Result<Vec<u8>, Damage> {
        if page == 0 || page > self.page_count {
            return Err(Damage::Page { page });
        }
        let mut bytes = vec![0; self.page_bytes];
        let at = u64::from(page - 1) * self.page_bytes as u64;
        read_exact(&self.file, &mut bytes, at)?;
        Ok(bytes)
    }
}

/// A row, as far as it was read.
#[derive(Debug)]
pub(super) struct Row<'d> {
    database: &'d Database,
    record: Vec<u8>,
    cell: Cell,
}

impl Row<'_> {
    /// Returns a field, or the beginning of it where it ends behind what was read.
    pub(super) fn field(&self, number: usize) -> Option<Field> {
        field(&self.record, number)
    }

    /// Returns the whole of a field.
    pub(super) fn whole_field(&self, number: usize, bytes_max: u64) -> Option<Field> {
        let record = self.database.payload(&self.cell, bytes_max).ok()?;
        field(&record, number)
    }
}

fn field(record: &[u8], number: usize) -> Option<Field> {
    let (header_bytes, mut at) = varint(record)?;
    let header_bytes = usize::try_from(header_bytes).ok()?;
    let header = record.get(..header_bytes)?;
    let mut start = header_bytes;
    for position in 0.. {
        let (kind, bytes) = varint(header.get(at..)?)?;
        at += bytes;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => usize::try_from((kind - 12) / 2).ok()?,
        };
        if position == number {
            let end = start.checked_add(size)?.min(record.len());
            let body = record.get(start..end)?;
            return Some(match kind {
                8 => Field::Integer(0),
                9 => Field::Integer(1),
                1..=6 if body.len() == size => Field::Integer(integer(body)),
                0..=7 => Field::Other,
                _ => Field::Bytes(body.to_owned()),
            });
        }
        start = start.checked_add(size)?;
    }
    None
}

/// Reads a signed number of up to eight bytes, the highest first.
fn integer(bytes: &[u8]) -> i64 {
    let is_negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let start = if is_negative { -1 } else { 0 };
    bytes
        .iter()
        .fold(start, |so_far, byte| (so_far << 8) | i64::from(*byte))
}

/// Reads a number of one to nine bytes, and returns how many they were.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (position, byte) in bytes.iter().take(9).enumerate() {
        if position == 8 {
            return Some(((value << 8) | u64::from(*byte), 9));
        }
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, position + 1));
        }
    }
    None
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn read_exact(file: &OwnedFd, mut bytes: &mut [u8], mut at: u64) -> Result<(), Damage> {
    while !bytes.is_empty() {
        match pread(file, &mut *bytes, at) {
            Ok(0) => return Err(Damage::Io(Errno::NODATA)),
            Ok(read) => {
                bytes = &mut bytes[read..];
                at += read as u64;
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(Damage::Io(error)),
        }
    }
    Ok(())
}
