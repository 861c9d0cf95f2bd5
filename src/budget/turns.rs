//! Turns of one rate: places are reserved while somebody waits, and each goes to the most urgent when its moment has come.
//!
//! Nobody drives this from outside: whoever is at the head of the queue reserves and waits for the next place, and the others wait to be
//! the head. Long because taking a turn, losing it and counting it are one thing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;

use super::account::{Account, Block, Pace, Throttled, WHOLE};
use super::bearings::Bearings;
use super::ledger::{Ledger, LedgerAway};
use super::queue::{Queue, Ticket, Urgency};
use crate::clock::Clock;

#[cfg(test)]
mod tests;

/// How long the ledger may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// Between two tries while it does not.
const AFTER_TROUBLE: SignedDuration = SignedDuration::from_secs(1);

/// Tries to write an account that others write too; more mean that something is wrong.
const TRIES: usize = 50;

/// A turn: a place that is taken.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its moment, on the ledger's clock.
    moment: i64,
    /// Until when it may be used, our steady time.
    until: i64,
}

impl Place {
    /// Whether it may still be used.
    pub fn is_good(&self, clock: &Clock) -> bool {
        micros(clock.steady()) <= self.until
    }
}

/// No turn came in the time that the caller had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTurn;

/// What is known of a rate, for metrics.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Its name.
    pub name: &'static str,
    /// Who waits, by [`Urgency::LEVELS`].
    pub waiting: [usize; 4],
    /// Turns taken since the start, the same way.
    pub taken: [u64; 4],
    /// Calls that Graph throttled since the start.
    pub throttled: u64,
    /// The share of the configured rate that is taken, in millionths, as last seen.
    pub share: i64,
    /// For how long nothing goes after throttling, as last seen.
    pub rests_for: Option<SignedDuration>,
}

/// The turns of one rate.
#[derive(Debug)]
pub struct Turns {
    name: &'static str,
    pace: Pace,
    ledger: Arc<dyn Ledger>,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    next_id: u64,
    blocks: Vec<Block>,
    bearings: Option<Bearings>,
    taken: [u64; 4],
    throttled: u64,
    share: i64,
    /// Until when nothing goes, our steady time.
    rests_until: i64,
    /// The ledger did not answer the last time.
    away: bool,
}

/// What whoever waits has to do.
enum Step {
    Take(Place),
    /// At most so long; `None`: until it is the head.
    Wait(Option<SignedDuration>),
    Reserve,
}

fn micros(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl Turns {
    /// The turns of `name` in the ledger.
    pub fn new(name: &'static str, pace: Pace, ledger: Arc<dyn Ledger>, clock: &Clock) -> Self {
        let state = State {
            queue: Queue::default(),
            next_id: 0,
            blocks: Vec::new(),
            bearings: None,
            taken: [0; 4],
            throttled: 0,
            share: WHOLE,
            rests_until: i64::MIN,
            away: false,
        };
        Self { name, pace, ledger, clock: clock.clone(), state: Mutex::new(state) }
    }

    /// The most that one request may take together.
    pub fn at_once(&self) -> u32 {
        self.pace.at_once()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the queue, and wakes whoever is at its head by that.
    fn change_queue<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let before = state.queue.head().map(|ticket| ticket.id);
        let changed = change(&mut state);
        if let Some(head) = state.queue.head().filter(|ticket| Some(ticket.id) != before) {
            head.bell.ring();
        }
        changed
    }

    /// Waits for the turn of a request that counts as `count`; at most until `deadline`, our steady time.
    pub async fn take(&self, urgency: Urgency, count: u32, deadline: Option<SignedDuration>) -> Result<Place, NoTurn> {
        let count = count.clamp(1, self.at_once());
        let bell = self.clock.bell();
        let id = self.change_queue(|state| {
            state.next_id += 1;
            state.queue.push(urgency, Ticket { id: state.next_id, count, bell: bell.clone() });
            state.next_id
        });
        // Whoever stops waiting, by whatever end, is out of the way.
        let mut waiting = Waiting { turns: self, urgency, id, served: false };
        loop {
            let rest = deadline.map(|deadline| deadline - self.clock.steady());
            match self.step(id, urgency, count) {
                Step::Take(place) => {
                    waiting.served = true;
                    return Ok(place);
                }
                _ if rest.is_some_and(|rest| !rest.is_positive()) => return Err(NoTurn),
                Step::Wait(wait) => match wait.into_iter().chain(rest).min() {
                    Some(wait) => bell.wait_for(wait).await,
                    None => bell.wait().await,
                },
                Step::Reserve => {
                    if let Some(wait) = self.reserve(count).await {
                        bell.wait_for(rest.map_or(wait, |rest| wait.min(rest))).await;
                    }
                }
            }
        }
    }

    fn step(&self, id: u64, urgency: Urgency, count: u32) -> Step {
        let now = micros(self.clock.steady());
        self.change_queue(|state| {
            if state.queue.head().is_none_or(|head| head.id != id) {
                return Step::Wait(None);
            }
            match state.next_place(self.pace, now, count) {
                Some((at, _)) if at > now => Step::Wait(Some(SignedDuration::from_micros(at - now))),
                Some((_, place)) => {
                    state.use_up(place.moment, count);
                    state.queue.served();
                    state.taken[urgency.level()] += 1;
                    Step::Take(place)
                }
                None => Step::Reserve,
            }
        })
    }

    /// Reserves places for all who wait, as far as they lie near. `Some`: none came of it; how long to wait.
    async fn reserve(&self, count: u32) -> Option<SignedDuration> {
        let wanted = self.state().queue.wanted();
        let mut later = None;
        let reserved = self.change_account(|account, now| match account.reserve(self.pace, now, wanted, count) {
            Ok((account, block)) => Some((account, block)),
            Err(wait) => {
                later = Some(wait);
                None
            }
        });
        let reserved = reserved.await;
        let mut state = self.state();
        match reserved {
            Ok(block) => {
                if std::mem::take(&mut state.away) {
                    tracing::info!(rate = self.name, "the shared budget toward Graph is counted again");
                }
                state.blocks.extend(block);
                later.map(|wait| SignedDuration::from_micros(wait.max(1_000)))
            }
            Err(error) => {
                if !std::mem::replace(&mut state.away, true) {
                    tracing::warn!(%error, rate = self.name, "the shared budget toward Graph cannot be counted; calls wait");
                }
                Some(AFTER_TROUBLE)
            }
        }
    }

    /// Graph throttled the call that was made on `place`: a pause of `pause`, and a smaller share.
    pub async fn throttled(&self, place: &Place, pause: SignedDuration) {
        let throttled = Throttled { place: place.moment, pause: micros(pause) };
        {
            let mut state = self.state();
            state.throttled += 1;
            // What is still held lies within the pause.
            state.blocks.clear();
        }
        let told = self
            .change_account(|account, now| {
                let account = account.throttled(self.pace, now, throttled);
                Some((account, account))
            })
            .await;
        if let Ok(Some(account)) = &told {
            self.state().note_rest(account);
        }
        if let Err(error) = told {
            tracing::warn!(%error, rate = self.name, "that Graph throttles could not be told to the shared budget");
        }
    }

    /// Reads the account, changes it, and writes it unless somebody else did meanwhile; then anew.
    async fn change_account<T>(
        &self,
        mut change: impl FnMut(Account, i64) -> Option<(Account, T)>,
    ) -> Result<Option<T>, LedgerAway> {
        let changing = async {
            for _try in 0..TRIES {
                let asked = micros(self.clock.steady());
                let entry = self.ledger.look(self.name).await?;
                let answered = micros(self.clock.steady());
                let Some(account) = entry.account else {
                    // From now on it counts, whoever comes first.
                    self.ledger.replace(self.name, entry.version, Account::fresh(self.pace, entry.now)).await?;
                    continue;
                };
                {
                    let mut state = self.state();
                    let bearings = Bearings::taken(state.bearings, asked, answered, entry.now);
                    state.bearings = Some(bearings);
                    state.share = account.share(self.pace, entry.now);
                    state.note_rest(&account);
                    if bearings.doubt() >= self.pace.slack() {
                        return Err(LedgerAway("it answers too slowly to count by it".to_owned()));
                    }
                }
                let Some((changed, value)) = change(account, entry.now) else { return Ok(None) };
                if self.ledger.replace(self.name, entry.version, changed).await? {
                    return Ok(Some(value));
                }
            }
            Err(LedgerAway("others changed it all the time".to_owned()))
        };
        match tokio::time::timeout(ANSWER, changing).await {
            Ok(changed) => changed,
            Err(_elapsed) => Err(LedgerAway(format!("no answer within {ANSWER:?}"))),
        }
    }

    /// What is known of it.
    pub fn figures(&self) -> Figures {
        let state = self.state();
        Figures {
            name: self.name,
            waiting: state.queue.lengths(),
            taken: state.taken,
            throttled: state.throttled,
            share: state.share,
            rests_for: Some(SignedDuration::from_micros(state.rests_until.saturating_sub(micros(self.clock.steady()))))
                .filter(SignedDuration::is_positive),
        }
    }
}

impl State {
    fn note_rest(&mut self, account: &Account) {
        if let Some(bearings) = self.bearings.filter(|_| account.paused_until > i64::MIN) {
            self.rests_until = bearings.not_before(account.paused_until);
        }
    }

    /// The first held place for `count` at once, and when it may be taken (our steady time). Places that it is too late for are let go.
    fn next_place(&mut self, pace: Pace, now: i64, count: u32) -> Option<(i64, Place)> {
        let bearings = self.bearings?;
        let until = |moment: i64, count: u32| bearings.not_after(moment + pace.slack() - pace.spread(count));
        for block in &mut self.blocks {
            while block.left > 0 && until(block.start, 1) < now {
                block.start += block.gap;
                block.left -= 1;
            }
        }
        self.blocks.retain(|block| block.left > 0);
        let candidates = self.blocks.iter().filter_map(|block| {
            let starts = (0..=block.left.checked_sub(count)?).map(|skip| block.start + i64::from(skip) * block.gap);
            let last = move |start: i64| start + i64::from(count - 1) * block.gap;
            starts.map(last).find(|&moment| until(moment, count) >= now)
        });
        let moment = candidates.min()?;
        Some((bearings.not_before(moment), Place { moment, until: until(moment, count) }))
    }

    /// Takes the `count` places whose last is at `moment`, and those before them in their block.
    fn use_up(&mut self, moment: i64, count: u32) {
        let holds = |block: &&mut Block| {
            let last = block.start + i64::from(block.left - 1) * block.gap;
            block.start <= moment && moment <= last && (moment - block.start) % block.gap == 0
        };
        let Some(block) = self.blocks.iter_mut().filter(|block| block.left >= count).find(holds) else { return };
        let used = u32::try_from((moment - block.start) / block.gap + 1).unwrap_or(block.left);
        block.start += i64::from(used) * block.gap;
        block.left -= used.min(block.left);
        self.blocks.retain(|block| block.left > 0);
    }
}

/// Leaves the queue when dropped, unless it was served.
struct Waiting<'a> {
    turns: &'a Turns,
    urgency: Urgency,
    id: u64,
    served: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.served {
            self.turns.change_queue(|state| state.queue.remove(self.urgency, self.id));
        }
    }
}
