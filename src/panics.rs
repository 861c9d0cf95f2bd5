//! Panics, caught: one piece of work that breaks must not take the others down, and whoever waits for it must hear of it.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

/// Does the work; `Err` holds the words of a panic.
///
/// What the work had in its hands is dropped. It must not be used on: it may be half of something.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, String> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| format!("a panic: {}", words(&*panic)))
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_its_words_and_the_rest_goes_on() {
        let number = 7;
        assert_eq!(caught(async { number }).await, Ok(7));
        let literal = caught(async { panic!("too much") }).await;
        assert_eq!(literal, Err::<(), _>("a panic: too much".to_owned()));
        let formatted = caught(async { panic!("too much of {number}") }).await;
        assert_eq!(formatted, Err::<(), _>("a panic: too much of 7".to_owned()));
        let odd = caught(async { std::panic::panic_any(number) }).await;
        assert_eq!(odd, Err::<(), _>("a panic: without words".to_owned()));
    }
}
