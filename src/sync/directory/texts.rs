//! Texts that are searched: folded, and one behind the other, so that a search is one pass over memory.

use std::ops::Range;

use memchr::memmem::Finder;

/// Each text is its fields, folded, each behind a line break, and one more at the end.
#[derive(Debug, Default)]
pub(super) struct Texts {
    all: String,
    /// Where each begins.
    starts: Vec<usize>,
}

/// As texts are compared: in lower case, with one form of each letter, on one line.
pub(super) fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    let lower = text.chars().filter(|c| *c != '\n').flat_map(char::to_lowercase);
    lower.map(|c| if c == 'ς' { 'σ' } else { c })
}

impl Texts {
    /// Adds one text.
    pub(super) fn add<'a>(&mut self, fields: impl IntoIterator<Item = &'a str>) {
        self.starts.push(self.all.len());
        for field in fields {
            self.all.push('\n');
            self.all.extend(folded(field));
        }
        self.all.push('\n');
    }

    /// The places of all texts, in the order of what they say.
    pub(super) fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.starts.len()).collect();
        order.sort_by(|&a, &b| self.get(a).cmp(self.get(b)));
        order
    }

    /// The texts in the order of these places.
    pub(super) fn ordered(&self, order: &[usize]) -> Self {
        let (mut all, mut starts) = (String::with_capacity(self.all.len()), Vec::with_capacity(order.len()));
        for &at in order {
            starts.push(all.len());
            all.push_str(self.get(at));
        }
        Self { all, starts }
    }

    fn end(&self, at: usize) -> usize {
        self.starts.get(at + 1).copied().unwrap_or(self.all.len())
    }

    pub(super) fn get(&self, at: usize) -> &str {
        &self.all[self.starts[at]..self.end(at)]
    }

    /// Those that hold `needle`, in their order, each once.
    pub(super) fn holding<'a>(&'a self, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
        let finder = Finder::new(needle);
        let mut from = 0;
        std::iter::from_fn(move || {
            // At the end a search for nothing would find it for ever.
            let rest = self.all.as_bytes().get(from..).filter(|rest| !rest.is_empty())?;
            let found = from + finder.find(rest)?;
            let at = self.starts.partition_point(|&start| start <= found).checked_sub(1)?;
            from = self.end(at);
            Some(at)
        })
    }

    /// Those that begin with this, where they are in order.
    pub(super) fn beginning(&self, start: &str) -> Range<usize> {
        let first = self.starts.partition_point(|&at| &self.all[at..] < start);
        let count = self.starts[first..].partition_point(|&at| self.all[at..].starts_with(start));
        first..first + count
    }
}
