//! Who is next: the most urgent first, bulk jobs in turn, and otherwise whoever came first. Pure.

use std::collections::VecDeque;

use crate::clock::Bell;

/// How urgent a call is. What is more urgent always goes first; there is no reserved share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// A person looks at "thinking…".
    Person,
    /// A sync of one device that somebody asked for, and the looks whether it checked in.
    Single,
    /// One of many. Jobs take turns, by this key: the id of their request.
    Bulk(u128),
    /// Nobody waits for it: the list of devices, late watches, what suggestions are made of.
    Background,
}

impl Urgency {
    /// The names of the levels, the most urgent first.
    pub const LEVELS: [&str; 4] = ["person", "single", "bulk", "background"];

    /// Which of [`Urgency::LEVELS`] it is.
    pub fn level(self) -> usize {
        match self {
            Self::Person => 0,
            Self::Single => 1,
            Self::Bulk(_) => 2,
            Self::Background => 3,
        }
    }

    /// Whose turns are counted together.
    fn job(self) -> u128 {
        if let Self::Bulk(job) = self { job } else { 0 }
    }
}

/// Somebody who waits.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) id: u64,
    /// How many places at once.
    pub(super) count: u32,
    /// Rung when it is at the head.
    pub(super) bell: Bell,
}

/// Everybody who waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    levels: [VecDeque<Job>; 4],
    /// How many places they want together.
    wanted: u32,
}

#[derive(Debug)]
struct Job {
    key: u128,
    tickets: VecDeque<Ticket>,
}

impl Queue {
    pub(super) fn push(&mut self, urgency: Urgency, ticket: Ticket) {
        self.wanted = self.wanted.saturating_add(ticket.count);
        let level = &mut self.levels[urgency.level()];
        match level.iter_mut().find(|job| job.key == urgency.job()) {
            Some(job) => job.tickets.push_back(ticket),
            None => level.push_back(Job { key: urgency.job(), tickets: VecDeque::from([ticket]) }),
        }
    }

    pub(super) fn head(&self) -> Option<&Ticket> {
        self.levels.iter().find_map(|level| level.front()).and_then(|job| job.tickets.front())
    }

    /// Takes the head away: it had its turn, and its job is the last of its level now.
    pub(super) fn served(&mut self) {
        let Some(level) = self.levels.iter_mut().find(|level| !level.is_empty()) else { return };
        let Some(mut job) = level.pop_front() else { return };
        if let Some(ticket) = job.tickets.pop_front() {
            self.wanted -= ticket.count;
        }
        if !job.tickets.is_empty() {
            level.push_back(job);
        }
    }

    /// Takes somebody away who waits no longer.
    pub(super) fn remove(&mut self, urgency: Urgency, id: u64) {
        let level = &mut self.levels[urgency.level()];
        let Some(at) = level.iter().position(|job| job.key == urgency.job()) else { return };
        if let Some(ticket) = level[at].tickets.iter().position(|ticket| ticket.id == id) {
            let gone = level[at].tickets.remove(ticket);
            self.wanted -= gone.map_or(0, |ticket| ticket.count);
        }
        if level[at].tickets.is_empty() {
            level.remove(at);
        }
    }

    pub(super) fn wanted(&self) -> u32 {
        self.wanted
    }

    /// How many wait on each level.
    pub(super) fn lengths(&self) -> [usize; 4] {
        self.levels.each_ref().map(|level| level.iter().map(|job| job.tickets.len()).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn order(queue: &mut Queue) -> Vec<u64> {
        let mut order = Vec::new();
        while let Some(head) = queue.head() {
            order.push(head.id);
            queue.served();
        }
        order
    }

    fn queue(waiting: &[(u64, Urgency)]) -> Queue {
        let clock = Clock::manual("2026-11-23T10:00:00Z".parse().unwrap());
        let mut queue = Queue::default();
        for &(id, urgency) in waiting {
            queue.push(urgency, Ticket { id, count: 1, bell: clock.bell() });
        }
        queue
    }

    #[test]
    fn the_most_urgent_goes_first_and_bulk_jobs_take_turns() {
        use Urgency::{Background, Bulk, Person, Single};
        let mut waiting = queue(&[
            (1, Background),
            (2, Bulk(7)),
            (3, Bulk(7)),
            (4, Bulk(7)),
            (5, Bulk(8)),
            (6, Bulk(8)),
            (7, Single),
            (8, Person),
            (9, Single),
        ]);
        assert_eq!((waiting.wanted(), waiting.lengths()), (9, [1, 2, 5, 1]));
        assert_eq!(order(&mut waiting), [8, 7, 9, 2, 5, 3, 6, 4, 1]);
        assert_eq!((waiting.wanted(), waiting.lengths()), (0, [0; 4]));
    }

    #[test]
    fn who_waits_no_longer_is_out_of_the_way() {
        let mut waiting = queue(&[(1, Urgency::Bulk(7)), (2, Urgency::Bulk(8)), (3, Urgency::Bulk(7))]);
        waiting.remove(Urgency::Bulk(8), 2);
        waiting.remove(Urgency::Bulk(7), 1);
        waiting.remove(Urgency::Person, 1);
        assert_eq!(waiting.wanted(), 1);
        assert_eq!(order(&mut waiting), [3]);
    }
}
