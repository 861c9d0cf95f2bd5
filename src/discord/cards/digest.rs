//! Lines for a channel that had to wait together, as one message.

use crate::discord::card::Card;

/// Characters of the text of a message; Discord takes 2,000 of them, and counts some as two.
const MOST_TEXT: usize = 1_900;

/// Those of `lines`, from the first on, that fit into one message with the line `first`.
pub fn fitting<T>(first: &Card, lines: Vec<T>, render: impl Fn(&T) -> Card) -> Vec<T> {
    let mut room = MOST_TEXT.saturating_sub(first.content.chars().count());
    let fits = |line: &T| {
        let left = room.checked_sub(render(line).content.chars().count() + 1);
        room = left.unwrap_or(room);
        left.is_some()
    };
    let mut fits = fits;
    lines.into_iter().take_while(|line| fits(line)).collect()
}

/// One line below the other.
pub fn digest(first: &Card, others: impl Iterator<Item = Card>) -> Card {
    Card::text(others.fold(first.content.clone(), |all, line| all + "\n" + &line.content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_below_each_other() {
        let others = ["two", "three"].map(Card::text);
        assert_eq!(digest(&Card::text("one"), others.into_iter()), Card::text("one\ntwo\nthree"));
    }

    #[test]
    fn what_does_not_fit_waits_for_the_next_message() {
        let line = |length: usize| "✅".repeat(length);
        let lines = vec![line(900), line(900), line(1)];
        let fitting = fitting(&Card::text(line(98)), lines, |line| Card::text(line));
        assert_eq!(fitting.len(), 2, "the third would fit, but not in its order");
        let all = digest(&Card::text(line(98)), fitting.into_iter().map(Card::text));
        assert_eq!(all.content.chars().count(), 1_900);
    }
}
