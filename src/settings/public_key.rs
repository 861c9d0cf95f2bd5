//! The application's public key, with which Discord's requests are checked; it is not a secret.

use std::fmt;
use std::str::FromStr;

/// Length of an Ed25519 key.
const BYTES: usize = 32;

/// An application's public key, as the developer portal shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(pub [u8; BYTES]);

/// The text is no such key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a public key: copy the 64 digits and letters of General Information > Public Key")]
pub struct NotAPublicKey;

impl FromStr for PublicKey {
    type Err = NotAPublicKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        // Each character by itself: the standard library's reading of a number would take a plus sign too.
        if text.len() != 2 * BYTES || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotAPublicKey);
        }
        let mut key = [0; BYTES];
        for (index, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| NotAPublicKey)?;
        }
        Ok(Self(key))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_64_hexadecimal_digits() {
        let text = "67c6bd767ca099e79efac9fcce4d2022a63bf7dea780e7f3d813f694c1597089";
        assert_eq!(text.parse::<PublicKey>().unwrap().to_string(), text);
        assert_eq!(text.to_uppercase().parse::<PublicKey>().unwrap().to_string(), text);
        let plus = format!("+7{}", &text[2..]);
        for bad in ["", "67c6", &text[1..], plus.as_str(), &"ü".repeat(32)] {
            assert_eq!(bad.parse::<PublicKey>(), Err(NotAPublicKey), "{bad}");
        }
    }
}
