//! Devices as memory keeps them: a row of fixed size each, and every word of theirs once.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;

use jiff::Timestamp;

use crate::intune::{Compliance, CoveredBy, Device, DeviceId, EntraUserId, OwnerType, PendingAction, Platform};

/// Where a text stands among the [`Words`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(NonZeroU32);

/// Texts one behind the other. Operating systems, models and users come again and again, so they are kept once.
#[derive(Debug, Default)]
struct Words {
    all: String,
    /// Where each ends; the next begins there.
    ends: Vec<usize>,
}

impl Words {
    fn add(&mut self, text: &str) -> Word {
        self.all.push_str(text);
        self.ends.push(self.all.len());
        Word(u32::try_from(self.ends.len()).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MAX))
    }

    fn get(&self, word: Word) -> &str {
        let number = usize::try_from(word.0.get()).unwrap_or(usize::MAX);
        let begin = number.checked_sub(2).map_or(Some(0), |before| self.ends.get(before).copied());
        let end = self.ends.get(number - 1).copied();
        begin.zip(end).and_then(|(begin, end)| self.all.get(begin..end)).unwrap_or_default()
    }
}

/// A device without its texts.
#[derive(Clone, Debug)]
struct Row {
    keys: CoveredBy,
    last_check_in: Option<Timestamp>,
    name: Word,
    platform: Word,
    os_version: Word,
    management_state: Word,
    agent: Word,
    user_name: Option<Word>,
    user_principal_name: Option<Word>,
    serial: Option<Word>,
    model: Option<Word>,
    compliance: Compliance,
    pending_action: Option<PendingAction>,
    owner: Option<OwnerType>,
}

/// Devices, and where each stands by its id.
#[derive(Debug, Default)]
pub(super) struct Rows {
    list: Vec<Row>,
    words: Words,
    /// The places of the rows, in the order of their devices' ids.
    by_id: Vec<usize>,
}

/// A device's user, as the device's row says it.
#[derive(Clone, Copy, Debug)]
pub(super) struct UserOf {
    pub(super) id: EntraUserId,
    pub(super) name: Option<Word>,
    pub(super) sign_in: Word,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// What decides who may see the device.
    pub(super) fn keys(&self, at: usize) -> CoveredBy {
        self.list[at].keys
    }

    pub(super) fn text(&self, word: Word) -> &str {
        self.words.get(word)
    }

    /// Its user, if it has one that can be looked for.
    pub(super) fn user(&self, at: usize) -> Option<UserOf> {
        let row = &self.list[at];
        Some(UserOf { id: row.keys.user?, name: row.user_name, sign_in: row.user_principal_name? })
    }

    /// Where the device of this id stands.
    pub(super) fn place(&self, id: DeviceId) -> Option<usize> {
        let found = self.by_id.binary_search_by_key(&id, |&at| self.list[at].keys.device).ok()?;
        self.by_id.get(found).copied()
    }

    pub(super) fn device(&self, at: usize) -> Device {
        let row = &self.list[at];
        let text = |word| self.words.get(word).to_owned();
        Device {
            id: row.keys.device,
            name: text(row.name),
            platform: Platform::read(self.words.get(row.platform)),
            os_version: text(row.os_version),
            last_check_in: row.last_check_in,
            compliance: row.compliance.clone(),
            management_state: text(row.management_state),
            agent: text(row.agent),
            user_id: row.keys.user,
            user_name: row.user_name.map(text),
            user_principal_name: row.user_principal_name.map(text),
            serial: row.serial.map(text),
            model: row.model.map(text),
            entra_device_id: row.keys.entra_device,
            pending_action: row.pending_action,
            owner: row.owner,
        }
    }
}

/// Rows that are still added to, in the order in which Graph lists them.
#[derive(Debug, Default)]
pub(super) struct Adding {
    list: Vec<Row>,
    words: Words,
    /// By the hash of its text, so that no text is kept a second time only to be found.
    known: HashMap<u64, Word>,
    hasher: RandomState,
}

impl Adding {
    pub(super) fn add(&mut self, device: &Device) {
        let row = Row {
            keys: device.covered_by(),
            last_check_in: device.last_check_in,
            // These two are hardly ever a second device's.
            name: self.words.add(&device.name),
            serial: device.serial.as_deref().map(|serial| self.words.add(serial)),
            platform: self.word(&device.platform.to_string()),
            os_version: self.word(&device.os_version),
            management_state: self.word(&device.management_state),
            agent: self.word(&device.agent),
            user_name: device.user_name.as_deref().map(|name| self.word(name)),
            user_principal_name: device.user_principal_name.as_deref().map(|name| self.word(name)),
            model: device.model.as_deref().map(|model| self.word(model)),
            compliance: device.compliance.clone(),
            pending_action: device.pending_action,
            owner: device.owner,
        };
        self.list.push(row);
    }

    fn word(&mut self, text: &str) -> Word {
        let hash = self.hasher.hash_one(text);
        if let Some(&word) = self.known.get(&hash)
            && self.words.get(word) == text
        {
            return word;
        }
        let word = self.words.add(text);
        self.known.insert(hash, word);
        word
    }

    /// What a device is searched by: name, serial number, sign-in name and user.
    pub(super) fn searched(&self, at: usize) -> impl Iterator<Item = &str> {
        let row = &self.list[at];
        let others = [row.serial, row.user_principal_name, row.user_name];
        std::iter::once(row.name).chain(others.into_iter().flatten()).map(|word| self.words.get(word))
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// The rows in the order of these places.
    pub(super) fn ordered(self, order: &[usize]) -> Rows {
        let Self { list, mut words, .. } = self;
        let list: Vec<Row> = order.iter().map(|&at| list[at].clone()).collect();
        let mut by_id: Vec<usize> = (0..list.len()).collect();
        by_id.sort_unstable_by_key(|&at| list[at].keys.device);
        words.all.shrink_to_fit();
        words.ends.shrink_to_fit();
        Rows { list, words, by_id }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::device;
    use super::*;

    #[test]
    fn a_device_comes_back_as_it_was_read() {
        let odd = Device {
            id: "00000000-0000-4000-8000-000000000001".parse().unwrap(),
            name: String::new(),
            platform: Platform::Other("visionOS".to_owned()),
            last_check_in: None,
            compliance: Compliance::InGracePeriod,
            user_id: Some("00000000-0000-4000-8000-000000000002".parse().unwrap()),
            user_name: None,
            serial: None,
            model: Some("Vision Pro ☉".to_owned()),
            entra_device_id: Some("00000000-0000-4000-8000-000000000003".parse().unwrap()),
            pending_action: Some(PendingAction::Retire),
            owner: Some(OwnerType::Personal),
            ..device(42, "LT-042", "5CD1234ABC", "Jonas Weber")
        };
        let devices = [device(42, "LT-042", "5CD1234ABC", "Jonas Weber"), odd];
        let mut adding = Adding::default();
        for device in &devices {
            adding.add(device);
        }
        let rows = adding.ordered(&[1, 0]);
        for device in &devices {
            let place = rows.place(device.id).unwrap();
            assert_eq!(&rows.device(place), device);
        }
        assert_eq!(rows.place(DeviceId(uuid::Uuid::nil())), None);
    }

    #[test]
    fn every_platform_survives_its_own_name() {
        for platform in [Platform::Android, Platform::Ios, Platform::IpadOs, Platform::MacOs, Platform::Windows] {
            assert_eq!(Platform::read(&platform.to_string()), platform);
        }
    }

    #[test]
    fn what_comes_again_is_kept_once() {
        let mut adding = Adding::default();
        adding.add(&device(42, "LT-042", "5CD1234ABC", "Jonas Weber"));
        let once = adding.words.all.len();
        for number in 0..100 {
            adding.add(&Device {
                name: format!("LT-{number:03}"),
                serial: None,
                ..device(42, "LT-042", "5CD1234ABC", "Jonas Weber")
            });
        }
        assert_eq!(adding.words.all.len(), once + 100 * "LT-000".len());
    }
}
