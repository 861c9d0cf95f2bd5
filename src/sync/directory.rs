//! The devices in memory: suggestions while someone types, and names that stand for devices.

mod rows;
mod texts;

use std::ops::Range;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use self::rows::{Adding, Rows, UserOf, Word};
use self::texts::{Texts, folded};
use crate::graph::{Error, Graph};
use crate::identity::{Shown, Visibility};
use crate::intune::{Device, DeviceId, EntraUserId};

/// Suggestions shown at once (Discord's limit).
const SUGGESTIONS: usize = 25;

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
    /// Devices that fit what was typed so far, best first.
    pub devices: Vec<Device>,
    /// Devices that would fit, and are left out until their scope tags are known.
    pub tags_unknown: Vec<DeviceId>,
}

/// The devices in memory, replaced as a whole at each refresh.
#[derive(Debug, Default)]
pub struct Directory(ArcSwap<Snapshot>);

#[derive(Debug, Default)]
struct Snapshot {
    /// By name, so that a page of suggestions reads like a list.
    devices: Rows,
    /// Of each device: name, serial number, sign-in name and user.
    texts: Texts,
    people: Vec<Person>,
    /// Of each person: name and sign-in name.
    people_texts: Texts,
    /// Where the devices of people stand, person by person.
    theirs: Vec<usize>,
    read_at: Option<Timestamp>,
}

/// A person with devices.
#[derive(Clone, Debug)]
struct Person {
    id: EntraUserId,
    name: Option<Word>,
    sign_in: Word,
    /// Which of [`Snapshot::theirs`] are theirs.
    devices: Range<usize>,
}

impl Snapshot {
    fn new(adding: Adding, read_at: Timestamp) -> Self {
        let mut texts = Texts::default();
        for at in 0..adding.len() {
            texts.add(adding.searched(at));
        }
        let order = texts.order();
        let (devices, texts) = (adding.ordered(&order), texts.ordered(&order));
        let (people, theirs) = people(&devices);
        let mut people_texts = Texts::default();
        for person in &people {
            people_texts.add([person.name.map_or("", |name| devices.text(name)), devices.text(person.sign_in)]);
        }
        let order = people_texts.order();
        let people = order.iter().map(|&at| people[at].clone()).collect();
        let people_texts = people_texts.ordered(&order);
        Self { devices, texts, people, people_texts, theirs, read_at: Some(read_at) }
    }

    fn suggested(&self, person: &Person) -> SuggestedPerson {
        let text = |word| self.devices.text(word).to_owned();
        SuggestedPerson {
            id: person.id,
            name: person.name.map(text).unwrap_or_default(),
            sign_in: text(person.sign_in),
        }
    }
}

/// Everybody with devices, and where these stand.
fn people(devices: &Rows) -> (Vec<Person>, Vec<usize>) {
    let mut users: Vec<(UserOf, usize)> =
        (0..devices.len()).filter_map(|at| devices.user(at).map(|user| (user, at))).collect();
    users.sort_by_key(|(user, at)| (user.id, *at));
    let mut people: Vec<Person> = Vec::new();
    for (place, (UserOf { id, name, sign_in }, _)) in users.iter().enumerate() {
        match people.last_mut() {
            Some(person) if person.id == *id => person.devices.end = place + 1,
            _ => people.push(Person { id: *id, name: *name, sign_in: *sign_in, devices: place..place + 1 }),
        }
    }
    (people, users.into_iter().map(|(_, at)| at).collect())
}

impl Directory {
    /// Reads every device anew. On an error the old list stays.
    pub async fn refresh(&self, graph: &Graph, now: Timestamp) -> Result<usize, Error> {
        let mut adding = Adding::default();
        graph.devices(|device| adding.add(&device)).await?;
        let count = adding.len();
        self.0.store(Arc::new(Snapshot::new(adding, now)));
        Ok(count)
    }

    /// Puts `devices` in the place of the old list.
    pub fn replace(&self, devices: impl IntoIterator<Item = Device>, now: Timestamp) {
        let mut adding = Adding::default();
        for device in devices {
            adding.add(&device);
        }
        self.0.store(Arc::new(Snapshot::new(adding, now)));
    }

    /// When it was last read; `None`: never.
    pub fn read_at(&self) -> Option<Timestamp> {
        self.0.load().read_at
    }

    /// How many devices it holds.
    pub fn len(&self) -> usize {
        self.0.load().devices.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Devices that fit `text`, best first: the name begins with it, another field does, it is somewhere inside.
    pub fn suggest(&self, text: &str, visibility: &Visibility) -> Suggested {
        let mut suggested = Suggested { devices: Vec::new(), tags_unknown: Vec::new() };
        if visibility.is_nothing() {
            return suggested;
        }
        let snapshot = self.0.load();
        let needle: String = folded(text.trim()).collect();
        let at_start = format!("\n{needle}");
        let by_name = snapshot.texts.beginning(&at_start);
        let others = |at: &usize| !by_name.contains(at);
        // What is found by name has a line break before it, so a search for nothing ends with it.
        let by_field = snapshot.texts.holding(&at_start).filter(others);
        let inside = snapshot.texts.holding(&needle).filter(others);
        let inside = inside.filter(|&at| !snapshot.texts.get(at).contains(&at_start));
        let all = by_name.clone().chain(by_field).chain(inside);
        for at in all {
            let keys = snapshot.devices.keys(at);
            match visibility.shows(&keys) {
                Shown::Yes => suggested.devices.push(snapshot.devices.device(at)),
                Shown::TagsUnknown if suggested.tags_unknown.len() < SUGGESTIONS => {
                    suggested.tags_unknown.push(keys.device);
                }
                Shown::No | Shown::TagsUnknown => {}
            }
            if suggested.devices.len() >= SUGGESTIONS {
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
        snapshot.texts.holding(&whole).map(|at| snapshot.devices.keys(at).device).collect()
    }

    /// People with devices whose name or sign-in name fits `text`, best first: a word of it begins so, it is somewhere inside.
    /// Only people of whom at least one device may be seen.
    pub fn suggest_people(&self, text: &str, visibility: &Visibility) -> Vec<SuggestedPerson> {
        if visibility.is_nothing() {
            return Vec::new();
        }
        let needle: String = folded(text.trim()).collect();
        let snapshot = self.0.load();
        let (at_start, at_word) = (format!("\n{needle}"), format!(" {needle}"));
        let (mut first, mut inside) = (Vec::new(), Vec::new());
        for at in snapshot.people_texts.holding(&needle) {
            let (person, text) = (&snapshot.people[at], snapshot.people_texts.get(at));
            let begins = text.contains(&at_start) || text.contains(&at_word);
            let into = if begins { &mut first } else { &mut inside };
            let may_be_seen = |&at: &usize| visibility.shows(&snapshot.devices.keys(at)) == Shown::Yes;
            if into.len() < SUGGESTIONS && snapshot.theirs[person.devices.clone()].iter().any(may_be_seen) {
                into.push(snapshot.suggested(person));
            }
            if first.len() >= SUGGESTIONS {
                break;
            }
        }
        first.into_iter().chain(inside).take(SUGGESTIONS).collect()
    }

    /// Every device that fits, as last read, by name.
    pub fn all(&self, fits: impl Fn(&Device) -> bool) -> Vec<Device> {
        let snapshot = self.0.load();
        (0..snapshot.devices.len()).map(|at| snapshot.devices.device(at)).filter(fits).collect()
    }

    /// A device by its id, as last read.
    pub fn get(&self, id: DeviceId) -> Option<Device> {
        let snapshot = self.0.load();
        snapshot.devices.place(id).map(|at| snapshot.devices.device(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intune::{Compliance, Platform};

    pub(super) fn device(n: u128, name: &str, serial: &str, user: &str) -> Device {
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
        found.devices.iter().map(|device| device.id.0.as_u128()).collect()
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
    fn a_person_is_found_once_by_the_beginning_of_a_word_before_the_middle_of_one() {
        let of = |n: u128, user: u128, name: &str, sign_in: &str| Device {
            user_id: Some(EntraUserId(uuid::Uuid::from_u128(user))),
            user_principal_name: Some(sign_in.to_owned()),
            ..device(n, &format!("LT-{n}"), "", name)
        };
        let directory = Directory::default();
        let devices = vec![
            of(1, 7, "Anna Lind", "anna.lind@contoso.example"),
            of(2, 7, "Anna Lind", "anna.lind@contoso.example"),
            of(3, 8, "Johanna Berg", "berg@contoso.example"),
            device(4, "ANNA-4", "", "Anna without an account"),
        ];
        directory.replace(devices, Timestamp::UNIX_EPOCH);
        let found = |text: &str| -> Vec<String> {
            directory.suggest_people(text, &Visibility::Everything).into_iter().map(|person| person.name).collect()
        };
        assert_eq!(found("anna"), ["Anna Lind", "Johanna Berg"]);
        assert_eq!(found("lind"), ["Anna Lind"]);
        assert_eq!(found("BERG@"), ["Johanna Berg"]);
        assert_eq!(found("").len(), 2);
        assert!(found("nobody").is_empty());
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
        let found = directory().get(DeviceId(uuid::Uuid::from_u128(2))).map(|device| device.name);
        assert_eq!(found.as_deref(), Some("LT-043"));
        assert_eq!(directory().get(DeviceId(uuid::Uuid::from_u128(9))), None);
    }

    #[test]
    fn who_may_see_nothing_is_shown_nothing() {
        assert!(directory().suggest("lt", &Visibility::Nothing).devices.is_empty());
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
