//! Files of a card: named bytes, inside Discord's limits.

use std::fmt;

use serenity::all::{CreateAttachment, EditAttachments};

/// What all files of a message may have together: Discord takes 10 MiB, and the rest of the message wants some of it.
pub const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Files of one message; Discord takes no more.
const MOST_FILES: usize = 10;

/// Characters of a file's name.
const MOST_NAME: usize = 80;

/// The files would not fit into one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message takes {MOST_FILES} files of {MOST_BYTES} bytes together")]
pub struct TooLarge;

/// A file.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    name: String,
    bytes: Vec<u8>,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.name, self.bytes.len())
    }
}

/// The files of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Files {
    /// These and no others: an edit removes those that the message had before.
    Only(Vec<File>),
    /// Those that the message has already. A message that is new has none.
    Kept,
}

impl Default for Files {
    fn default() -> Self {
        Self::Only(Vec::new())
    }
}

impl Files {
    /// Adds a file; letters, digits, dots, hyphens and underscores of its name are kept.
    pub(super) fn add(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), TooLarge> {
        let mut files = match std::mem::take(self) {
            Self::Only(files) => files,
            Self::Kept => Vec::new(),
        };
        let together: usize = files.iter().map(|file| file.bytes.len()).sum();
        let fits = files.len() < MOST_FILES && together.saturating_add(bytes.len()) <= MOST_BYTES;
        if fits {
            files.push(File { name: safe(name), bytes });
        }
        *self = Self::Only(files);
        if fits { Ok(()) } else { Err(TooLarge) }
    }

    /// To be uploaded.
    pub(super) fn uploads(&self) -> impl Iterator<Item = CreateAttachment> {
        let files = match self {
            Self::Only(files) => files.as_slice(),
            Self::Kept => &[],
        };
        files.iter().map(|file| CreateAttachment::bytes(file.bytes.clone(), &file.name))
    }

    /// What an edit says of files; `None`: nothing, and Discord leaves them as they are.
    pub(super) fn edited(&self) -> Option<EditAttachments> {
        match self {
            Self::Only(_) => Some(self.uploads().fold(EditAttachments::new(), EditAttachments::add)),
            Self::Kept => None,
        }
    }
}

/// A name that no file system and no chat reads anything else into.
fn safe(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' })
        .take(MOST_NAME)
        .collect();
    let safe = safe.trim_start_matches('.');
    if safe.is_empty() { "file".to_owned() } else { safe.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_nothing_but_plain_characters() {
        let names = ["devices.csv", "../../etc/passwd", "a\"b\r\nc.png", "…", "", "Ünïcode ✓.csv"].map(safe);
        assert_eq!(names, ["devices.csv", "_.._etc_passwd", "a_b__c.png", "_", "file", "_n_code__.csv"]);
        assert_eq!(safe(&"x".repeat(500)).len(), MOST_NAME);
    }

    #[test]
    fn what_does_not_fit_is_refused_and_the_rest_stays() {
        let mut files = Files::default();
        assert_eq!(files.add("a.csv", vec![0; MOST_BYTES - 10]), Ok(()));
        assert_eq!(files.add("b.csv", vec![0; 11]), Err(TooLarge));
        assert_eq!(files.add("c.csv", vec![0; 10]), Ok(()));
        assert_eq!(files.uploads().map(|file| file.filename).collect::<Vec<_>>(), ["a.csv", "c.csv"]);
    }

    #[test]
    fn an_edit_says_which_files_stay() {
        assert!(Files::Kept.edited().is_none());
        assert_eq!(Files::default().edited(), Some(EditAttachments::new()));
    }
}
