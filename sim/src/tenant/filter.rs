//! Reads `$filter` and holds rows against it, plainly; what Intune makes of it is in `device_filter`.

use jiff::Timestamp;
use serde_json::Value;

/// How a property is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Contains,
    StartsWith,
}

/// What it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Text(String),
    /// A number, a date, `true`, `false` or `null`, as written.
    Bare(String),
}

impl Literal {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Bare(text) => text,
        }
    }
}

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    pub(crate) property: String,
    pub(crate) op: Op,
    pub(crate) value: Literal,
}

/// A whole filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    One(Condition),
    And(Vec<Filter>),
    Or(Vec<Filter>),
}

impl Filter {
    /// Every comparison, in the order written.
    pub(crate) fn conditions(&self) -> Vec<&Condition> {
        match self {
            Self::One(condition) => vec![condition],
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::conditions).collect(),
        }
    }

    /// Whether the row passes.
    pub(crate) fn passes(&self, row: &Value) -> bool {
        match self {
            Self::One(condition) => condition.passes(row),
            Self::And(parts) => parts.iter().all(|p| p.passes(row)),
            Self::Or(parts) => parts.iter().any(|p| p.passes(row)),
        }
    }
}

impl Condition {
    /// Whether the row passes; text is compared without case.
    pub(crate) fn passes(&self, row: &Value) -> bool {
        let found = match row.get(&self.property) {
            Some(Value::String(text)) => text.to_lowercase(),
            Some(Value::Null) | None => "null".to_owned(),
            Some(other) => other.to_string(),
        };
        let wanted = self.value.text().to_lowercase();
        let order = match (found.to_uppercase().parse::<Timestamp>(), wanted.to_uppercase().parse::<Timestamp>()) {
            (Ok(found), Ok(wanted)) => found.cmp(&wanted),
            _ => found.cmp(&wanted),
        };
        match self.op {
            Op::Eq => order.is_eq(),
            Op::Ne => order.is_ne(),
            Op::Lt => order.is_lt(),
            Op::Le => order.is_le(),
            Op::Gt => order.is_gt(),
            Op::Ge => order.is_ge(),
            Op::Contains => found.contains(&wanted),
            Op::StartsWith => found.starts_with(&wanted),
        }
    }
}

/// Reads a filter; `None` where it is not one.
pub(crate) fn parse(text: &str) -> Option<Filter> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0 };
    let filter = reader.any()?;
    (reader.at == reader.tokens.len()).then_some(filter)
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' => {}
            '(' | ')' | ',' => tokens.push(Token::Sign(c)),
            '\'' => {
                let mut value = String::new();
                loop {
                    match chars.next()? {
                        '\'' if chars.peek() == Some(&'\'') => {
                            chars.next();
                            value.push('\'');
                        }
                        '\'' => break,
                        other => value.push(other),
                    }
                }
                tokens.push(Token::Text(value));
            }
            _ => {
                let mut word = String::from(c);
                while let Some(more) = chars.next_if(|&c| !" (),'".contains(c)) {
                    word.push(more);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Some(tokens)
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn any(&mut self) -> Option<Filter> {
        let first = self.all()?;
        let mut parts = vec![first];
        while self.word("or") {
            parts.push(self.all()?);
        }
        if parts.len() == 1 { parts.pop() } else { Some(Filter::Or(parts)) }
    }

    fn all(&mut self) -> Option<Filter> {
        let first = self.one()?;
        let mut parts = vec![first];
        while self.word("and") {
            parts.push(self.one()?);
        }
        if parts.len() == 1 { parts.pop() } else { Some(Filter::And(parts)) }
    }

    fn one(&mut self) -> Option<Filter> {
        if self.sign('(') {
            let inner = self.any()?;
            return self.sign(')').then_some(inner);
        }
        let Token::Word(name) = self.next()? else { return None };
        let function = match name.as_str() {
            "contains" => Some(Op::Contains),
            "startswith" | "startsWith" => Some(Op::StartsWith),
            _ => None,
        };
        let condition = if let Some(op) = function {
            let open = self.sign('(');
            let Token::Word(property) = self.next()? else { return None };
            let comma = self.sign(',');
            let value = self.literal()?;
            (open && comma && self.sign(')')).then_some(Condition { property, op, value })?
        } else {
            let Token::Word(word) = self.next()? else { return None };
            let op = match word.as_str() {
                "eq" => Op::Eq,
                "ne" => Op::Ne,
                "lt" => Op::Lt,
                "le" => Op::Le,
                "gt" => Op::Gt,
                "ge" => Op::Ge,
                _ => return None,
            };
            Condition { property: name, op, value: self.literal()? }
        };
        Some(Filter::One(condition))
    }

    fn literal(&mut self) -> Option<Literal> {
        match self.next()? {
            Token::Text(text) => Some(Literal::Text(text)),
            Token::Word(word) => Some(Literal::Bare(word)),
            Token::Sign(_) => None,
        }
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word == wanted);
        self.at += usize::from(found);
        found
    }

    fn sign(&mut self, wanted: char) -> bool {
        let found = self.tokens.get(self.at) == Some(&Token::Sign(wanted));
        self.at += usize::from(found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quotes_are_doubled_and_conditions_combine() {
        let filter = parse("deviceName eq 'O''Brien' and (a eq 1 or contains(b,'X'))").unwrap();
        assert!(filter.passes(&json!({"deviceName": "o'brien", "a": 2, "b": "axe"})));
        assert!(!filter.passes(&json!({"deviceName": "o'brien", "a": 2, "b": "none"})));
    }

    #[test]
    fn what_is_not_a_filter_is_not_read() {
        for text in
            ["", "deviceName", "deviceName is 'x'", "deviceName eq 'x", "a eq 1 or", "roleScopeTagIds/any(t:t eq '1')"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
