//! Reading JSON straight into neutral types, in one pass. Where it stands is known all the time,
//! so an unknown field is reported with its path at any depth.

use std::fmt;
use std::marker::PhantomData;

use conversation::Failure;
use serde::de::{
    DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde_path_to_error::Track;

use super::Decoded;
use crate::Ignored;
use crate::wire::explain;

/// Most items in all arrays of a request. Items may be much larger in memory than on the wire.
const MAX_ITEMS: usize = 100_000;

/// A type that can be read from JSON.
pub(super) trait Read: Sized {
    fn read<'de, D: Deserializer<'de>>(json: D, place: &mut Place) -> Result<Self, D::Error>;
}

/// Where the reader stands, and what it has seen so far.
#[derive(Default)]
pub(super) struct Place {
    ignored: Ignored,
    /// Path of the object that is being read, with a dot at its end; empty for the body.
    prefix: String,
    items: usize,
}

impl Place {
    /// Reads the value of a known field; `null` stands for the default.
    pub(super) fn value<'de, A: MapAccess<'de>, T: Read + Default>(
        &mut self,
        name: &str,
        map: &mut A,
    ) -> Result<T, A::Error> {
        let outside = self.prefix.len();
        self.prefix.push_str(name);
        self.prefix.push('.');
        let value: Option<T> = map.next_value_seed(Seed::new(self))?;
        self.prefix.truncate(outside);
        Ok(value.unwrap_or_default())
    }

    /// Skips the value of an unknown field.
    pub(super) fn skip<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        if map.next_value::<Option<IgnoredAny>>()?.is_some() {
            self.ignore(name);
        }
        Ok(())
    }

    /// Reports a field that has no effect.
    pub(super) fn ignore(&mut self, name: &str) {
        self.ignored.add(&self.prefix, name);
    }

    fn count_item<E: Error>(&mut self) -> Result<(), E> {
        self.items += 1;
        if self.items > MAX_ITEMS {
            let expected = format!("at most {MAX_ITEMS} items in all arrays of a request");
            return Err(E::invalid_length(self.items, &expected.as_str()));
        }
        Ok(())
    }
}

/// Carries the place to where `serde` reads a value.
struct Seed<'p, T>(&'p mut Place, PhantomData<T>);

impl<'p, T> Seed<'p, T> {
    fn new(place: &'p mut Place) -> Self {
        Self(place, PhantomData)
    }
}

impl<'de, T: Read> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<T, D::Error> {
        T::read(json, self.0)
    }
}

/// Reads a whole body.
pub(super) fn decode<T: Read>(body: &[u8]) -> Result<Decoded<T>, Failure> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let mut track = Track::new();
    let mut place = Place::default();
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let request = match T::read(tracked, &mut place) {
        Ok(request) => request,
        Err(error) => return Err(explain(&error, track.path().to_string())),
    };
    json.end().map_err(|error| explain(&error, String::new()))?;
    Ok(Decoded { request, ignored: place.ignored })
}

macro_rules! plain {
    ($($type:ty),*) => {
        $(impl Read for $type {
            fn read<'de, D: Deserializer<'de>>(json: D, _: &mut Place) -> Result<Self, D::Error> {
                serde::Deserialize::deserialize(json)
            }
        })*
    };
}
plain!(String, bool, i32, f64);

impl Read for f32 {
    fn read<'de, D: Deserializer<'de>>(json: D, place: &mut Place) -> Result<Self, D::Error> {
        let wide = f64::read(json, place)?;
        #[expect(clippy::cast_possible_truncation, reason = "the result is looked at")]
        let number = wide as f32;
        if number.is_finite() {
            Ok(number)
        } else {
            Err(D::Error::invalid_value(Unexpected::Float(wide), &"a number of single precision"))
        }
    }
}

impl<T: Read> Read for Option<T> {
    fn read<'de, D: Deserializer<'de>>(json: D, place: &mut Place) -> Result<Self, D::Error> {
        struct Nullable<'p, T>(Seed<'p, T>);
        impl<'de, T: Read> Visitor<'de> for Nullable<'_, T> {
            type Value = Option<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_some<D: Deserializer<'de>>(self, json: D) -> Result<Option<T>, D::Error> {
                self.0.deserialize(json).map(Some)
            }
        }
        json.deserialize_option(Nullable(Seed::new(place)))
    }
}

impl<T: Read> Read for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(json: D, place: &mut Place) -> Result<Self, D::Error> {
        struct Items<'p, T>(&'p mut Place, PhantomData<T>);
        impl<'de, T: Read> Visitor<'de> for Items<'_, T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
                let outside = self.0.prefix.len();
                // The dot moves behind the brackets.
                self.0.prefix.pop();
                self.0.prefix.push_str("[].");
                let mut list = Vec::new();
                while let Some(item) = items.next_element_seed(Seed::new(self.0))? {
                    self.0.count_item()?;
                    list.push(item);
                }
                self.0.prefix.truncate(outside - 1);
                self.0.prefix.push('.');
                Ok(list)
            }
        }
        json.deserialize_seq(Items(place, PhantomData))
    }
}

/// Reads one of the words of a closed set.
pub(super) fn word<'de, D: Deserializer<'de>, T: Copy>(
    json: D,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Result<T, D::Error> {
    let text = <String as serde::Deserialize>::deserialize(json)?;
    all.iter().copied().find(|&value| name(value) == text).ok_or_else(|| {
        let words: Vec<String> = all.iter().map(|&value| format!("'{}'", name(value))).collect();
        let expected = format!("one of {}", words.join(", "));
        D::Error::invalid_value(Unexpected::Str(&text), &expected.as_str())
    })
}

/// Says how objects are read: the names of their fields, which are those of the neutral type
/// unless written `field = "name"`. Fields behind `without` are read as the named type, left out
/// and reported.
macro_rules! objects {
    ($($type:ident {
        $($field:ident $(= $key:literal)?),* $(,)?
        $(; without $($dropped:ident : $dropped_type:ty),*)?
    })*) => {
        $(impl $crate::editor::read::Read for $type {
            fn read<'de, D: serde::Deserializer<'de>>(
                json: D,
                place: &mut $crate::editor::read::Place,
            ) -> Result<Self, D::Error> {
                struct Fields<'p>(&'p mut $crate::editor::read::Place);
                impl<'de> serde::de::Visitor<'de> for Fields<'_> {
                    type Value = $type;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<$type, A::Error> {
                        let mut value = $type::default();
                        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                            match key.as_ref() {
                                $($crate::editor::read::objects!(@key $field $($key)?) => {
                                    value.$field = self.0.value(&key, &mut map)?;
                                })*
                                $($(stringify!($dropped) => {
                                    let given: Option<$dropped_type> =
                                        self.0.value(&key, &mut map)?;
                                    if given.is_some() {
                                        self.0.ignore(&key);
                                    }
                                })*)?
                                _ => self.0.skip(&key, &mut map)?,
                            }
                        }
                        Ok(value)
                    }
                }
                json.deserialize_map(Fields(place))
            }
        })*
    };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
}
pub(super) use objects;

/// Says which enums are words of a closed set, all of which are in `ALL` and known by `name`.
macro_rules! words {
    ($($type:ident),*) => {
        $(impl $crate::editor::read::Read for $type {
            fn read<'de, D: serde::Deserializer<'de>>(
                json: D,
                _: &mut $crate::editor::read::Place,
            ) -> Result<Self, D::Error> {
                $crate::editor::read::word(json, &$type::ALL, $type::name)
            }
        })*
    };
}
pub(super) use words;
