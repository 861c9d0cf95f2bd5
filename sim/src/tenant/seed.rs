//! Made-up ids, serials and numbers that are the same in every run.

use uuid::Uuid;

/// A small deterministic generator (`SplitMix64`): good enough to make a tenant look lived in.
#[derive(Clone, Debug)]
pub(crate) struct Seed(u64);

impl Seed {
    /// A stream of its own for `what`, so that one more device does not change every app.
    pub(crate) fn new(seed: u64, what: &str) -> Self {
        // FNV-1a over the words, mixed with the scenario's number.
        let hash = what
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(hash ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `from..to`.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        let span = to.abs_diff(from).max(1);
        from.saturating_add_unsigned(self.next() % span)
    }

    /// One of `choices`.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let index = usize::try_from(self.next() % choices.len().max(1) as u64).unwrap_or(0);
        &choices[index]
    }

    /// A version 4 id.
    pub(crate) fn id(&mut self) -> String {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.next().to_be_bytes());
        bytes[8..].copy_from_slice(&self.next().to_be_bytes());
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// A serial number of ten letters and digits, without the ones people mix up.
    pub(crate) fn serial(&mut self) -> String {
        const LETTERS: &[u8] = b"CDFGHJKLMNPQRTVWXYZ0123456789";
        (0..10).map(|_| char::from(*self.pick(LETTERS))).collect()
    }
}

/// The id that `seed` gives to the thing called `name` among things of the kind `kind`.
pub(crate) fn id_for(seed: u64, kind: &str, name: &str) -> String {
    Seed::new(seed, &format!("{kind}/{name}")).id()
}

/// A fresh random id, for things that need not be the same in every run (tokens, request ids).
pub(crate) fn fresh_id() -> String {
    Uuid::new_v4().to_string()
}
