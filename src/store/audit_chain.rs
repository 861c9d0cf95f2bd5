//! The chain over the audit's rows: each row's seal covers the row and the seal before it, keyed by a secret.
//!
//! Whoever changes, removes or reorders a row without the key breaks the chain there. The end can be cut off without
//! breaking it; the head, published to the log now and then, shows that.

use secrecy::{ExposeSecret as _, SecretString};

use crate::secret;

/// The secret of the chain (`[audit] key`). Without one, the chain shows accidents and careless hands only.
#[derive(Clone, Debug)]
pub struct ChainKey(SecretString);

/// A row's place in the chain, and its seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// 1 for the first row ever.
    pub position: i64,
    /// HMAC-SHA256 in base64url.
    pub seal: String,
}

/// A row as it is sealed: every column, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) at: i64,
    pub(super) event: String,
    pub(super) actor_user: Option<String>,
    pub(super) actor_name: Option<String>,
    pub(super) entra_user: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) device_sync_id: Option<String>,
    pub(super) device_id: Option<String>,
    pub(super) detail: String,
}

impl ChainKey {
    /// A key; an empty text is none.
    pub fn new(secret: SecretString) -> Self {
        Self(secret)
    }

    /// No secret.
    pub fn none() -> Self {
        Self(SecretString::default())
    }

    /// Whether there is a secret in it.
    pub fn is_set(&self) -> bool {
        !self.0.expose_secret().is_empty()
    }

    /// What stands before the first row.
    pub(super) fn beginning(&self, tenant: &str) -> Head {
        Head { position: 0, seal: self.seal(&["intune-sync-bot audit 1", tenant]) }
    }

    /// The seal of the row that follows `previous`.
    pub(super) fn next(&self, previous: &Head, row: &Sealed) -> Head {
        let position = previous.position + 1;
        let fields = serde_json::json!([
            row.at,
            row.event,
            row.actor_user,
            row.actor_name,
            row.entra_user,
            row.request_id,
            row.device_sync_id,
            row.device_id,
            row.detail
        ]);
        Head { position, seal: self.seal(&["row", &previous.seal, &position.to_string(), &fields.to_string()]) }
    }

    /// The signature of a checkpoint: rows up to `head` were here, and were removed by retention.
    pub(super) fn checkpoint(&self, tenant: &str, head: &Head, at: i64, rows: i64) -> String {
        let (position, at, rows) = (head.position.to_string(), at.to_string(), rows.to_string());
        self.seal(&["checkpoint", tenant, &position, &head.seal, &at, &rows])
    }

    /// What tells one key from another without telling the key.
    pub(super) fn fingerprint(&self, tenant: &str) -> String {
        self.seal(&["fingerprint", tenant])
    }

    /// Parts are sealed with their lengths, so that no two lists of parts are one text.
    fn seal(&self, parts: &[&str]) -> String {
        let text = parts.iter().fold(String::new(), |text, part| format!("{text}{}:{part}", part.len()));
        secret::keyed_hash(self.0.expose_secret(), &text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> ChainKey {
        ChainKey::new(SecretString::from(text.to_owned()))
    }

    fn row(event: &str, detail: &str) -> Sealed {
        Sealed {
            at: 7,
            event: event.to_owned(),
            actor_user: Some("1".to_owned()),
            actor_name: None,
            entra_user: None,
            request_id: None,
            device_sync_id: None,
            device_id: None,
            detail: detail.to_owned(),
        }
    }

    #[test]
    fn a_seal_depends_on_the_key_the_row_and_everything_before_it() {
        let start = key("k").beginning("t");
        let one = key("k").next(&start, &row("asked", "{}"));
        assert_eq!(one, key("k").next(&start, &row("asked", "{}")));
        assert_eq!(one.position, 1);
        let others = [
            key("other").next(&start, &row("asked", "{}")),
            key("k").next(&start, &row("asked", "{ }")),
            key("k").next(&key("k").beginning("u"), &row("asked", "{}")),
            key("k").next(&one, &row("asked", "{}")),
            key("k").next(&start, &Sealed { actor_user: None, actor_name: Some("1".to_owned()), ..row("asked", "{}") }),
        ];
        assert!(others.iter().all(|other| other.seal != one.seal));
    }

    proptest! {
        #[test]
        fn no_two_rows_have_one_seal(one in "\\PC{0,20}", other in "\\PC{0,20}") {
            let start = key("k").beginning("t");
            let (a, b) = (key("k").next(&start, &row(&one, &other)), key("k").next(&start, &row(&other, &one)));
            prop_assert_eq!(a == b, one == other);
        }
    }
}
