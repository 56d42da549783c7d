//! Reads figures, flags and texts that are not quite of the shape they should have.

use serde::de::{Deserialize, Deserializer};
use serde_json::{Number, Value};

/// `null` is the default; anything else must fit.
pub(super) fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A word, absent when `null` or empty.
pub(super) fn word<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: for<'a> From<&'a str>,
    D: Deserializer<'de>,
{
    Ok(text(deserializer)?.filter(|text| !text.is_empty()).map(|text| T::from(&text)))
}

pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

pub(super) fn text_or_empty<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<String, D::Error> {
    Ok(text(deserializer)?.unwrap_or_default())
}

pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(maybe_flag(deserializer)?.unwrap_or_default())
}

pub(super) fn maybe_flag<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<bool>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Bool(flag) => Some(flag),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    })
}

/// Broken parts are cut off and what is too big becomes the biggest; 0 for what is no number.
pub(super) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    Ok(maybe_integer(deserializer)?.unwrap_or_default())
}

pub(super) fn maybe_integer<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i32>, D::Error> {
    Ok(maybe_number(deserializer)?.map(saturate))
}

pub(super) fn maybe_number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<f64>, D::Error> {
    let number = match Value::deserialize(deserializer)? {
        Value::Number(number) => Number::as_f64(&number),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    // A text can say `NaN` or `inf`, which no JSON of ours could hold.
    Ok(number.filter(|number| number.is_finite()))
}

fn saturate(number: f64) -> i32 {
    // `as` from a float cuts off and saturates.
    number as i32
}
