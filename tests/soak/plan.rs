//! Who will ask for what, and what they will do then: drawn from the seed, so that it is the same each time.

use fastrand::Rng;

/// How many percent of the requests take which way.
const WAYS: [(u32, Way); 9] = [
    (56, Way::Yes),
    (8, Way::No),
    (5, Way::Nothing),
    (8, Way::YesTwice),
    (6, Way::AfterSomebodyElse),
    (5, Way::DeliveredTwice),
    (4, Way::ReplyDeleted),
    (4, Way::NoThenYes),
    (4, Way::Bulk),
];

/// In how many of a hundred requests it is a device that somebody asked for just before.
const SAME_AGAIN: u32 = 10;

/// How far back that is at most.
const JUST_BEFORE: usize = 8;

/// What somebody does with a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Yes,
    No,
    Nothing,
    /// Twice in a hurry.
    YesTwice,
    /// Somebody else presses first, whose card it is not.
    AfterSomebodyElse,
    /// Discord delivers the click twice.
    DeliveredTwice,
    /// The reply is gone afterwards, so that the outcome has to come in the channel.
    ReplyDeleted,
    /// Both in a hurry: the first one counts.
    NoThenYes,
    /// Every device of a person, and Yes.
    Bulk,
}

/// A request to be.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// Who asks: which of the helpdesk's people.
    pub(crate) who: usize,
    /// Somebody else of them.
    pub(crate) other: usize,
    /// For which device, or every device of which person.
    pub(crate) what: usize,
    pub(crate) way: Way,
    /// How long they read the card, in milliseconds.
    pub(crate) reads_for: u64,
}

/// Draws so many of them: of `people` who ask, about `devices`, or `owners` of devices.
pub(crate) fn wishes(seed: u64, count: usize, people: usize, devices: usize, owners: usize) -> Vec<Wish> {
    let mut rng = Rng::with_seed(seed);
    let mut drawn: Vec<Wish> = Vec::with_capacity(count);
    for _ in 0..count {
        let way = way(&mut rng);
        let back = 1 + rng.usize(..JUST_BEFORE);
        let before = drawn.len().checked_sub(back).map(|at| &drawn[at]).filter(|before| before.way != Way::Bulk);
        let what = match (way, before) {
            (Way::Bulk, _) => rng.usize(..owners),
            (_, Some(before)) if rng.u32(..100) < SAME_AGAIN => before.what,
            _ => rng.usize(..devices),
        };
        let who = rng.usize(..people);
        let other = (who + 1 + rng.usize(..people - 1)) % people;
        drawn.push(Wish { who, other, what, way, reads_for: rng.u64(50..1_500) });
    }
    drawn
}

fn way(rng: &mut Rng) -> Way {
    let mut left = rng.u32(..100);
    for (share, way) in WAYS {
        match left.checked_sub(share) {
            Some(rest) => left = rest,
            None => return way,
        }
    }
    Way::Yes
}
