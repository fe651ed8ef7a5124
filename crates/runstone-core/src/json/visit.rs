//! The visitor that builds a value while `serde_json` walks the text.
//!
//! It keeps the place it is at, so that everything refused has one, and takes each number from the
//! literals instead of from the parser. It stops the parser at the first thing refused.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::literal::{self, Literals};
use super::{Limits, ReadError};
use crate::pointer::Pointer;

/// What the visitor carries through the text.
#[derive(Debug)]
pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
    pub(super) literals: Literals<'t>,
    pub(super) at: Pointer,
    pub(super) refused: Option<ReadError>,
    depth_max: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, limits: &Limits) -> Self {
        Self {
            text,
            literals: Literals::of(text),
            at: Pointer::root(),
            refused: None,
            depth_max: limits.depth_max,
        }
    }

    /// Keeps the reason and returns an error that stops the parser.
    fn refuse<E: serde::de::Error>(&mut self, reason: ReadError) -> E {
        self.refused = Some(reason);
        E::custom("refused")
    }

    fn number<E: serde::de::Error>(&mut self) -> Result<Value, E> {
        let literal = self
            .literals
            .next()
            .ok_or_else(|| E::custom("a number without text"))?;
        literal::number(literal)
            .map(Value::Number)
            .map_err(|source| {
                let pointer = self.at.clone();
                self.refuse(ReadError::Number { pointer, source })
            })
    }
}

/// Reads one value at the reader's place.
#[derive(Debug)]
pub(super) struct ValueSeed<'r, 't> {
    reader: &'r mut Reader<'t>,
    depth: usize,
}

impl<'r, 't> ValueSeed<'r, 't> {
    pub(super) fn root(reader: &'r mut Reader<'t>) -> Self {
        Self { reader, depth: 0 }
    }

    /// Steps into an object or a list.
    fn enter<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.depth += 1;
        let depth_max = self.reader.depth_max;
        if self.depth > depth_max {
            let pointer = self.reader.at.clone();
            return Err(self
                .reader
                .refuse(ReadError::TooDeep { pointer, depth_max }));
        }
        Ok(())
    }

    fn child(&mut self) -> ValueSeed<'_, 't> {
        ValueSeed {
            reader: self.reader,
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
        self.reader.number()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Value, E> {
        self.reader.number()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Value, E> {
        self.reader.number()
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Value, A::Error> {
        self.enter()?;
        let mut list = Vec::new();
        loop {
            self.reader.at.push(list.len());
            let item = seq.next_element_seed(self.child())?;
            self.reader.at.pop();
            match item {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        self.enter()?;
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            self.reader.at.push(&key);
            if object.contains_key(&key) {
                let pointer = self.reader.at.clone();
                return Err(self.reader.refuse(ReadError::DuplicateKey { pointer }));
            }
            let value = map.next_value_seed(self.child())?;
            self.reader.at.pop();
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}
