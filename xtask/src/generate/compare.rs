//! Which files of two folders differ.
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Names of files that are in one folder only, or whose bytes differ.
pub(crate) fn differences(left: &Path, right: &Path) -> Result<Vec<String>> {
    let (left, right) = (contents(left)?, contents(right)?);
    let names = left.keys().chain(right.keys().filter(|name| !left.contains_key(*name)));
    Ok(names.filter(|name| left.get(*name) != right.get(*name)).cloned().collect())
}

/// An absent folder is an empty one: then everything is stale.
fn contents(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    if !folder.exists() {
        return Ok(files);
    }
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(name, std::fs::read(entry.path())?);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_missing_and_extra_files_are_named() {
        let root = std::env::temp_dir().join(format!("xtask-compare-{}", std::process::id()));
        let (left, right) = (root.join("left"), root.join("right"));
        for (folder, name, text) in [
            (&left, "same.rs", "1"),
            (&right, "same.rs", "1"),
            (&left, "changed.rs", "1"),
            (&right, "changed.rs", "2"),
            (&left, "gone.rs", "1"),
            (&right, "new.rs", "1"),
        ] {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(folder.join(name), text).unwrap();
        }
        assert_eq!(differences(&left, &right).unwrap(), ["changed.rs", "gone.rs", "new.rs"]);
        assert_eq!(differences(&left, &left).unwrap(), Vec::<String>::new());
        assert_eq!(differences(&root.join("absent"), &left).unwrap().len(), 3);
        std::fs::remove_dir_all(&root).unwrap();
    }
}
