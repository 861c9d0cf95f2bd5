//! Which devices may be suggested to someone, from memory. For display only: what it shows grants nothing.
//!
//! What is not known, or is older than five minutes, shows nothing; asking for it makes it known a moment later.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::gate::Gate;
use super::holds::{Holds, chat_grant, find};
use crate::budget::Urgency;
use crate::chat::{Actor, ChatUserId};
use crate::clock::Bell;
use crate::graph::{Members, Patience};
use crate::intune::{CoveredBy, DeviceId, EntraUserId, Grant, GroupId, Scope, ScopeTag, Tags, Task};

/// Nothing older than this is shown.
const OLDEST: SignedDuration = SignedDuration::from_mins(5);

/// What is in use is read again after this.
const FRESH: SignedDuration = SignedDuration::from_mins(4);

/// What could not be read is not asked for again before this, however much somebody types.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_secs(30);

/// Someone who has not typed for so long is not kept ready any more.
const IDLE: SignedDuration = SignedDuration::from_mins(15);

/// Devices whose scope tags are looked up for one suggestion at the most: as many as a list shows.
const TAGS_AT_ONCE: usize = 25;

/// What suggestions know.
#[derive(Debug, Default)]
pub struct Display {
    /// Which Entra person each chat account is; `None`: the link was ended. Not known before the first reading.
    links: Option<HashMap<ChatUserId, Option<EntraUserId>>>,
    people: HashMap<ChatUserId, Seen>,
    groups: HashMap<GroupId, (Timestamp, Arc<Members>)>,
    failed_groups: HashMap<GroupId, Timestamp>,
    tags: KnownTags,
    wanted_tags: BTreeSet<DeviceId>,
}

/// A linked person who types.
#[derive(Debug)]
struct Seen {
    typed_at: Timestamp,
    /// When they were read, and the grants that let them read devices; `None`: not read yet.
    grants: Option<(Timestamp, Arc<Vec<Grant>>)>,
    /// Whether they see every device.
    everything: bool,
    failed_at: Option<Timestamp>,
}

/// Whether a device may be suggested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It may.
    Yes,
    /// It may not.
    No,
    /// Its scope tags decide, and they are not known.
    TagsUnknown,
}

/// The devices someone may see in suggestions.
#[derive(Clone, Debug)]
pub enum Visibility {
    /// None: no role, or nothing is known yet.
    Nothing,
    /// Every device.
    Everything,
    /// Those that one of these parts covers.
    Parts(Vec<Part>),
}

/// The devices of one grant.
#[derive(Clone, Debug)]
pub struct Part {
    scope: PartScope,
    tags: Option<(BTreeSet<ScopeTag>, KnownTags)>,
    /// When this was put together: tags that were read long before it are not known any more.
    now: Timestamp,
}

/// The scope tags of devices that somebody typed for, and when they were read.
type KnownTags = Arc<HashMap<DeviceId, (Timestamp, BTreeSet<ScopeTag>)>>;

#[derive(Clone, Debug)]
enum PartScope {
    All,
    WithUser,
    Members(Vec<Arc<Members>>),
}

impl Visibility {
    /// Whether `device` may be suggested.
    pub fn shows(&self, device: &CoveredBy) -> Shown {
        match self {
            Self::Nothing => Shown::No,
            Self::Everything => Shown::Yes,
            Self::Parts(parts) => {
                let mut best = Shown::No;
                for part in parts {
                    match part.shows(device) {
                        Shown::Yes => return Shown::Yes,
                        Shown::TagsUnknown => best = Shown::TagsUnknown,
                        Shown::No => {}
                    }
                }
                best
            }
        }
    }

    /// Whether nothing at all is shown.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

impl Part {
    fn shows(&self, device: &CoveredBy) -> Shown {
        let in_scope = match &self.scope {
            PartScope::All => true,
            PartScope::WithUser => device.user.is_some(),
            PartScope::Members(groups) => groups.iter().any(|members| {
                device.user.is_some_and(|user| members.users.contains(&user))
                    || device.entra_device.is_some_and(|id| members.devices.contains(&id))
            }),
        };
        match (&self.tags, in_scope) {
            (_, false) => Shown::No,
            (None, true) => Shown::Yes,
            (Some((tags, known)), true) => match known.get(&device.device).filter(|(at, _)| is_recent(*at, self.now)) {
                None => Shown::TagsUnknown,
                Some((_, of_device)) if tags.is_disjoint(of_device) => Shown::No,
                Some(_) => Shown::Yes,
            },
        }
    }
}

impl Gate {
    /// What to suggest to the actor. Whatever is missing for it is read in the background.
    pub fn visibility(&self, actor: &Actor) -> Visibility {
        let now = self.clock.now();
        let mut display = self.lock();
        let linked = display.links.as_ref().map(|links| links.get(&actor.user).copied());
        match linked {
            Some(Some(Some(_person))) => self.of_person(&mut display, actor.user, now),
            Some(None) if !self.access.require_link => self.of_chat_roles(&display, actor, now),
            // Linked a moment ago, perhaps, by an import: the next reading of the links will tell.
            Some(None) | None => {
                self.display_bell.ring();
                Visibility::Nothing
            }
            Some(Some(None)) => Visibility::Nothing,
        }
    }

    fn of_person(&self, display: &mut Display, user: ChatUserId, now: Timestamp) -> Visibility {
        let seen = display.people.entry(user).or_insert(Seen {
            typed_at: now,
            grants: None,
            everything: false,
            failed_at: None,
        });
        seen.typed_at = now;
        let known = seen.grants.clone().filter(|(read_at, _)| is_recent(*read_at, now));
        let everything = seen.everything;
        let Some((_, grants)) = known else {
            self.display_bell.ring();
            return Visibility::Nothing;
        };
        if everything { Visibility::Everything } else { parts(display, grants.iter(), now) }
    }

    fn of_chat_roles(&self, display: &Display, actor: &Actor, now: Timestamp) -> Visibility {
        let Some(definitions) = self.memory.fresh_definitions() else { return Visibility::Nothing };
        let grants: Vec<_> = self
            .rows(&actor.roles)
            .filter_map(|row| Some(chat_grant(find(&definitions, &row.intune_role)?, row)))
            .filter(|grant| self.grants(&grant.role, Task::ReadDevice))
            .collect();
        parts(display, grants.iter(), now)
    }

    fn lock(&self) -> MutexGuard<'_, Display> {
        self.display.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These devices were left out because their scope tags are not known: they are looked up for the next keystroke.
    pub fn want_tags(&self, devices: impl IntoIterator<Item = DeviceId>) {
        let mut display = self.lock();
        let before = display.wanted_tags.len();
        let room = TAGS_AT_ONCE.saturating_sub(before);
        display.wanted_tags.extend(devices.into_iter().take(room));
        if display.wanted_tags.len() > before {
            self.display_bell.ring();
        }
    }

    /// Rings when something is missing in what suggestions show.
    pub fn display_bell(&self) -> &Bell {
        &self.display_bell
    }

    /// Reads whatever suggestions miss, and what is about to grow old.
    pub async fn refresh_display(&self) {
        if !self.access.chat_roles.is_empty()
            // A little earlier than the gate would.
            && self.memory.definitions_age().is_none_or(|age| age >= FRESH)
            && let Err(error) = self.memory.read_definitions(&self.graph, Patience::TriesAs(Urgency::Background)).await
        {
            tracing::warn!(%error, "Intune's roles could not be read; suggestions stay empty until they can");
        }
        match self.store.links().await {
            Ok(links) => {
                let links = links.into_iter();
                let known = links.map(|link| (link.chat_user, link.ended_at.is_none().then_some(link.person.id)));
                self.lock().links = Some(known.collect());
            }
            Err(error) => tracing::warn!(%error, "the links could not be read; suggestions go by the old ones"),
        }
        self.refresh_people().await;
        self.refresh_groups().await;
        self.refresh_tags().await;
    }

    async fn refresh_people(&self) {
        let now = self.clock.now();
        let due: Vec<(ChatUserId, Option<EntraUserId>)> = {
            let mut display = self.lock();
            display.people.retain(|_, seen| now.duration_since(seen.typed_at) < IDLE);
            let old = |seen: &Seen| {
                seen.grants.as_ref().is_none_or(|(at, _)| now.duration_since(*at) >= FRESH)
                    && is_over(seen.failed_at, now)
            };
            let due: Vec<_> = display.people.iter().filter(|(_, seen)| old(seen)).map(|(&user, _)| user).collect();
            let person = |user| display.links.as_ref().and_then(|links| links.get(&user).copied().flatten());
            due.into_iter().map(|user| (user, person(user))).collect()
        };
        for (user, entra_user) in due {
            let Some(entra_user) = entra_user else {
                self.lock().people.remove(&user);
                continue;
            };
            let read_at = self.clock.now();
            let (grants, everything) = match self
                .linked(user, entra_user, read_at, Patience::OnceAs(Urgency::Background))
                .await
            {
                Ok(Holds::Everything(_)) => (Vec::new(), true),
                Ok(Holds::Grants { grants, .. }) => {
                    (grants.into_iter().filter(|grant| self.grants(&grant.role, Task::ReadDevice)).collect(), false)
                }
                Ok(Holds::Nothing(_)) => (Vec::new(), false),
                Err(error) => {
                    tracing::warn!(%error, chat_user = %user, "a person's roles could not be read; nothing is suggested to them");
                    if let Some(seen) = self.lock().people.get_mut(&user) {
                        seen.failed_at = Some(read_at);
                    }
                    continue;
                }
            };
            if let Some(seen) = self.lock().people.get_mut(&user) {
                seen.grants = Some((read_at, Arc::new(grants)));
                seen.everything = everything;
            }
        }
    }

    async fn refresh_groups(&self) {
        let now = self.clock.now();
        let due: Vec<GroupId> = {
            let mut display = self.lock();
            let of_config = self.access.chat_roles.iter().filter_map(|row| row.scope_groups.as_ref()).flatten();
            let mut needed: BTreeSet<GroupId> = of_config.copied().collect();
            for grant in display.people.values().filter_map(|seen| seen.grants.as_ref()).flat_map(|(_, all)| all.iter())
            {
                if let Scope::Groups(groups) = &grant.scope {
                    needed.extend(groups);
                }
            }
            display.groups.retain(|group, _| needed.contains(group));
            let old = |group: &GroupId| {
                display.groups.get(group).is_none_or(|(read_at, _)| now.duration_since(*read_at) >= FRESH)
                    && is_over(display.failed_groups.get(group).copied(), now)
            };
            needed.into_iter().filter(old).collect()
        };
        for group in due {
            let read_at = self.clock.now();
            match self.graph.group_members(group, Patience::TriesAs(Urgency::Background)).await {
                Ok(members) => {
                    let mut display = self.lock();
                    display.failed_groups.remove(&group);
                    display.groups.insert(group, (read_at, Arc::new(members)));
                }
                Err(error) => {
                    // What is not known any more is not shown.
                    let mut display = self.lock();
                    display.groups.remove(&group);
                    display.failed_groups.insert(group, read_at);
                    drop(display);
                    tracing::warn!(%error, %group, "a scope group could not be read; its devices are not suggested");
                }
            }
        }
    }

    async fn refresh_tags(&self) {
        let wanted: Vec<DeviceId> = std::mem::take(&mut self.lock().wanted_tags).into_iter().collect();
        if wanted.is_empty() {
            return;
        }
        let read_at = self.clock.now();
        let read = self.graph.device_tags(&wanted, Patience::OnceAs(Urgency::Background)).await;
        let mut display = self.lock();
        let tags = Arc::make_mut(&mut display.tags);
        tags.retain(|_, (at, _)| is_recent(*at, read_at));
        for (device, found) in wanted.into_iter().zip(read) {
            match found {
                Ok(Some(found)) => {
                    tags.insert(device, (read_at, found));
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, %device, "a device's scope tags could not be read; it is not suggested");
                }
            }
        }
    }
}

/// Whether what was read then may still be shown.
fn is_recent(read_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(read_at) < OLDEST
}

/// Whether a failure is long enough ago to ask again.
fn is_over(failed_at: Option<Timestamp>, now: Timestamp) -> bool {
    failed_at.is_none_or(|at| now.duration_since(at) >= AFTER_FAILURE)
}

fn parts<'a>(display: &Display, grants: impl Iterator<Item = &'a Grant>, now: Timestamp) -> Visibility {
    let mut parts = Vec::new();
    for grant in grants {
        let scope = match &grant.scope {
            Scope::WholeTenant => PartScope::All,
            Scope::AnyUser => PartScope::WithUser,
            Scope::Unknown => continue,
            Scope::Groups(groups) => {
                let known = groups.iter().filter_map(|group| display.groups.get(group));
                let fresh = known.filter(|(read_at, _)| is_recent(*read_at, now));
                PartScope::Members(fresh.map(|(_, members)| Arc::clone(members)).collect())
            }
        };
        let tags = match &grant.tags {
            Tags::Any => None,
            Tags::These(tags) => Some((tags.clone(), Arc::clone(&display.tags))),
            Tags::Unknown => continue,
        };
        if tags.is_none() && matches!(scope, PartScope::All) {
            return Visibility::Everything;
        }
        parts.push(Part { scope, tags, now });
    }
    if parts.is_empty() { Visibility::Nothing } else { Visibility::Parts(parts) }
}
