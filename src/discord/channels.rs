//! What delivery knows of channels at the moment: whose turn it is in each, and which of them cannot be reached.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::chat::ChannelId;

/// Messages that a channel takes in [`WINDOW`], and as many edits; Discord's headers say so, though its documents do not.
const WRITES: usize = 5;

/// How long such a window is: five seconds, and some more because not every message is equally long on its way.
const WINDOW: SignedDuration = SignedDuration::from_millis(5_500);

/// A channel that is gone or forbidden is not tried again for so long: an admin may give the bot its place back, and requests that
/// Discord refuses are counted against the bot's address.
const CLOSED_FOR: SignedDuration = SignedDuration::from_mins(10);

/// After so many writes in [`BUSY_FOR`] a channel is busy: what waits for it had better go into one message.
const BUSY: usize = 3;

/// How long writes count for that: a flood lasts longer than one window.
const BUSY_FOR: SignedDuration = SignedDuration::from_secs(30);

/// When a write may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Not before.
    pub at: Timestamp,
    /// Whether so much goes to the channel that lines behind this one shall go with it.
    pub busy: bool,
}

/// What a write does. Discord counts the two by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Write {
    /// A new message.
    Post,
    /// Another state of an old one.
    Edit,
}

/// The channels.
#[derive(Debug, Default)]
pub(super) struct Channels(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The last writes that were given their time.
    writes: HashMap<(ChannelId, Write), Vec<Timestamp>>,
    closed: HashMap<ChannelId, Timestamp>,
}

impl Channels {
    /// When a write may go out; its place is taken from now on.
    pub(super) fn turn(&self, channel: ChannelId, write: Write, now: Timestamp) -> Turn {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = |turn: &Timestamp| now.duration_since(*turn) < BUSY_FOR;
        state.writes.retain(|_, turns| turns.iter().any(counts));
        let turns = state.writes.entry((channel, write)).or_default();
        turns.retain(counts);
        let busy = turns.len() >= BUSY;
        let at = turns.len().checked_sub(WRITES).map_or(now, |first| ends(turns[first])).max(now);
        turns.push(at);
        Turn { at, busy }
    }

    /// Whether the channel was found gone or forbidden a short while ago.
    pub(super) fn is_closed(&self, channel: ChannelId, now: Timestamp) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.closed.retain(|_, until| *until > now);
        state.closed.contains_key(&channel)
    }

    /// Remembers that the channel is gone or forbidden.
    pub(super) fn close(&self, channel: ChannelId, now: Timestamp) {
        let until = now.saturating_add(CLOSED_FOR).unwrap_or(Timestamp::MAX);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).closed.insert(channel, until);
    }
}

fn ends(turn: Timestamp) -> Timestamp {
    turn.saturating_add(WINDOW).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn windows(count: i32) -> Timestamp {
        at(0) + WINDOW * count
    }

    #[test]
    fn a_channel_gets_five_messages_in_any_window_and_each_has_its_own() {
        let channels = Channels::default();
        let turn = |channel, write, now| channels.turn(ChannelId(channel), write, now);
        let turns: Vec<_> = (0..12).map(|_| turn(1, Write::Post, at(0))).collect();
        let times: Vec<_> = turns.iter().map(|turn| turn.at).collect();
        assert_eq!(times[..5], [at(0); 5]);
        assert_eq!(times[5..10], [windows(1); 5]);
        assert_eq!(times[10..], [windows(2); 2]);
        assert_eq!(turns.iter().position(|turn| turn.busy), Some(3));
        for (channel, write) in [(1, Write::Edit), (2, Write::Post)] {
            assert_eq!(turn(channel, write, at(0)), Turn { at: at(0), busy: false });
        }
        assert_eq!(turn(1, Write::Post, at(60)), Turn { at: at(60), busy: false });
    }

    #[test]
    fn a_closed_channel_is_tried_again_after_ten_minutes() {
        let channels = Channels::default();
        channels.close(ChannelId(1), at(0));
        assert!(channels.is_closed(ChannelId(1), at(599)) && !channels.is_closed(ChannelId(2), at(1)));
        assert!(!channels.is_closed(ChannelId(1), at(600)));
    }
}
