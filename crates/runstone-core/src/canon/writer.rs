//! The writer: whatever describes itself, straight into canonical bytes.
//!
//! What has a shape of its own lends its parts here instead of building a
//! [`Value`](serde_json::Value) first. The invariant guarded: the members of every object stand in
//! the order of RFC 8785, whatever order they were told in; those told in order cost nothing for
//! it. Which bytes a number and a text have is decided here too, and nowhere else.

use std::fmt;
use std::io::Write as _;
use std::ops::Range;

use serde::ser::{self, Impossible, Serialize, Serializer};

use super::WHOLE_MAX_EXACT;

/// Something has no canonical form.
#[derive(Debug, thiserror::Error)]
#[error("no canonical form: {what}")]
pub(super) struct Formless {
    what: String,
}

impl ser::Error for Formless {
    fn custom<T: fmt::Display>(msg: T) -> Self {
        Self {
            what: msg.to_string(),
        }
    }
}

fn formless<T>(what: &str) -> Result<T, Formless> {
    Err(ser::Error::custom(what))
}

/// Appends the canonical bytes of `value` to `out`.
pub(super) fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Formless> {
    let starts = &mut Vec::new();
    value.serialize(Writer { out, starts })
}

/// Writes one value.
struct Writer<'w> {
    out: &'w mut Vec<u8>,
    /// Where the members of every object begin that is open.
    starts: &'w mut Vec<usize>,
}

impl<'w> Writer<'w> {
    fn lend(&mut self) -> Writer<'_> {
        Writer {
            out: self.out,
            starts: self.starts,
        }
    }

    fn object(self) -> Members<'w> {
        self.out.push(b'{');
        Members {
            base: self.starts.len(),
            last: None,
            is_in_order: true,
            writer: self,
        }
    }
}

impl<'w> Serializer for Writer<'w> {
    type Ok = ();
    type Error = Formless;
    type SerializeSeq = Items<'w>;
    type SerializeTuple = Items<'w>;
    type SerializeTupleStruct = Impossible<(), Formless>;
    type SerializeTupleVariant = Impossible<(), Formless>;
    type SerializeMap = Members<'w>;
    type SerializeStruct = Members<'w>;
    type SerializeStructVariant = Impossible<(), Formless>;

    fn serialize_bool(self, v: bool) -> Result<(), Formless> {
        let text: &[u8] = if v { b"true" } else { b"false" };
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn serialize_i8(self, v: i8) -> Result<(), Formless> {
        self.serialize_i64(v.into())
    }

    fn serialize_i16(self, v: i16) -> Result<(), Formless> {
        self.serialize_i64(v.into())
    }

    fn serialize_i32(self, v: i32) -> Result<(), Formless> {
        self.serialize_i64(v.into())
    }

    fn serialize_i64(self, v: i64) -> Result<(), Formless> {
        if v.unsigned_abs() <= WHOLE_MAX_EXACT {
            write!(self.out, "{v}").expect("memory takes every write");
            return Ok(());
        }
        #[expect(clippy::cast_precision_loss, reason = "what JSON numbers are")]
        self.serialize_f64(v as f64)
    }

    fn serialize_u8(self, v: u8) -> Result<(), Formless> {
        self.serialize_u64(v.into())
    }

    fn serialize_u16(self, v: u16) -> Result<(), Formless> {
        self.serialize_u64(v.into())
    }

    fn serialize_u32(self, v: u32) -> Result<(), Formless> {
        self.serialize_u64(v.into())
    }

    fn serialize_u64(self, v: u64) -> Result<(), Formless> {
        if v <= WHOLE_MAX_EXACT {
            write!(self.out, "{v}").expect("memory takes every write");
            return Ok(());
        }
        #[expect(clippy::cast_precision_loss, reason = "what JSON numbers are")]
        self.serialize_f64(v as f64)
    }

    fn serialize_f32(self, v: f32) -> Result<(), Formless> {
        self.serialize_f64(v.into())
    }

    fn serialize_f64(self, v: f64) -> Result<(), Formless> {
        if !v.is_finite() {
            return formless("a number that is not finite");
        }
        let mut buffer = ryu_js::Buffer::new();
        let text = buffer.format_finite(v);
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn serialize_char(self, v: char) -> Result<(), Formless> {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, v: &str) -> Result<(), Formless> {
        let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
        // Without a branch for each byte, many are looked at at once.
        if v.bytes().fold(true, |all, byte| all & is_plain(byte)) {
            self.out.push(b'"');
            self.out.extend_from_slice(v.as_bytes());
            self.out.push(b'"');
        } else {
            serde_json::to_writer(self.out, v)
                .expect("text becomes JSON, and memory takes every write");
        }
        Ok(())
    }

    fn serialize_bytes(self, _v: &[u8]) -> Result<(), Formless> {
        formless("bytes")
    }

    fn serialize_none(self) -> Result<(), Formless> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Formless> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Formless> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Formless> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _variant_index: u32,
        variant: &'static str,
    ) -> Result<(), Formless> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Formless> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _variant_index: u32,
        variant: &'static str,
        _value: &T,
    ) -> Result<(), Formless> {
        formless(&format!("{name}::{variant}"))
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Items<'w>, Formless> {
        self.out.push(b'[');
        Ok(Items {
            writer: self,
            is_first: true,
        })
    }

    fn serialize_tuple(self, len: usize) -> Result<Items<'w>, Formless> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _len: usize,
    ) -> Result<Impossible<(), Formless>, Formless> {
        formless(name)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _variant_index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Impossible<(), Formless>, Formless> {
        formless(&format!("{name}::{variant}"))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Members<'w>, Formless> {
        Ok(self.object())
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Members<'w>, Formless> {
        Ok(self.object())
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _variant_index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Impossible<(), Formless>, Formless> {
        formless(&format!("{name}::{variant}"))
    }
}

/// Writes the items of a list.
struct Items<'w> {
    writer: Writer<'w>,
    is_first: bool,
}

impl Items<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Formless> {
        if !self.is_first {
            self.writer.out.push(b',');
        }
        self.is_first = false;
        item.serialize(self.writer.lend())
    }

    fn close(self) {
        self.writer.out.push(b']');
    }
}

impl ser::SerializeSeq for Items<'_> {
    type Ok = ();
    type Error = Formless;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Formless> {
        self.item(value)
    }

    fn end(self) -> Result<(), Formless> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeTuple for Items<'_> {
    type Ok = ();
    type Error = Formless;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Formless> {
        self.item(value)
    }

    fn end(self) -> Result<(), Formless> {
        self.close();
        Ok(())
    }
}

/// Writes the members of an object.
struct Members<'w> {
    writer: Writer<'w>,
    /// How many of the starts belong to the objects around this one.
    base: usize,
    /// Where the last key stands, without its quotes.
    last: Option<Range<usize>>,
    is_in_order: bool,
}

impl Members<'_> {
    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Formless> {
        if self.writer.starts.len() > self.base {
            self.writer.out.push(b',');
        }
        let start = self.writer.out.len();
        self.writer.starts.push(start);
        key.serialize(self.writer.lend())?;
        let out = &mut *self.writer.out;
        if out.get(start) != Some(&b'"') {
            return formless("a key that is not text");
        }
        let this = start + 1..out.len() - 1;
        self.is_in_order = self.is_in_order
            && is_ordered_by_bytes(&out[this.clone()])
            && self
                .last
                .as_ref()
                .is_none_or(|last| out[last.clone()] < out[this.clone()]);
        self.last = Some(this);
        out.push(b':');
        Ok(())
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Formless> {
        value.serialize(self.writer.lend())
    }

    fn close(self) {
        let Writer { out, starts } = self.writer;
        if !self.is_in_order {
            put_in_order(out, &starts[self.base..]);
        }
        starts.truncate(self.base);
        out.push(b'}');
    }
}

/// Tells whether the written key has its place by its bytes: without escapes, and without a
/// character from U+E000 on (its first byte is 0xEE or more), which UTF-16 orders otherwise.
fn is_ordered_by_bytes(key: &[u8]) -> bool {
    key.iter().all(|byte| *byte < 0xEE && *byte != b'\\')
}

/// Orders the members that begin at `starts` and end with the bytes, by the UTF-16 code units of
/// their keys (RFC 8785, section 3.2.3).
fn put_in_order(out: &mut Vec<u8>, starts: &[usize]) {
    let Some(first) = starts.first().copied() else {
        return;
    };
    let written = out.split_off(first);
    let ends = starts[1..].iter().map(|next| next - 1);
    let ends = ends.chain([first + written.len()]);
    let mut members: Vec<(Vec<u16>, &[u8])> = starts
        .iter()
        .zip(ends)
        .map(|(start, end)| &written[start - first..end - first])
        .map(|member| (key_of(member).encode_utf16().collect(), member))
        .collect();
    members.sort();
    debug_assert!(
        members.windows(2).all(|pair| pair[0].0 != pair[1].0),
        "a member was told twice: {}",
        String::from_utf8_lossy(&written)
    );
    for (at, (_, member)) in members.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(member);
    }
}

/// Returns the key that a written member begins with.
fn key_of(member: &[u8]) -> String {
    let key = serde_json::Deserializer::from_slice(member)
        .into_iter::<String>()
        .next();
    key.and_then(Result::ok)
        .expect("a member was written with its key first")
}

impl ser::SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Formless;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Formless> {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Formless> {
        self.value(value)
    }

    fn end(self) -> Result<(), Formless> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = Formless;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Formless> {
        self.key(key)?;
        self.value(value)
    }

    fn end(self) -> Result<(), Formless> {
        self.close();
        Ok(())
    }
}
