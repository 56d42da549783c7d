//! JSON that may be written in more than one way, read without losing the path to what is wrong in
//! it (which serde's untagged enums do).

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A list, or an object that has it.
#[derive(Debug)]
pub(super) enum ListOr<T, O> {
    List(Vec<T>),
    Object(O),
}

impl<'de, T: Deserialize<'de>, O: Deserialize<'de>> Deserialize<'de> for ListOr<T, O> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T, O>(PhantomData<(T, O)>);
        impl<'de, T: Deserialize<'de>, O: Deserialize<'de>> Visitor<'de> for Either<T, O> {
            type Value = ListOr<T, O>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list or an object")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(access)).map(ListOr::List)
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
                O::deserialize(MapAccessDeserializer::new(access)).map(ListOr::Object)
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// A text, or an object.
#[derive(Debug)]
pub(super) enum TextOr<O> {
    Text(String),
    Object(O),
}

impl<'de, O: Deserialize<'de>> Deserialize<'de> for TextOr<O> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<O>(PhantomData<O>);
        impl<'de, O: Deserialize<'de>> Visitor<'de> for Either<O> {
            type Value = TextOr<O>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an object")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(TextOr::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
                O::deserialize(MapAccessDeserializer::new(access)).map(TextOr::Object)
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// An object as names and values, in the order in which they stand; a name stands once.
#[derive(Debug)]
pub(super) struct Pairs<V>(pub(super) Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for All<V> {
            type Value = Pairs<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut seen = std::collections::HashSet::new();
                let mut pairs = Vec::new();
                while let Some(name) = access.next_key::<String>()? {
                    if !seen.insert(name.clone()) {
                        return Err(A::Error::custom(format!("{name:?} stands there twice")));
                    }
                    pairs.push((name, access.next_value()?));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(All(PhantomData))
    }
}

/// Tells a field that is `null` from one that is not there.
pub(super) fn present<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::input::parse;
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Named {
        names: Vec<String>,
    }

    #[test]
    fn both_ways_are_read_and_mistakes_keep_their_path() {
        let read = |text: &str| parse::<ListOr<TextOr<Named>, Named>>(text.as_bytes());
        let ListOr::List(list) = read(r#"["a",{"names":["b"]}]"#).expect("list").value else {
            panic!("a list")
        };
        assert!(
            matches!(&list[..], [TextOr::Text(a), TextOr::Object(b)] if a == "a" && b.names == ["b"])
        );
        assert!(matches!(
            read(r#"{"names":["b"],"more":1}"#).expect("object"),
            super::super::input::Input { value: ListOr::Object(_), unused } if unused.to_string() == "more"
        ));
        let path = |text: &str| read(text).expect_err("refused").client;
        assert_eq!(path(r#"["a",{"names":[1]}]"#), "[1].names[0]: expected a string");
        assert_eq!(path(r#"[1]"#), "[0]: expected a string or an object");
        assert_eq!(path("1"), "expected a list or an object");
    }

    #[test]
    fn pairs_keep_their_order_and_a_name_stands_once() {
        let read = |text: &str| parse::<Pairs<String>>(text.as_bytes());
        let Pairs(pairs) = read(r#"{"z":"1","a":"2"}"#).expect("pairs").value;
        assert_eq!(pairs, [("z".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())]);
        assert_eq!(
            read(r#"{"z":"1","z":"2"}"#).expect_err("twice").client,
            "\"z\" stands there twice"
        );
        assert_eq!(read(r#"{"z":1}"#).expect_err("number").client, "z: expected a string");
    }
}
