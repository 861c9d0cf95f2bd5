//! The devices in memory: suggestions while someone types, and names that stand for devices.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use memchr::memmem::Finder;

use crate::graph::{Error, Graph};
use crate::identity::{Shown, Visibility};
use crate::intune::{Device, DeviceId, EntraUserId};

/// Suggestions shown at once (Discord's limit).
const SUGGESTIONS: usize = 25;

/// A device that fits what was typed so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The device.
    pub device: Arc<Device>,
}

/// A person with devices who fits what was typed so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuggestedPerson {
    /// Their object id.
    pub id: EntraUserId,
    /// Display name, from outside.
    pub name: String,
    /// User principal name, from outside.
    pub sign_in: String,
}

/// What a search in memory gave.
#[derive(Clone, Debug)]
pub struct Suggested {
    /// Best first.
    pub suggestions: Vec<Suggestion>,
    /// Devices that would fit, and are left out until their scope tags are known.
    pub tags_unknown: Vec<DeviceId>,
}

/// The devices in memory, replaced as a whole at each refresh.
#[derive(Debug, Default)]
pub struct Directory(ArcSwap<Snapshot>);

#[derive(Debug, Default)]
struct Snapshot {
    /// By name, so that a page of suggestions reads like a list.
    rows: Vec<Row>,
    /// The rows' texts one behind the other, so that a search is one pass over memory.
    text: String,
    by_id: HashMap<DeviceId, usize>,
    read_at: Option<Timestamp>,
}

#[derive(Debug)]
struct Row {
    device: Arc<Device>,
    /// Where its text begins: name, serial number, sign-in name and user, folded, each behind a line break, and one at the end.
    start: usize,
}

/// As texts are compared: in lower case, with one form of each letter, on one line.
fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    let lower = text.chars().filter(|c| *c != '\n').flat_map(char::to_lowercase);
    lower.map(|c| if c == 'ς' { 'σ' } else { c })
}

fn text_of(device: &Device) -> String {
    let texts =
        [Some(&device.name), device.serial.as_ref(), device.user_principal_name.as_ref(), device.user_name.as_ref()];
    let mut all = String::new();
    for text in texts.into_iter().flatten() {
        all.push('\n');
        all.extend(folded(text));
    }
    all.push('\n');
    all
}

impl Snapshot {
    fn new(devices: Vec<Device>, read_at: Timestamp) -> Self {
        let mut texts: Vec<_> = devices.into_iter().map(|device| (text_of(&device), device)).collect();
        texts.sort_by(|a, b| a.0.cmp(&b.0));
        let mut text = String::with_capacity(texts.iter().map(|(text, _)| text.len()).sum());
        let mut rows = Vec::with_capacity(texts.len());
        for (own, device) in texts {
            rows.push(Row { device: Arc::new(device), start: text.len() });
            text.push_str(&own);
        }
        let by_id = rows.iter().enumerate().map(|(at, row)| (row.device.id, at)).collect();
        Self { rows, text, by_id, read_at: Some(read_at) }
    }

    fn end(&self, at: usize) -> usize {
        self.rows.get(at + 1).map_or(self.text.len(), |next| next.start)
    }

    fn text(&self, at: usize) -> &str {
        &self.text[self.rows[at].start..self.end(at)]
    }

    /// The rows whose text holds `needle`, in their order, each once.
    fn holding<'a>(&'a self, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
        let finder = Finder::new(needle);
        let mut from = 0;
        std::iter::from_fn(move || {
            let found = from + finder.find(self.text.as_bytes().get(from..)?)?;
            let at = self.rows.partition_point(|row| row.start <= found).checked_sub(1)?;
            from = self.end(at);
            Some(at)
        })
    }

    /// The rows whose text begins with this.
    fn beginning(&self, start: &str) -> Range<usize> {
        let text = |row: &Row| &self.text[row.start..];
        let first = self.rows.partition_point(|row| text(row) < start);
        let count = self.rows[first..].partition_point(|row| text(row).starts_with(start));
        first..first + count
    }
}

impl Directory {
    /// Reads every device anew. On an error the old list stays.
    pub async fn refresh(&self, graph: &Graph, now: Timestamp) -> Result<usize, Error> {
        let devices = graph.devices().await?;
        let count = devices.len();
        self.replace(devices, now);
        Ok(count)
    }

    /// Puts `devices` in the place of the old list.
    pub fn replace(&self, devices: Vec<Device>, now: Timestamp) {
        self.0.store(Arc::new(Snapshot::new(devices, now)));
    }

    /// When it was last read; `None`: never.
    pub fn read_at(&self) -> Option<Timestamp> {
        self.0.load().read_at
    }

    /// How many devices it holds.
    pub fn len(&self) -> usize {
        self.0.load().rows.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Devices that fit `text`, best first: the name begins with it, another field does, it is somewhere inside.
    pub fn suggest(&self, text: &str, visibility: &Visibility) -> Suggested {
        let mut suggested = Suggested { suggestions: Vec::new(), tags_unknown: Vec::new() };
        if visibility.is_nothing() {
            return suggested;
        }
        let snapshot = self.0.load();
        let needle: String = folded(text.trim()).collect();
        let at_start = format!("\n{needle}");
        let by_name = snapshot.beginning(&at_start);
        let others = |at: &usize| !by_name.contains(at);
        // What is found by name has a line break before it, so a search for nothing ends with it.
        let by_field = snapshot.holding(&at_start).filter(others);
        let inside = snapshot.holding(&needle).filter(others).filter(|&at| !snapshot.text(at).contains(&at_start));
        let all = by_name.clone().chain(by_field).chain(inside);
        for at in all {
            let device = &snapshot.rows[at].device;
            match visibility.shows(device) {
                Shown::Yes => suggested.suggestions.push(Suggestion { device: Arc::clone(device) }),
                Shown::TagsUnknown if suggested.tags_unknown.len() < SUGGESTIONS => {
                    suggested.tags_unknown.push(device.id);
                }
                Shown::No | Shown::TagsUnknown => {}
            }
            if suggested.suggestions.len() >= SUGGESTIONS {
                break;
            }
        }
        suggested
    }

    /// Devices whose name, serial number, sign-in name or user is exactly `text`, in any case.
    pub fn find(&self, text: &str) -> Vec<DeviceId> {
        let text = text.trim();
        if text.is_empty() || text.contains('\n') {
            return Vec::new();
        }
        let whole: String = std::iter::once('\n').chain(folded(text)).chain(std::iter::once('\n')).collect();
        let snapshot = self.0.load();
        snapshot.holding(&whole).map(|at| snapshot.rows[at].device.id).collect()
    }

    /// People with devices whose name or sign-in name fits `text`, best first: a word of it begins so, it is somewhere inside.
    /// Only people of whom at least one device may be seen.
    pub fn suggest_people(&self, text: &str, visibility: &Visibility) -> Vec<SuggestedPerson> {
        if visibility.is_nothing() {
            return Vec::new();
        }
        let needle: String = folded(text.trim()).collect();
        let snapshot = self.0.load();
        let (mut first, mut inside, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for at in snapshot.holding(&needle) {
            let device = &snapshot.rows[at].device;
            let (Some(id), Some(sign_in)) = (device.user_id, &device.user_principal_name) else { continue };
            if seen.contains(&id) {
                continue;
            }
            let name = device.user_name.as_deref().unwrap_or_default();
            let (lower, lower_sign_in) = (folded(name).collect::<String>(), folded(sign_in).collect::<String>());
            if !lower.contains(&needle) && !lower_sign_in.contains(&needle) {
                continue;
            }
            if visibility.shows(device) != Shown::Yes {
                continue;
            }
            seen.insert(id);
            let begins = lower_sign_in.starts_with(&needle) || lower.split(' ').any(|word| word.starts_with(&needle));
            let into = if begins { &mut first } else { &mut inside };
            if into.len() < SUGGESTIONS {
                into.push(SuggestedPerson { id, name: name.to_owned(), sign_in: sign_in.clone() });
            }
            if first.len() >= SUGGESTIONS {
                break;
            }
        }
        first.into_iter().chain(inside).take(SUGGESTIONS).collect()
    }

    /// Every device that fits, as last read, by name.
    pub fn all(&self, fits: impl Fn(&Device) -> bool) -> Vec<Device> {
        self.0.load().rows.iter().filter(|row| fits(&row.device)).map(|row| (*row.device).clone()).collect()
    }

    /// A device by its id, as last read.
    pub fn get(&self, id: DeviceId) -> Option<Arc<Device>> {
        let snapshot = self.0.load();
        snapshot.by_id.get(&id).map(|&at| Arc::clone(&snapshot.rows[at].device))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intune::{Compliance, Platform};

    fn device(n: u128, name: &str, serial: &str, user: &str) -> Device {
        Device {
            id: DeviceId(uuid::Uuid::from_u128(n)),
            name: name.to_owned(),
            platform: Platform::Windows,
            os_version: String::new(),
            last_check_in: None,
            compliance: Compliance::Unknown,
            management_state: "managed".to_owned(),
            agent: "mdm".to_owned(),
            user_id: None,
            user_name: Some(user.to_owned()),
            user_principal_name: None,
            serial: Some(serial.to_owned()),
            model: None,
            entra_device_id: None,
            pending_action: None,
            owner: None,
        }
    }

    fn directory() -> Directory {
        let directory = Directory::default();
        let devices = vec![
            device(1, "LT-042", "AAA111", "Jonas Weber"),
            device(2, "LT-043", "BBB222", "Mia Schulz"),
            device(3, "SHARED", "CCC333", "Lt Dan"),
            device(4, "SHARED", "DDD444", "Jonas Weber"),
        ];
        directory.replace(devices, Timestamp::UNIX_EPOCH);
        directory
    }

    fn names(found: &Suggested) -> Vec<u128> {
        found.suggestions.iter().map(|suggestion| suggestion.device.id.0.as_u128()).collect()
    }

    #[test]
    fn names_that_begin_with_the_text_come_first() {
        assert_eq!(names(&directory().suggest("lt", &Visibility::Everything)), [1, 2, 3]);
        assert_eq!(names(&directory().suggest("b2", &Visibility::Everything)), [2]);
        assert_eq!(names(&directory().suggest("", &Visibility::Everything)).len(), 4);
    }

    #[test]
    fn a_row_is_shown_once_wherever_and_however_often_the_text_is_in_it() {
        assert_eq!(names(&directory().suggest("da", &Visibility::Everything)), [3]);
        assert_eq!(names(&directory().suggest("shared", &Visibility::Everything)), [3, 4]);
        assert_eq!(names(&directory().suggest("4", &Visibility::Everything)), [1, 2, 4]);
        assert_eq!(names(&directory().suggest("jonas weber", &Visibility::Everything)), [1, 4]);
        assert!(names(&directory().suggest("weber shared", &Visibility::Everything)).is_empty());
        assert!(names(&Directory::default().suggest("", &Visibility::Everything)).is_empty());
    }

    #[test]
    fn a_letter_fits_in_each_of_its_forms() {
        let directory = Directory::default();
        directory.replace(vec![device(1, "LT-1", "S", "ΜΑΡΙΟΣ")], Timestamp::UNIX_EPOCH);
        assert_eq!(names(&directory.suggest("μαριος", &Visibility::Everything)), [1]);
        assert_eq!(directory.find("Μαριος").len(), 1);
    }

    #[test]
    fn a_device_is_found_by_its_id() {
        let found = directory().get(DeviceId(uuid::Uuid::from_u128(2))).map(|device| device.name.clone());
        assert_eq!(found.as_deref(), Some("LT-043"));
        assert_eq!(directory().get(DeviceId(uuid::Uuid::from_u128(9))), None);
    }

    #[test]
    fn who_may_see_nothing_is_shown_nothing() {
        assert!(directory().suggest("lt", &Visibility::Nothing).suggestions.is_empty());
    }

    #[test]
    fn a_name_can_stand_for_several_devices() {
        assert_eq!(directory().find("shared").len(), 2);
        assert_eq!(directory().find("ccc333").len(), 1);
        assert_eq!(directory().find("jonas weber").len(), 2);
        assert!(directory().find("LT-04").is_empty(), "only whole fields count");
        assert!(directory().find(" ").is_empty());
    }
}
