//! The one sanitiser: what comes from outside is shown as text and as nothing else.

/// Cuts and cleans a text for places without markdown: labels, suggestions.
///
/// Control characters, line breaks, bidirectional overrides and zero-width characters are taken out, backticks are
/// replaced, and what is too long ends in an ellipsis. Nothing left: "(unnamed)".
pub fn clean(text: &str, max: usize) -> String {
    let kept = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|&c| !is_invisible(c));
    let kept: String = kept.map(|c| if c == '`' { '\u{02cb}' } else { c }).collect();
    let kept = kept.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if kept.is_empty() {
        return "(unnamed)".to_owned();
    }
    if kept.chars().count() <= max {
        return kept;
    }
    let cut: String = kept.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// The same inside an inline code span, where no mention, link or markdown is alive.
pub fn code(text: &str, max: usize) -> String {
    format!("`{}`", clean(text, max))
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_names_become_harmless_text() {
        for (name, shown) in [
            ("`rm -rf`", "`ˋrm -rfˋ`"),
            ("@everyone", "`@everyone`"),
            ("[click](https://evil.example)", "`[click](https://evil.example)`"),
            ("abc\u{202e}fdp.exe", "`abcfdp.exe`"),
            ("two\nlines\r\nhere", "`two lines here`"),
            ("zero\u{200b}width", "`zerowidth`"),
            ("", "`(unnamed)`"),
            (" \u{2066}\u{200f} ", "`(unnamed)`"),
        ] {
            assert_eq!(code(name, 40), shown);
        }
    }

    #[test]
    fn a_long_name_is_cut_by_characters() {
        assert_eq!(clean(&"ä".repeat(200), 10), format!("{}…", "ä".repeat(9)));
    }

    proptest! {
        #[test]
        fn cleaned_text_fits_and_cannot_leave_its_code_span(text in "\\PC{0,80}|[`\\s\u{200b}\u{202e}a]{0,40}", max in 12_usize..60) {
            let cleaned = clean(&text, max);
            prop_assert!(!cleaned.contains(['`', '\r', '\n']));
            prop_assert!(cleaned.chars().count() <= max);
            prop_assert!(!cleaned.trim().is_empty());
            prop_assert_eq!(clean(&cleaned, max), cleaned);
        }
    }
}
