//! Random secrets, and the hashes under which they are kept: what a browser or a person carries is never stored itself.

use openssl::base64::{decode_block, encode_block};
use openssl::sha::sha256;

/// Bytes of a secret that a browser carries: 256 bits, beyond any guessing.
const BYTES: usize = 32;

/// Length of such a secret as text.
const TEXT: usize = 43;

/// Codes that a person types: six digits.
const CODES: u32 = 1_000_000;

/// A new secret of 256 random bits, as 43 characters of base64url.
pub fn secret() -> String {
    base64url(&random::<BYTES>())
}

/// Whether a text can be one of [`secret`]'s; anything else need not be looked for.
pub fn is_secret(text: &str) -> bool {
    text.len() == TEXT && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// A new code of six random digits.
pub fn code() -> String {
    // The largest multiple of CODES in 32 bits: above it, some codes would be likelier than others.
    let fair = u32::MAX - u32::MAX % CODES;
    loop {
        let number = u32::from_be_bytes(random());
        if number < fair {
            return format!("{:06}", number % CODES);
        }
    }
}

/// SHA-256 of a text, as base64url without padding. Also PKCE's S256.
pub fn hash(text: &str) -> String {
    base64url(&sha256(text.as_bytes()))
}

/// HMAC-SHA256 of a text under a key, as base64url. An empty key is one that everybody knows.
pub fn keyed_hash(key: &str, text: &str) -> String {
    base64url(&hmac(key, text))
}

/// The same in hexadecimal, as webhooks are signed.
pub fn keyed_hex(key: &str, text: &str) -> String {
    use std::fmt::Write as _;
    hmac(key, text).iter().fold(String::new(), |mut hex, byte| {
        let _cannot_fail = write!(hex, "{byte:02x}");
        hex
    })
}

fn hmac(key: &str, text: &str) -> Vec<u8> {
    use openssl::hash::MessageDigest;
    use openssl::pkey::PKey;
    use openssl::sign::Signer;
    // OpenSSL takes no empty key; HMAC fills a short one with zeros, so this is the same one.
    let bytes: &[u8] = if key.is_empty() { &[0] } else { key.as_bytes() };
    let sealed = PKey::hmac(bytes)
        .and_then(|key| Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot_to_vec(text.as_bytes()));
    sealed.expect("HMAC-SHA256 is part of every OpenSSL")
}

/// Whether two texts are the same, in a time that does not tell where they differ.
pub fn same(one: &str, other: &str) -> bool {
    openssl::memcmp::eq(&sha256(one.as_bytes()), &sha256(other.as_bytes()))
}

/// Base64url without padding (RFC 7515).
pub fn base64url(bytes: &[u8]) -> String {
    encode_block(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

/// Reads base64url without padding; anything else is `None`.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return None;
    }
    let padded = text.replace('-', "+").replace('_', "/") + &"=".repeat((4 - text.len() % 4) % 4);
    decode_block(&padded).ok()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    openssl::rand::rand_bytes(&mut bytes).expect("the system gives random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_are_long_and_never_the_same() {
        let (one, other) = (secret(), secret());
        assert!(is_secret(&one) && is_secret(&other));
        assert!(one != other && !same(&one, &other) && same(&one, &one.clone()));
        assert_eq!(from_base64url(&one).map(|bytes| bytes.len()), Some(BYTES));
    }

    #[test]
    fn a_code_is_six_digits() {
        for _ in 0..200 {
            assert!(code().len() == 6 && code().bytes().all(|byte| byte.is_ascii_digit()));
        }
    }

    #[test]
    fn the_keyed_hash_is_hmac_sha256() {
        // RFC 4231, test case 2.
        let sealed = keyed_hash("Jefe", "what do ya want for nothing?");
        let number = from_base64url(&sealed).unwrap();
        assert_eq!(number[..16], 0x5bdc_c146_bf60_754e_6a04_2426_0895_75c7_u128.to_be_bytes());
        assert_eq!(number[16..], 0x5a00_3f08_9d27_3983_9dec_58b9_64ec_3843_u128.to_be_bytes());
        assert_ne!(keyed_hash("", "x"), keyed_hash("k", "x"));
    }

    #[test]
    fn the_hash_is_pkces_s256() {
        // RFC 7636, appendix B.
        assert_eq!(hash("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    proptest! {
        #[test]
        fn base64url_is_read_back(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let text = base64url(&bytes);
            prop_assert!(!text.contains(['+', '/', '=']));
            prop_assert_eq!(from_base64url(&text), Some(bytes));
        }

        #[test]
        fn whatever_is_not_base64url_is_refused_calmly(text in "\\PC{0,40}") {
            if let Some(bytes) = from_base64url(&text) {
                prop_assert!(bytes.len() <= text.len());
            }
        }
    }
}
