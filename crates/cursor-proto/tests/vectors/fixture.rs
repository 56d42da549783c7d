//! The vector files: reading them, and one test per name.
use std::path::Path;

use serde_json::Value;

/// Declares the vectors of one file: a test for each, and one that the list is complete.
///
/// `$check` is called with the vector. A name that is no Rust identifier is written
/// `test_name = "name in the file"`.
macro_rules! vectors {
    ($file:literal, $check:ident, [$($test:ident $(= $name:literal)?),* $(,)?]) => {
        const FILE: &str = $file;

        #[test]
        fn the_list_is_the_file() {
            $crate::fixture::assert_listed(FILE, &[$(vectors!(@name $test $($name)?)),*]);
        }

        mod each {
            $(
                #[test]
                fn $test() {
                    let name = vectors!(@name $test $($name)?);
                    super::$check(&$crate::fixture::vector(super::FILE, name));
                }
            )*
        }
    };
    (@name $test:ident) => { stringify!($test) };
    (@name $test:ident $name:literal) => { $name };
}

/// Seen from this package, where cargo runs its tests. Not `env!("CARGO_MANIFEST_DIR")`, which
/// goes stale when a clone moves together with its `target`.
const FOLDER: &str = "../../fixtures/vectors";

/// One entry of a vector file.
#[derive(Debug)]
pub(crate) struct Vector(Value);

impl Vector {
    pub(crate) fn name(&self) -> &str {
        self.text("name")
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    #[track_caller]
    pub(crate) fn value(&self, key: &str) -> &Value {
        self.get(key).unwrap_or_else(|| panic!("no `{key}` in {}", self.0))
    }

    #[track_caller]
    pub(crate) fn text(&self, key: &str) -> &str {
        self.value(key).as_str().unwrap_or_else(|| panic!("`{key}` is no text in {}", self.0))
    }

    #[track_caller]
    pub(crate) fn bytes(&self, key: &str) -> Vec<u8> {
        unhex(self.text(key))
    }
}

#[track_caller]
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The entry `name` of `fixtures/vectors/<file>.json`.
#[track_caller]
pub(crate) fn vector(file: &str, name: &str) -> Vector {
    find(file, name).unwrap_or_else(|| panic!("{file}.json no longer has the vector `{name}`"))
}

pub(crate) fn find(file: &str, name: &str) -> Option<Vector> {
    read(file).into_iter().find(|vector| vector.name() == name)
}

#[track_caller]
pub(crate) fn assert_listed(file: &str, listed: &[&str]) {
    let vectors = read(file);
    let mut found: Vec<&str> = vectors.iter().map(Vector::name).collect();
    let mut listed = listed.to_vec();
    found.sort_unstable();
    listed.sort_unstable();
    assert_eq!(found, listed, "left: {file}.json, right: the list in this test");
}

fn read(file: &str) -> Vec<Vector> {
    let path = Path::new(FOLDER).join(format!("{file}.json"));
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut document: Value = serde_json::from_str(&text).expect("a vector file is JSON");
    match document["vectors"].take() {
        Value::Array(vectors) => vectors.into_iter().map(Vector).collect(),
        other => panic!("`vectors` of {file}.json is no list: {other}"),
    }
}
