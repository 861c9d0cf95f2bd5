//! An app error code in any of the notations in which people meet it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A signed 32-bit code, as Microsoft Graph prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ErrorCode(pub i32);

impl ErrorCode {
    /// `0x87D13B6F`.
    pub fn hex(self) -> String {
        format!("0x{:08X}", self.0.cast_unsigned())
    }

    /// The number without its sign, as Microsoft's Sync page prints it.
    pub fn magnitude(self) -> u32 {
        self.0.unsigned_abs()
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// From here up, a bare positive number is the magnitude of a negative code (the Sync page prints those).
const MAGNITUDE_FROM: i64 = 2_000_000_000;

/// Largest magnitude of a signed 32-bit number; above it, a positive number is the unsigned spelling.
const MAGNITUDE_TO: i64 = 2_147_483_648;

/// Why a text is no error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCode {
    /// Nothing was given.
    #[error("The code is empty. Give a number such as 2016330897, -2016330897, 2278636399 or 0x87D13B6F.")]
    Empty,
    /// 0 stands for success.
    #[error("0 means that there is no error.")]
    Zero,
    /// It does not fit 32 bits.
    #[error("The number is too large: an error code has 32 bits, so it is at most 4294967295 or 0xFFFFFFFF.")]
    Overflow,
    /// It is not a number in a known notation.
    #[error("That is not an error code. Give a number such as 2016330897, -2016330897, 2278636399 or 0x87D13B6F.")]
    NotANumber,
}

impl FromStr for ErrorCode {
    type Err = BadCode;

    /// Reads a magnitude, a negative, an unsigned or a `0x` hex number (either case); spaces around it are ignored.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadCode::Empty);
        }
        let code = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => from_hex(digits)?,
            None => from_decimal(text)?,
        };
        if code == 0 { Err(BadCode::Zero) } else { Ok(Self(code)) }
    }
}

fn from_hex(digits: &str) -> Result<i32, BadCode> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(BadCode::NotANumber);
    }
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    u32::from_str_radix(significant, 16).map(u32::cast_signed).map_err(|_| BadCode::Overflow)
}

fn from_decimal(text: &str) -> Result<i32, BadCode> {
    // Pages typeset the minus sign; a person copies what the page shows.
    let (negative, digits) = match text.strip_prefix('-').or_else(|| text.strip_prefix('\u{2212}')) {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BadCode::NotANumber);
    }
    let number: i64 = digits.parse().map_err(|_| BadCode::Overflow)?;
    let signed = if negative || (MAGNITUDE_FROM..=MAGNITUDE_TO).contains(&number) { -number } else { number };
    if let Ok(code) = i32::try_from(signed) {
        return Ok(code);
    }
    u32::try_from(signed).map(u32::cast_signed).map_err(|_| BadCode::Overflow)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_code_in_every_notation() {
        for text in
            ["2016330897", "-2016330897", "2278636399", "0x87D13B6F", "0x87d13b6f", "0X87D13B6F", " −2016330897 "]
        {
            assert_eq!(text.parse(), Ok(ErrorCode(-2_016_330_897)), "{text}");
        }
    }

    #[test]
    fn what_is_no_code_is_refused_by_its_reason() {
        for (text, reason) in [
            ("", BadCode::Empty),
            ("   ", BadCode::Empty),
            ("0", BadCode::Zero),
            ("-0", BadCode::Zero),
            ("0x0", BadCode::Zero),
            ("0x00000000", BadCode::Zero),
            ("4294967296", BadCode::Overflow),
            ("-2147483649", BadCode::Overflow),
            ("99999999999999999999999", BadCode::Overflow),
            ("0x1FFFFFFFF", BadCode::Overflow),
            ("abc", BadCode::NotANumber),
            ("0x", BadCode::NotANumber),
            ("0xZZ", BadCode::NotANumber),
            ("+5", BadCode::NotANumber),
            ("-", BadCode::NotANumber),
            ("2,016,330,897", BadCode::NotANumber),
            ("٣", BadCode::NotANumber),
        ] {
            assert_eq!(text.parse::<ErrorCode>(), Err(reason), "{text:?}");
        }
    }

    #[test]
    fn the_edges_of_32_bits_hold() {
        assert_eq!("2147483648".parse(), Ok(ErrorCode(i32::MIN)));
        assert_eq!("-2147483648".parse(), Ok(ErrorCode(i32::MIN)));
        assert_eq!("4294967295".parse(), Ok(ErrorCode(-1)));
        assert_eq!("0xFFFFFFFF".parse(), Ok(ErrorCode(-1)));
        assert_eq!("1999999999".parse(), Ok(ErrorCode(1_999_999_999)));
        assert_eq!("2000000000".parse(), Ok(ErrorCode(-2_000_000_000)));
    }

    proptest! {
        #[test]
        fn every_code_is_read_back_from_each_of_its_spellings(code in any::<i32>().prop_filter("0 is no code", |n| *n != 0)) {
            let code = ErrorCode(code);
            prop_assert_eq!(code.hex().parse(), Ok(code));
            prop_assert_eq!(code.hex().to_lowercase().parse(), Ok(code));
            if code.0 < 2_000_000_000 {
                prop_assert_eq!(code.to_string().parse(), Ok(code));
            }
            if code.0 < 0 && code.magnitude() >= 2_000_000_000 {
                prop_assert_eq!(code.magnitude().to_string().parse(), Ok(code));
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _either = text.parse::<ErrorCode>();
        }
    }
}
