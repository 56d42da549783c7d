//! In which language an administrator is answered: Chinese, unless English is preferred
//! (RFC 9110, 12.5.4).

use http::{HeaderMap, header};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Language {
    #[default]
    Chinese,
    English,
}

impl Language {
    /// What a request prefers. `*` stands for Chinese as long as nothing else says so.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        /// More is not looked at.
        const MOST: usize = 32;
        let values = headers.get_all(header::ACCEPT_LANGUAGE).into_iter();
        let ranges = values.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
        let (mut chinese, mut english, mut any) = (None::<u16>, None::<u16>, None::<u16>);
        for (tag, quality) in ranges.take(MOST).filter_map(range) {
            let primary = tag.split('-').next().unwrap_or(tag);
            let slot = match primary {
                _ if primary.eq_ignore_ascii_case("zh") => &mut chinese,
                _ if primary.eq_ignore_ascii_case("en") => &mut english,
                "*" => &mut any,
                _ => continue,
            };
            *slot = (*slot).max(Some(quality));
        }
        let chinese = chinese.or(any).unwrap_or(0);
        let english = english.or(any).unwrap_or(0);
        if english > chinese { Self::English } else { Self::Chinese }
    }

    /// The one of two texts that is in this language.
    pub(crate) fn pick<T>(self, chinese: T, english: T) -> T {
        match self {
            Self::Chinese => chinese,
            Self::English => english,
        }
    }
}

/// A language tag and its weight in thousandths; `None` for what is no range.
fn range(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let tag = parts.next().filter(|tag| !tag.is_empty())?;
    let mut quality = 1000;
    for part in parts {
        let (name, value) = part.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("q") {
            let value: f32 = value.trim().parse().ok()?;
            if !(0.0..=1.0).contains(&value) {
                return None;
            }
            // Exact for the three digits that are allowed.
            quality = (value * 1000.0).round() as u16;
        }
    }
    Some((tag, quality))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(value: &str) -> Language {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_str(value).expect("header"));
        Language::of(&headers)
    }

    #[test]
    fn chinese_is_spoken_unless_english_is_preferred() {
        assert_eq!(Language::of(&HeaderMap::new()), Language::Chinese);
        for (value, expected) in [
            ("en", Language::English),
            ("en-US,en;q=0.9", Language::English),
            ("EN-gb", Language::English),
            ("zh-CN", Language::Chinese),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("zh;q=0.5, en;q=0.9", Language::English),
            ("en;q=0.5, zh;q=0.5", Language::Chinese),
            ("fr, en;q=0.1", Language::English),
            ("fr", Language::Chinese),
            ("*", Language::Chinese),
            ("zh;q=0, *", Language::English),
            ("en, *;q=0.5", Language::English),
            ("en;q=0", Language::Chinese),
            ("en;q=2", Language::Chinese),
            ("en;q=x", Language::Chinese),
            (",,;", Language::Chinese),
        ] {
            assert_eq!(of(value), expected, "{value}");
        }
    }

    #[test]
    fn a_hostile_list_is_looked_at_in_part() {
        assert_eq!(of(&format!("{}en", "fr,".repeat(1000))), Language::Chinese);
    }
}
