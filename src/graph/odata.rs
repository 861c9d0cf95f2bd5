//! OData, as far as it is needed: quoting, filters of one condition, pages.

use serde::Deserialize;

/// A quoted string literal: `'` is doubled. URL encoding happens where the query is built.
pub(super) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// One page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub(super) value: Vec<T>,
    #[serde(rename = "@odata.nextLink", default)]
    pub(super) next_link: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quote_cannot_end_the_literal() {
        assert_eq!(quote("O'Brien' or 1 eq 1"), "'O''Brien'' or 1 eq 1'");
    }

    proptest! {
        #[test]
        fn a_literal_reads_back_as_the_text(text in "\\PC{0,60}|[' a]{0,20}") {
            let quoted = quote(&text);
            let inner = quoted.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap();
            // Inside, quotes come in pairs only: the literal cannot end early.
            prop_assert!(!inner.replace("''", "").contains('\''));
            prop_assert_eq!(inner.replace("''", "'"), text);
        }
    }
}
