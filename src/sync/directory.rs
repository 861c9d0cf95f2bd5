//! The devices in memory: suggestions while someone types, and names that stand for devices.

use std::collections::HashSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;

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
    rows: Vec<Row>,
    read_at: Option<Timestamp>,
}

#[derive(Debug)]
struct Row {
    device: Arc<Device>,
    /// Name, serial number, sign-in name and user, in lower case, each behind a line break.
    haystack: String,
}

impl Row {
    fn new(device: Device) -> Self {
        let texts = [
            Some(&device.name),
            device.serial.as_ref(),
            device.user_principal_name.as_ref(),
            device.user_name.as_ref(),
        ];
        let mut haystack = String::new();
        for text in texts.into_iter().flatten() {
            haystack.push('\n');
            haystack.extend(text.chars().filter(|c| *c != '\n').flat_map(char::to_lowercase));
        }
        haystack.push('\n');
        haystack.shrink_to_fit();
        Self { device: Arc::new(device), haystack }
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
        let mut rows: Vec<_> = devices.into_iter().map(Row::new).collect();
        // Sorted by name, so that a page of suggestions reads like a list.
        rows.sort_by(|a, b| a.haystack.cmp(&b.haystack));
        self.0.store(Arc::new(Snapshot { rows, read_at: Some(now) }));
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
        let mut tags_unknown = Vec::new();
        if visibility.is_nothing() {
            return Suggested { suggestions: Vec::new(), tags_unknown };
        }
        let snapshot = self.0.load();
        let needle = text.trim().to_lowercase().replace('\n', "");
        let at_start = format!("\n{needle}");
        let (mut by_name, mut by_field, mut inside) = (Vec::new(), Vec::new(), Vec::new());
        for row in &snapshot.rows {
            if by_name.len() >= SUGGESTIONS {
                break;
            }
            let Some(at) = row.haystack.find(&needle) else { continue };
            match visibility.shows(&row.device) {
                Shown::Yes => {}
                Shown::No => continue,
                Shown::TagsUnknown => {
                    if tags_unknown.len() < SUGGESTIONS {
                        tags_unknown.push(row.device.id);
                    }
                    continue;
                }
            }
            let into = if row.haystack.starts_with(&at_start) {
                &mut by_name
            } else if at > 0 && row.haystack.contains(&at_start) {
                &mut by_field
            } else {
                &mut inside
            };
            if into.len() < SUGGESTIONS {
                into.push(Suggestion { device: Arc::clone(&row.device) });
            }
        }
        let suggestions = by_name.into_iter().chain(by_field).chain(inside).take(SUGGESTIONS).collect();
        Suggested { suggestions, tags_unknown }
    }

    /// Devices whose name, serial number, sign-in name or user is exactly `text`, in any case.
    pub fn find(&self, text: &str) -> Vec<DeviceId> {
        let needle = text.trim().to_lowercase();
        if needle.is_empty() || needle.contains('\n') {
            return Vec::new();
        }
        let whole = format!("\n{needle}\n");
        let snapshot = self.0.load();
        snapshot.rows.iter().filter(|row| row.haystack.contains(&whole)).map(|row| row.device.id).collect()
    }

    /// People with devices whose name or sign-in name fits `text`, best first: a word of it begins so, it is somewhere inside.
    /// Only people of whom at least one device may be seen.
    pub fn suggest_people(&self, text: &str, visibility: &Visibility) -> Vec<SuggestedPerson> {
        if visibility.is_nothing() {
            return Vec::new();
        }
        let needle = text.trim().to_lowercase();
        let (mut first, mut inside, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for row in &self.0.load().rows {
            let device = &row.device;
            let (Some(id), Some(sign_in)) = (device.user_id, &device.user_principal_name) else { continue };
            let name = device.user_name.clone().unwrap_or_default();
            let (lower, lower_sign_in) = (name.to_lowercase(), sign_in.to_lowercase());
            if !lower.contains(&needle) && !lower_sign_in.contains(&needle) {
                continue;
            }
            if visibility.shows(device) != Shown::Yes || !seen.insert(id) {
                continue;
            }
            let begins = lower_sign_in.starts_with(&needle) || lower.split(' ').any(|word| word.starts_with(&needle));
            let into = if begins { &mut first } else { &mut inside };
            into.push(SuggestedPerson { id, name, sign_in: sign_in.clone() });
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
        self.0.load().rows.iter().find(|row| row.device.id == id).map(|row| Arc::clone(&row.device))
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
