//! Discord's signature on a request: Ed25519 over the time it was sent and the body, byte for byte.

use jiff::{SignedDuration, Timestamp};
use serenity::interactions_endpoint::Verifier;

use crate::settings::PublicKey;

/// How far the time of a request may be from ours, before or after. Within it, a second delivery is told by its id.
const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// Characters of a signature: 64 bytes in hexadecimal.
const SIGNATURE_LENGTH: usize = 128;

/// Most characters of a time in seconds; more are nobody's.
const LONGEST_TIME: usize = 12;

/// No signature could ever fit this key, or anyone's could.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("discord.public_key is not a key that Discord gave out; copy General Information > Public Key again")]
pub struct BadKey;

/// Why a request does not count as Discord's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// A header is missing, there twice, or not of its form.
    Headers,
    /// The signature does not fit.
    Signature,
    /// It fits, and is of another time.
    Time,
}

/// The headers of a request, of the right form; whether they hold is known once its body is.
#[derive(Clone, Debug)]
pub struct Sealed {
    signature: String,
    timestamp: String,
}

impl Sealed {
    pub(super) fn read(signature: Option<&[u8]>, timestamp: Option<&[u8]>) -> Result<Self, Broken> {
        let text = |bytes: Option<&[u8]>| bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).map(str::to_owned);
        let signature = text(signature).ok_or(Broken::Headers)?;
        let timestamp = text(timestamp).ok_or(Broken::Headers)?;
        // Serenity reads hexadecimal pairs as numbers, and a number may begin with a plus sign.
        let is_signature =
            signature.len() == SIGNATURE_LENGTH && signature.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_time =
            (1..=LONGEST_TIME).contains(&timestamp.len()) && timestamp.bytes().all(|byte| byte.is_ascii_digit());
        if is_signature && is_time { Ok(Self { signature, timestamp }) } else { Err(Broken::Headers) }
    }
}

/// Whether signatures can be held against this key at all.
pub fn check_public_key(key: PublicKey) -> Result<(), BadKey> {
    Seal::new(key).map(drop)
}

/// What a signature is held against.
pub(super) struct Seal(Verifier);

impl Seal {
    pub(super) fn new(key: PublicKey) -> Result<Self, BadKey> {
        let verifier = Verifier::try_new(key.0).map_err(|_| BadKey)?;
        if is_forgeable(&verifier) { Err(BadKey) } else { Ok(Self(verifier)) }
    }

    /// Whether Discord sent this body, and just now.
    pub(super) fn check(&self, sealed: &Sealed, body: &[u8], now: Timestamp) -> Result<(), Broken> {
        let Sealed { signature, timestamp } = sealed;
        self.0.verify(signature, timestamp, body).map_err(|()| Broken::Signature)?;
        let sent = timestamp.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        let sent = sent.ok_or(Broken::Time)?;
        if now.duration_since(sent).abs() <= WINDOW { Ok(()) } else { Err(Broken::Time) }
    }
}

/// Messages for which a forgery is tried; with a weak key at least every eighth succeeds.
const PROBES: u8 = 64;

/// Whether this key takes a signature that nobody made: some points of the curve do, a key of zeros among them.
fn is_forgeable(verifier: &Verifier) -> bool {
    let nobodys = format!("01{}", "0".repeat(SIGNATURE_LENGTH - 2));
    (0..PROBES).any(|probe| verifier.verify(&nobodys, "0", &[probe]).is_ok())
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    // Made with OpenSSL, which shares no code with the verifier.
    const KEY: &str = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
    const TIME: &str = "1795428000";
    const BODY: &str = r#"{"id":"1","application_id":"900000000000000010","type":1,"token":"t","version":1}"#;
    const SIGNATURE: &str = "7eca4b8fa3a5868d0cbaf19a7d89590784717f39d8c57f19136cdd0d4eb8f57041656fe3eba27adf91e8a4db588e22c6953d153987ce1b9168c0b4308785c00d";

    /// Made once: trying the key for weakness takes longer than a check.
    static SEAL: LazyLock<Seal> = LazyLock::new(|| Seal::new(KEY.parse().unwrap()).unwrap());

    fn checked(signature: &[u8], timestamp: &[u8], body: &[u8], now: i64) -> Result<(), Broken> {
        let sealed = Sealed::read(Some(signature), Some(timestamp))?;
        SEAL.check(&sealed, body, Timestamp::from_second(now).unwrap())
    }

    fn at(now: i64) -> Result<(), Broken> {
        checked(SIGNATURE.as_bytes(), TIME.as_bytes(), BODY.as_bytes(), now)
    }

    #[test]
    fn a_good_signature_counts_for_five_minutes_around_its_time() {
        let sent: i64 = TIME.parse().unwrap();
        for now in [sent, sent - 300, sent + 300] {
            assert_eq!(at(now), Ok(()), "{now}");
        }
        for now in [sent - 301, sent + 301, 0] {
            assert_eq!(at(now), Err(Broken::Time), "{now}");
        }
    }

    #[test]
    fn a_key_with_which_anyone_could_sign_is_refused() {
        let weak = [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        ];
        for key in weak {
            assert_eq!(check_public_key(key.parse().unwrap()), Err(BadKey), "{key}");
        }
        assert_eq!(check_public_key(KEY.parse().unwrap()), Ok(()));
    }

    #[test]
    fn headers_that_are_missing_or_of_another_form_are_refused() {
        let (signature, time) = (Some(SIGNATURE.as_bytes()), Some(TIME.as_bytes()));
        assert!(Sealed::read(signature, time).is_ok());
        let longer = format!("{SIGNATURE}0");
        let plus = format!("+{}", &SIGNATURE[1..]);
        for bad in [None, Some(&b""[..]), Some(longer.as_bytes()), Some(plus.as_bytes()), Some(&[0xff; 128])] {
            assert_eq!(Sealed::read(bad, time).err(), Some(Broken::Headers));
        }
        for bad in
            [None, Some(&b""[..]), Some(b"-1"), Some(b"+1795428000"), Some(b"1795428000.0"), Some(b"9999999999999")]
        {
            assert_eq!(Sealed::read(signature, bad).err(), Some(Broken::Headers));
        }
    }

    proptest! {
        #[test]
        fn a_change_of_any_byte_is_refused(part in 0_usize..3, at: prop::sample::Index, to: u8) {
            let mut parts = [SIGNATURE, TIME, BODY].map(|text| text.as_bytes().to_vec());
            let at = at.index(parts[part].len());
            // A capital hexadecimal digit is the same digit.
            prop_assume!(!parts[part][at].eq_ignore_ascii_case(&to) || (part == 2 && parts[part][at] != to));
            parts[part][at] = to;
            let [signature, timestamp, body] = parts;
            prop_assert!(checked(&signature, &timestamp, &body, TIME.parse().unwrap()).is_err());
        }

        #[test]
        fn a_byte_more_or_less_is_refused(more in prop::collection::vec(any::<u8>(), 1..40), less in 1_usize..80) {
            let now = TIME.parse().unwrap();
            let longer = [BODY.as_bytes(), &more].concat();
            prop_assert!(checked(SIGNATURE.as_bytes(), TIME.as_bytes(), &longer, now).is_err());
            let shorter = &BODY.as_bytes()[..BODY.len() - less.min(BODY.len())];
            prop_assert!(checked(SIGNATURE.as_bytes(), TIME.as_bytes(), shorter, now).is_err());
            // The seam between time and body must not move either.
            let moved = [&TIME.as_bytes()[9..], BODY.as_bytes()].concat();
            prop_assert!(checked(SIGNATURE.as_bytes(), &TIME.as_bytes()[..9], &moved, now).is_err());
        }
    }
}
