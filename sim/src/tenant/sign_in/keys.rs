//! The two keys that sign ID tokens, one of them at a time, and the list of keys that clients check against.

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use serde_json::{Value, json};

/// Public on purpose; making a fresh key takes seconds in a debug build.
const TEST_KEYS: [(&str, &str); 2] =
    [("sim-test-key-one", include_str!("test_key_one.pem")), ("sim-test-key-two", include_str!("test_key_two.pem"))];

#[derive(Debug)]
struct SigningKey {
    id: &'static str,
    rsa: Rsa<Private>,
    key: PKey<Private>,
}

/// Both keys; the one that is not in use is not in the list either.
#[derive(Debug)]
pub(crate) struct Keys {
    keys: Vec<SigningKey>,
    used: usize,
}

impl Keys {
    pub(crate) fn load() -> Result<Self, ErrorStack> {
        let read = |(id, pem): (&'static str, &str)| {
            let key = PKey::private_key_from_pem(pem.as_bytes())?;
            Ok(SigningKey { id, rsa: key.rsa()?, key })
        };
        Ok(Self { keys: TEST_KEYS.into_iter().map(read).collect::<Result<_, ErrorStack>>()?, used: 0 })
    }

    /// From now on the other key signs.
    pub(crate) fn rotate(&mut self) {
        self.used = 1 - self.used;
    }

    /// The id of the key in use.
    pub(super) fn id(&self) -> &'static str {
        self.keys[self.used].id
    }

    /// RS256 by the key in use, or by the other one.
    pub(super) fn sign(&self, text: &str, by_the_other: bool) -> Result<Vec<u8>, ErrorStack> {
        let key = &self.keys[if by_the_other { 1 - self.used } else { self.used }].key;
        Signer::new(MessageDigest::sha256(), key)?.sign_oneshot_to_vec(text.as_bytes())
    }

    /// The JWKS.
    pub(crate) fn public(&self) -> Value {
        let SigningKey { id, rsa, .. } = &self.keys[self.used];
        let (n, e) = (base64url(&rsa.n().to_vec()), base64url(&rsa.e().to_vec()));
        json!({"keys": [{"kty": "RSA", "use": "sig", "kid": id, "n": n, "e": e}]})
    }
}

/// Base64 for addresses and tokens, without padding.
pub(super) fn base64url(bytes: &[u8]) -> String {
    openssl::base64::encode_block(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}
