//! What the gate remembers: Intune's roles for minutes, a person's memberships for seconds and never across a click.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::chat::ChatUserId;
use crate::clock::{Clock, Moment};
use crate::graph::{Error, Graph, Patience, PersonFacts};
use crate::intune::{Assignment, EntraUserId, GroupId, RoleDefinition};

/// Definitions and assignments are read again after this; five minutes is the most.
const ROLES_FRESH: SignedDuration = SignedDuration::from_mins(5);

/// A person's memberships are read again after this, and at every command and click.
const PERSON_FRESH: SignedDuration = SignedDuration::from_mins(1);

pub(super) type Definitions = Arc<Vec<RoleDefinition>>;

/// Intune's roles with their assignments, read together.
#[derive(Debug)]
pub(super) struct Roles {
    pub(super) definitions: Definitions,
    pub(super) assignments: Vec<Assignment>,
    /// Every group that holds a role: what a person's membership is asked about.
    pub(super) member_groups: BTreeSet<GroupId>,
}

#[derive(Debug)]
struct Person {
    entra_user: EntraUserId,
    read_at: Moment,
    /// The roles whose groups were asked about; other roles need another question.
    roles: Arc<Roles>,
    facts: Arc<PersonFacts>,
}

#[derive(Debug)]
pub(super) struct Memory {
    clock: Clock,
    definitions: Mutex<Option<(Moment, Definitions)>>,
    roles: Mutex<Option<(Moment, Arc<Roles>)>>,
    people: Mutex<HashMap<ChatUserId, Person>>,
}

impl Memory {
    pub(super) fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), definitions: Mutex::default(), roles: Mutex::default(), people: Mutex::default() }
    }

    fn fresh<T: Clone>(&self, cached: &Mutex<Option<(Moment, T)>>) -> Option<T> {
        let cached = cached.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, value) = cached.as_ref()?;
        self.is_within(ROLES_FRESH, *read_at).then(|| value.clone())
    }

    /// Whether something read then is no older than that. In doubt it is: after the time of day was set, everything is read anew.
    fn is_within(&self, most: SignedDuration, read_at: Moment) -> bool {
        self.clock.age(read_at).is_some_and(|age| age < most)
    }

    pub(super) fn fresh_definitions(&self) -> Option<Definitions> {
        self.fresh(&self.definitions)
    }

    /// How old the definitions are; `None`: there are none, or nobody can tell.
    pub(super) fn definitions_age(&self) -> Option<SignedDuration> {
        let cached = self.definitions.lock().unwrap_or_else(PoisonError::into_inner);
        cached.as_ref().and_then(|(read_at, _)| self.clock.age(*read_at))
    }

    pub(super) async fn definitions(&self, graph: &Graph, patience: Patience) -> Result<Definitions, Error> {
        match self.fresh_definitions() {
            Some(fresh) => Ok(fresh),
            None => self.read_definitions(graph, patience).await,
        }
    }

    /// Reads the definitions anew, fresh or not.
    pub(super) async fn read_definitions(&self, graph: &Graph, patience: Patience) -> Result<Definitions, Error> {
        let read_at = self.clock.moment();
        let definitions = Arc::new(graph.role_definitions(patience).await?);
        *self.definitions.lock().unwrap_or_else(PoisonError::into_inner) = Some((read_at, Arc::clone(&definitions)));
        Ok(definitions)
    }

    pub(super) async fn roles(&self, graph: &Graph, patience: Patience) -> Result<Arc<Roles>, Error> {
        if let Some(fresh) = self.fresh(&self.roles) {
            return Ok(fresh);
        }
        // Read together with the definitions, so that both are of one age.
        let read_at = self.clock.moment();
        let definitions = self.read_definitions(graph, patience).await?;
        let assignments = graph.role_assignments(&definitions, patience).await?;
        let member_groups = assignments.iter().flat_map(|assignment| &assignment.row.members).copied().collect();
        let roles = Arc::new(Roles { definitions, assignments, member_groups });
        *self.roles.lock().unwrap_or_else(PoisonError::into_inner) = Some((read_at, Arc::clone(&roles)));
        Ok(roles)
    }

    /// What was read of a person since `since`, if it is still fresh.
    pub(super) fn person(
        &self,
        user: ChatUserId,
        entra_user: EntraUserId,
        roles: &Arc<Roles>,
        since: Timestamp,
    ) -> Option<Arc<PersonFacts>> {
        let people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let person = people.get(&user)?;
        let fresh = self.is_within(PERSON_FRESH, person.read_at);
        let usable =
            person.entra_user == entra_user && person.read_at.day() >= since && Arc::ptr_eq(&person.roles, roles);
        (fresh && usable).then(|| Arc::clone(&person.facts))
    }

    pub(super) fn keep_person(
        &self,
        user: ChatUserId,
        entra_user: EntraUserId,
        roles: &Arc<Roles>,
        read_at: Moment,
        facts: &Arc<PersonFacts>,
    ) {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.retain(|_, person| self.is_within(PERSON_FRESH, person.read_at));
        people.insert(user, Person { entra_user, read_at, roles: Arc::clone(roles), facts: Arc::clone(facts) });
    }

    pub(super) fn forget_person(&self, user: ChatUserId) {
        self.people.lock().unwrap_or_else(PoisonError::into_inner).remove(&user);
    }
}
