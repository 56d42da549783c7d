//! A strict reader of OpenMetrics text, written from its specification and not from what the
//! gateway writes.

use std::collections::{BTreeMap, HashMap, HashSet};

pub(crate) type Labels = BTreeMap<String, String>;

/// Samples by name and labels.
#[derive(Debug, Default)]
pub(crate) struct Page {
    samples: HashMap<(String, Labels), f64>,
    pub(crate) families: HashMap<String, String>,
}

impl Page {
    /// Panics where the text breaks a rule, and says which.
    pub(crate) fn read(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("ends with # EOF and a line feed");
        let mut page = Self::default();
        let mut family = Family::default();
        for line in body.strip_suffix('\n').expect("lines end with a line feed").split('\n') {
            assert!(!line.is_empty(), "an empty line");
            match line.strip_prefix("# ") {
                Some(said) => page.describe(said, &mut family),
                None => page.sample(line, &mut family),
            }
        }
        page.check_histograms();
        page
    }

    fn describe(&mut self, said: &str, family: &mut Family) {
        let (keyword, rest) = said.split_once(' ').expect("a keyword");
        let (name, value) = rest.split_once(' ').expect("a name");
        assert!(is_name(name), "{name}");
        if family.name != name {
            assert!(!self.families.contains_key(name), "{name} is in two places");
            *family = Family { name: name.into(), ..Family::default() };
            self.families.insert(name.into(), String::new());
        }
        assert!(!family.has_samples, "# {said} comes behind samples");
        assert!(family.said.insert(keyword.into()), "# {said} is said twice");
        match keyword {
            "TYPE" => {
                let known = ["counter", "gauge", "histogram", "info"];
                assert!(known.contains(&value), "{value}");
                family.kind = value.into();
                self.families.insert(name.into(), value.into());
            }
            "UNIT" => assert!(name.ends_with(&format!("_{value}")), "{name} is not in {value}"),
            "HELP" => assert!(!value.is_empty()),
            other => panic!("# {other}"),
        }
    }

    fn sample(&mut self, line: &str, family: &mut Family) {
        let end = line.find(['{', ' ']).expect("a name");
        let (name, rest) = line.split_at(end);
        let suffix = name.strip_prefix(&family.name).expect("samples follow their TYPE");
        let suffixes: &[&str] = match family.kind.as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "info" => &["_info"],
            "histogram" => &["_bucket", "_sum", "_count"],
            other => panic!("{name}: {other}"),
        };
        assert!(suffixes.contains(&suffix), "{name} of a {}", family.kind);
        family.has_samples = true;
        let (labels, rest) = match rest.strip_prefix('{') {
            Some(rest) => read_labels(rest),
            None => (Labels::new(), rest),
        };
        let value = rest.strip_prefix(' ').expect("one blank before the value");
        let value: f64 = value.parse().expect("a number");
        assert!(value.is_finite() && (family.kind == "gauge" || value >= 0.0), "{line}");
        let before = self.samples.insert((name.into(), labels), value);
        assert_eq!(before, None, "twice: {line}");
    }

    fn check_histograms(&self) {
        let histograms = self.families.iter().filter(|(_, kind)| *kind == "histogram");
        for (family, _) in histograms {
            let mut series: HashMap<Labels, Vec<(f64, f64)>> = HashMap::new();
            for ((name, labels), value) in &self.samples {
                if *name == format!("{family}_bucket") {
                    let mut labels = labels.clone();
                    let bound = labels.remove("le").expect("a bucket has a bound");
                    let bound = bound.parse().expect("a bound is a number");
                    series.entry(labels).or_default().push((bound, *value));
                }
            }
            for (labels, mut buckets) in series {
                buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
                assert!(
                    buckets.is_sorted_by(|a, b| a.1 <= b.1),
                    "{family} {labels:?}: {buckets:?}"
                );
                let (bound, count) = *buckets.last().expect("buckets");
                assert_eq!(bound, f64::INFINITY, "{family}");
                let key = (format!("{family}_count"), labels);
                assert_eq!(self.samples.get(&key), Some(&count), "{family}");
            }
        }
    }

    /// Zero, where there is none.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.find(name, labels).unwrap_or(0.0)
    }

    pub(crate) fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        self.samples.get(&(name.into(), labels)).copied()
    }

    /// The values of one label of one name.
    pub(crate) fn values_of(&self, name: &str, label: &str) -> HashSet<String> {
        let samples = self.samples.keys().filter(|(known, _)| known == name);
        samples.filter_map(|(_, labels)| labels.get(label).cloned()).collect()
    }
}

#[derive(Debug, Default)]
struct Family {
    name: String,
    kind: String,
    said: HashSet<String>,
    has_samples: bool,
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Up to the closing brace, and what is behind it.
fn read_labels(mut rest: &str) -> (Labels, &str) {
    let mut labels = Labels::new();
    loop {
        let (name, behind) = rest.split_once("=\"").expect("a label");
        assert!(is_name(name), "{name:?}");
        let mut value = String::new();
        let mut letters = behind.char_indices();
        let end = loop {
            match letters.next().expect("a value ends") {
                (at, '"') => break at,
                (_, '\\') => value.push(match letters.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, letter @ ('\\' | '"'))) => letter,
                    other => panic!("escaped: {other:?}"),
                }),
                (_, letter) => value.push(letter),
            }
        };
        assert!(labels.insert(name.into(), value).is_none(), "{name} twice");
        rest = &behind[end + 1..];
        match rest.as_bytes().first() {
            Some(b',') => rest = &rest[1..],
            Some(b'}') => return (labels, &rest[1..]),
            other => panic!("behind a label: {other:?}"),
        }
    }
}
