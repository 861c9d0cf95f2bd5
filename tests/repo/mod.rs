//! The repository's own files, as the tests of its order read them.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold no text of ours.
const NOT_OURS: [&str; 5] = [".git", "target", "data", "node_modules", "__pycache__"];

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` (from the root), as a path from the root, in order.
pub(crate) fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.expect("a readable folder").path()) {
        let name = path.file_name().expect("an entry has a name").to_string_lossy();
        if NOT_OURS.contains(&name.as_ref()) {
            continue;
        }
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.push(from_root(&path));
        }
    }
}

fn from_root(path: &Path) -> String {
    path.strip_prefix(root()).expect("a path below the root").to_string_lossy().into_owned()
}

/// The text of a file; `None` where it is not text.
pub(crate) fn text(path: &str) -> Option<String> {
    let bytes = fs::read(root().join(PathBuf::from(path))).unwrap_or_else(|error| panic!("{path}: {error}"));
    String::from_utf8(bytes).ok()
}
