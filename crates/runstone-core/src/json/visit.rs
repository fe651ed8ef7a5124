//! The visitor that builds a value while `serde_json` walks the text.
//!
//! It knows the way to the place it is at, so that everything refused has one, and takes each
//! number from the literals instead of from the parser. It stops the parser at the first thing
//! refused.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use super::literal::{self, Literals};
use super::{Limits, ReadError};
use crate::pointer::{Pointer, Trail};

/// What the visitor carries through the text.
#[derive(Debug)]
pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
    pub(super) literals: Literals<'t>,
    /// The innermost place at which the parser stopped.
    pub(super) stopped_at: Option<Pointer>,
    pub(super) refused: Option<ReadError>,
    depth_max: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, limits: &Limits) -> Self {
        Self {
            text,
            literals: Literals::of(text),
            stopped_at: None,
            refused: None,
            depth_max: limits.depth_max,
        }
    }

    /// Keeps the reason and returns an error that stops the parser.
    fn refuse<E: serde::de::Error>(&mut self, reason: ReadError) -> E {
        self.refused = Some(reason);
        E::custom("refused")
    }

    /// Remembers where the parser stopped; who is further in says so first.
    fn stops_at(&mut self, at: Trail<'_>) {
        self.stopped_at.get_or_insert_with(|| at.pointer());
    }

    fn number<E: serde::de::Error>(&mut self, at: Trail<'_>) -> Result<Value, E> {
        let literal = self
            .literals
            .next()
            .ok_or_else(|| E::custom("a number without text"))?;
        literal::number(literal)
            .map(Value::Number)
            .map_err(|source| {
                let pointer = at.pointer();
                self.refuse(ReadError::Number { pointer, source })
            })
    }
}

/// Reads one value at the reader's place.
#[derive(Debug)]
pub(super) struct ValueSeed<'r, 't> {
    reader: &'r mut Reader<'t>,
    at: Trail<'r>,
    depth: usize,
}

impl<'r, 't> ValueSeed<'r, 't> {
    pub(super) fn root(reader: &'r mut Reader<'t>) -> Self {
        Self {
            reader,
            at: Trail::Root,
            depth: 0,
        }
    }

    /// Steps into an object or a list.
    fn enter<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.depth += 1;
        let depth_max = self.reader.depth_max;
        if self.depth > depth_max {
            let pointer = self.at.pointer();
            return Err(self
                .reader
                .refuse(ReadError::TooDeep { pointer, depth_max }));
        }
        Ok(())
    }

    fn child<'c>(&'c mut self, at: Trail<'c>) -> ValueSeed<'c, 't> {
        ValueSeed {
            reader: self.reader,
            at,
            depth: self.depth,
        }
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, '_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Value, E> {
        self.reader.number(self.at)
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Value, E> {
        self.reader.number(self.at)
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Value, E> {
        self.reader.number(self.at)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Value, A::Error> {
        self.enter()?;
        let here = self.at;
        let mut list = Vec::new();
        loop {
            let at = Trail::Position(&here, list.len());
            let item = seq
                .next_element_seed(self.child(at))
                .inspect_err(|_| self.reader.stops_at(at))?;
            match item {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        self.enter()?;
        let here = self.at;
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let member = match object.entry(key) {
                Entry::Vacant(member) => member,
                Entry::Occupied(member) => {
                    let pointer = Trail::Name(&here, member.key()).pointer();
                    return Err(self.reader.refuse(ReadError::DuplicateKey { pointer }));
                }
            };
            let at = Trail::Name(&here, member.key());
            let value = map
                .next_value_seed(self.child(at))
                .inspect_err(|_| self.reader.stops_at(at))?;
            member.insert(value);
        }
        Ok(Value::Object(object))
    }
}
