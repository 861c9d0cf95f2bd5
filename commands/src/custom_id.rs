//! What the bot writes on its buttons: `v1:<verb>:<id of a record>`, for Approve with the round of its votes behind it, and nothing that
//! anyone would have to trust.
//!
//! A custom id comes back from the client, so it may be old, foreign or forged. It names a record; who may press,
//! and whether the record still waits for an answer, is decided from the record and never from the id.

use std::fmt;
use std::str::FromStr;

/// The version prefix of every id written today.
const VERSION: &str = "v1";

/// What a press asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Confirm a sync request.
    Yes,
    /// Cancel a sync request.
    No,
    /// Choose one of several devices that share a name.
    Pick,
    /// After "no check-in seen": keep watching and tell me when it shows up.
    Tell,
    /// Ask for the same device again.
    Again,
    /// Stop what a bulk request has not sent yet.
    Stop,
    /// Agree to a request that waits for a second person.
    Approve,
    /// Refuse it; also the dialog that asks why.
    Reject,
    /// Type the code of the link page; also the dialog it is typed in.
    LinkCode,
    /// Link the Entra person that was found.
    LinkYes,
    /// That person is somebody else.
    LinkNo,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 11] = [
        Self::Yes,
        Self::No,
        Self::Pick,
        Self::Tell,
        Self::Again,
        Self::Stop,
        Self::Approve,
        Self::Reject,
        Self::LinkCode,
        Self::LinkYes,
        Self::LinkNo,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Pick => "pick",
            Self::Tell => "tell",
            Self::Again => "again",
            Self::Stop => "stop",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::LinkCode => "link_code",
            Self::LinkYes => "link_yes",
            Self::LinkNo => "link_no",
        }
    }
}

/// The id of a stored record, written as 32 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(pub u128);

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What a button carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CustomId {
    /// What a press asks for.
    pub verb: Verb,
    /// Which record it is about.
    pub record: RecordId,
    /// Approve: the round of votes that the card was shown in. The devices of another round are other ones.
    pub round: Option<u32>,
}

impl CustomId {
    /// An id for `verb` on `record`.
    pub fn new(verb: Verb, record: u128) -> Self {
        Self { verb, record: RecordId(record), round: None }
    }

    /// Approve, on the card of this round.
    pub fn approve(record: u128, round: u32) -> Self {
        Self { round: Some(round), ..Self::new(Verb::Approve, record) }
    }
}

impl fmt::Display for CustomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{VERSION}:{}:{}", self.verb.as_str(), self.record)?;
        self.round.map_or(Ok(()), |round| write!(f, ":{round}"))
    }
}

/// The text is not an id that this version of the bot writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignId;

impl fmt::Display for ForeignId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a button of this version of the bot")
    }
}

impl std::error::Error for ForeignId {}

impl FromStr for CustomId {
    type Err = ForeignId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(':');
        let (Some(VERSION), Some(verb), Some(record)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(ForeignId);
        };
        let round = parts.next();
        if parts.next().is_some() {
            return Err(ForeignId);
        }
        let verb = Verb::ALL.into_iter().find(|known| known.as_str() == verb).ok_or(ForeignId)?;
        // One record has one spelling: no sign, no upper case, no missing zeros.
        if record.len() != 32 || !record.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(ForeignId);
        }
        let record = u128::from_str_radix(record, 16).map_err(|_| ForeignId)?;
        let Some(round) = round else { return Ok(Self::new(verb, record)) };
        let number: u32 = round.parse().map_err(|_| ForeignId)?;
        if verb != Verb::Approve || number.to_string() != round {
            return Err(ForeignId);
        }
        Ok(Self::approve(record, number))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_looks_like_this() {
        let id = CustomId::new(Verb::Yes, 0x0192_aabb);
        assert_eq!(id.to_string(), "v1:yes:0000000000000000000000000192aabb");
    }

    #[test]
    fn other_spellings_and_other_versions_are_foreign() {
        let good = CustomId::new(Verb::Tell, 0xabc).to_string();
        for bad in [
            "",
            "v1",
            "v1:yes",
            "v1:wipe:00000000000000000000000000000001",
            "v2:yes:00000000000000000000000000000001",
            "v1:yes:+0000000000000000000000000000001",
            "v1:yes:1",
            &good.to_uppercase(),
            &format!("{good}:"),
            &format!("{good}:1"),
            "v1:approve:00000000000000000000000000000001:",
            "v1:approve:00000000000000000000000000000001:01",
            "v1:approve:00000000000000000000000000000001:1:1",
            &format!(" {good}"),
        ] {
            assert_eq!(bad.parse::<CustomId>(), Err(ForeignId), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(verb in prop::sample::select(Verb::ALL.to_vec()), record: u128, round: u32) {
            let id = if verb == Verb::Approve { CustomId::approve(record, round) } else { CustomId::new(verb, record) };
            let text = id.to_string();
            prop_assert!(text.len() <= 100, "Discord takes at most 100 characters");
            prop_assert_eq!(text.parse::<CustomId>(), Ok(id));
        }

        #[test]
        fn whatever_is_accepted_is_spelled_the_only_way(text in "v[0-9]:[a-z]{1,7}:[0-9a-fA-F]{30,33}(:[0-9]{0,3})?|\\PC{0,60}") {
            if let Ok(id) = text.parse::<CustomId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
