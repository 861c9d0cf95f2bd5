//! What the headers of an answer say: Graph's own time, and how long to wait.

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

pub(super) fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

pub(super) fn graph_time(headers: &HeaderMap) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    Timestamp::try_from(date).ok()
}

/// `Retry-After` in either form: seconds, or an HTTP date on Graph's own clock.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    retry_after_text(headers.get(RETRY_AFTER)?.to_str().ok()?, now)
}

/// The same from the header's text alone, as items of a batch carry it.
pub(super) fn retry_after_text(text: &str, now: Timestamp) -> Option<SignedDuration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(SignedDuration::from_secs(seconds.into()));
    }
    let date = Timestamp::try_from(httpdate::parse_http_date(text).ok()?).ok()?;
    Some(date.duration_since(now).max(SignedDuration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(retry_after: &str) -> HeaderMap {
        [(RETRY_AFTER, retry_after.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn retry_after_is_read_in_either_form() {
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        assert_eq!(retry_after(&headers("10"), now), Some(SignedDuration::from_secs(10)));
        let date = headers("Mon, 23 Nov 2026 10:00:30 GMT");
        assert_eq!(retry_after(&date, now), Some(SignedDuration::from_secs(30)));
        let past = headers("Mon, 23 Nov 2026 09:00:00 GMT");
        assert_eq!(retry_after(&past, now), Some(SignedDuration::ZERO));
        assert_eq!(retry_after(&headers("soon"), now), None);
    }
}
