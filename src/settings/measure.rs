//! Durations such as "20s" and rates such as "200/20s", as the config writes them.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: write a whole number and a unit, such as \"20s\", \"5m\", \"2h\" or \"7d\"")]
pub struct BadDuration(pub String);

/// Longest duration accepted, in seconds: ten years. Anything longer is a slip.
const LONGEST: i64 = 10 * 366 * 86_400;

/// Reads "20s", "5m", "2h" or "7d".
pub fn parse_duration(text: &str) -> Result<SignedDuration, BadDuration> {
    let bad = || BadDuration(text.to_owned());
    let trimmed = text.trim();
    let unit = trimmed.chars().last().ok_or_else(bad)?;
    let seconds_per_unit: i64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(bad()),
    };
    let digits = &trimmed[..trimmed.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    let number: i64 = digits.parse().map_err(|_| bad())?;
    let seconds = number.checked_mul(seconds_per_unit).filter(|&seconds| seconds <= LONGEST).ok_or_else(bad)?;
    Ok(SignedDuration::from_secs(seconds))
}

/// Never more than `count` in any stretch of `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In how long.
    pub per: SignedDuration,
}

/// Why a text is no rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a rate: write how many in how long, such as \"10/1m\" or \"200/20s\"")]
pub struct BadRate(pub String);

impl FromStr for Rate {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadRate(text.to_owned());
        let (count, per) = text.split_once('/').ok_or_else(bad)?;
        let count = count.trim().parse().ok().filter(|&count| count > 0).ok_or_else(bad)?;
        let per = parse_duration(per).ok().filter(SignedDuration::is_positive).ok_or_else(bad)?;
        Ok(Self { count, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}s", self.count, self.per.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, seconds) in [("20s", 20), ("5m", 300), ("2h", 7_200), ("7d", 604_800), ("0s", 0), (" 1m ", 60)] {
            assert_eq!(parse_duration(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        for text in ["", "s", "20", "-5m", "5 min", "1.5h", "99999999999999d", "5µ"] {
            assert_eq!(parse_duration(text), Err(BadDuration(text.to_owned())));
        }
    }

    #[test]
    fn rates_are_a_count_and_a_duration() {
        assert_eq!("200/20s".parse(), Ok(Rate { count: 200, per: SignedDuration::from_secs(20) }));
        for text in ["200", "0/20s", "200/", "/20s", "200/0s", "-1/1s"] {
            assert_eq!(text.parse::<Rate>(), Err(BadRate(text.to_owned())));
        }
    }
}
