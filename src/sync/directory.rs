//! The devices in memory: suggestions while someone types, and names that stand for devices.

use std::collections::HashMap;
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
    devices: Vec<Arc<Device>>,
    /// Of each device: name, serial number, sign-in name and user.
    texts: Texts,
    by_id: HashMap<DeviceId, usize>,
    people: Vec<Person>,
    /// Of each person: name and sign-in name.
    people_texts: Texts,
    read_at: Option<Timestamp>,
}

/// A person with devices.
#[derive(Debug)]
struct Person {
    found: SuggestedPerson,
    /// Where their devices stand.
    devices: Vec<usize>,
}

/// Texts one behind the other, so that a search is one pass over memory. Each is its fields, folded, each behind a line break, and one
/// more at the end.
#[derive(Debug, Default)]
struct Texts {
    all: String,
    /// Where each begins.
    starts: Vec<usize>,
}

/// As texts are compared: in lower case, with one form of each letter, on one line.
fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    let lower = text.chars().filter(|c| *c != '\n').flat_map(char::to_lowercase);
    lower.map(|c| if c == 'ς' { 'σ' } else { c })
}

fn text_of<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for field in fields {
        text.push('\n');
        text.extend(folded(field));
    }
    text.push('\n');
    text
}

fn device_text(device: &Device) -> String {
    let others = [&device.serial, &device.user_principal_name, &device.user_name];
    text_of(std::iter::once(device.name.as_str()).chain(others.into_iter().flatten().map(String::as_str)))
}

impl FromIterator<String> for Texts {
    fn from_iter<T: IntoIterator<Item = String>>(texts: T) -> Self {
        let mut new = Self::default();
        for text in texts {
            new.starts.push(new.all.len());
            new.all.push_str(&text);
        }
        new
    }
}

impl Texts {
    fn end(&self, at: usize) -> usize {
        self.starts.get(at + 1).copied().unwrap_or(self.all.len())
    }

    fn get(&self, at: usize) -> &str {
        &self.all[self.starts[at]..self.end(at)]
    }

    /// Those that hold `needle`, in their order, each once.
    fn holding<'a>(&'a self, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
        let finder = Finder::new(needle);
        let mut from = 0;
        std::iter::from_fn(move || {
            // At the end a search for nothing would find it for ever.
            let rest = self.all.as_bytes().get(from..).filter(|rest| !rest.is_empty())?;
            let found = from + finder.find(rest)?;
            let at = self.starts.partition_point(|&start| start <= found).checked_sub(1)?;
            from = self.end(at);
            Some(at)
        })
    }

    /// Those that begin with this, where they are in order.
    fn beginning(&self, start: &str) -> Range<usize> {
        let first = self.starts.partition_point(|&at| &self.all[at..] < start);
        let count = self.starts[first..].partition_point(|&at| self.all[at..].starts_with(start));
        first..first + count
    }
}

impl Snapshot {
    fn new(devices: Vec<Device>, read_at: Timestamp) -> Self {
        let mut devices: Vec<_> = devices.into_iter().map(|device| (device_text(&device), Arc::new(device))).collect();
        devices.sort_by(|a, b| a.0.cmp(&b.0));
        let (texts, devices): (Vec<_>, Vec<_>) = devices.into_iter().unzip();
        let by_id = devices.iter().enumerate().map(|(at, device)| (device.id, at)).collect();
        let mut people: HashMap<EntraUserId, Person> = HashMap::new();
        for (at, device) in devices.iter().enumerate() {
            let (Some(id), Some(sign_in)) = (device.user_id, &device.user_principal_name) else { continue };
            let person = people.entry(id).or_insert_with(|| {
                let name = device.user_name.clone().unwrap_or_default();
                Person { found: SuggestedPerson { id, name, sign_in: sign_in.clone() }, devices: Vec::new() }
            });
            person.devices.push(at);
        }
        let text = |person: &Person| text_of([person.found.name.as_str(), person.found.sign_in.as_str()]);
        let mut people: Vec<_> = people.into_values().map(|person| (text(&person), person)).collect();
        people.sort_by(|a, b| a.0.cmp(&b.0));
        let (people_texts, people): (Vec<_>, Vec<_>) = people.into_iter().unzip();
        let (texts, people_texts) = (texts.into_iter().collect(), people_texts.into_iter().collect());
        Self { devices, texts, by_id, people, people_texts, read_at: Some(read_at) }
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
        self.0.load().devices.len()
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
        let by_name = snapshot.texts.beginning(&at_start);
        let others = |at: &usize| !by_name.contains(at);
        // What is found by name has a line break before it, so a search for nothing ends with it.
        let by_field = snapshot.texts.holding(&at_start).filter(others);
        let inside = snapshot.texts.holding(&needle).filter(others);
        let inside = inside.filter(|&at| !snapshot.texts.get(at).contains(&at_start));
        let all = by_name.clone().chain(by_field).chain(inside);
        for at in all {
            let device = &snapshot.devices[at];
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
        snapshot.texts.holding(&whole).map(|at| snapshot.devices[at].id).collect()
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
            let may_be_seen = |&at: &usize| visibility.shows(&snapshot.devices[at]) == Shown::Yes;
            if into.len() < SUGGESTIONS && person.devices.iter().any(may_be_seen) {
                into.push(person.found.clone());
            }
            if first.len() >= SUGGESTIONS {
                break;
            }
        }
        first.into_iter().chain(inside).take(SUGGESTIONS).collect()
    }

    /// Every device that fits, as last read, by name.
    pub fn all(&self, fits: impl Fn(&Device) -> bool) -> Vec<Device> {
        self.0.load().devices.iter().filter(|device| fits(device)).map(|device| (**device).clone()).collect()
    }

    /// A device by its id, as last read.
    pub fn get(&self, id: DeviceId) -> Option<Arc<Device>> {
        let snapshot = self.0.load();
        snapshot.by_id.get(&id).map(|&at| Arc::clone(&snapshot.devices[at]))
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
