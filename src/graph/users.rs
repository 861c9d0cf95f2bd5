//! Reading one person of the tenant.

use serde::Deserialize;

use super::client::{Graph, Patience};
use super::endpoint::Read;
use super::error::{Error, Kind};
use crate::intune::EntraUserId;

/// A person of the tenant, as Entra knows them now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryUser {
    /// Their object id.
    pub id: EntraUserId,
    /// Display name, from outside.
    pub name: String,
    /// User principal name, from outside. It changes: nothing is decided by it.
    pub sign_in: String,
    /// Whether they may sign in. Unsaid counts as no.
    pub enabled: bool,
    /// Whether they are a guest of the tenant.
    pub guest: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireUser {
    id: EntraUserId,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    user_principal_name: Option<String>,
    #[serde(default)]
    account_enabled: Option<bool>,
    #[serde(default)]
    user_type: Option<String>,
}

impl From<WireUser> for DirectoryUser {
    fn from(wire: WireUser) -> Self {
        Self {
            id: wire.id,
            name: wire.display_name.unwrap_or_default(),
            sign_in: wire.user_principal_name.unwrap_or_default(),
            enabled: wire.account_enabled.unwrap_or(false),
            // Absent on people synchronised long ago, who are members.
            guest: wire.user_type.is_some_and(|kind| kind.eq_ignore_ascii_case("guest")),
        }
    }
}

impl Graph {
    /// The person with this object id; `None`: there is none in the tenant.
    pub async fn user(&self, id: EntraUserId, patience: Patience) -> Result<Option<DirectoryUser>, Error> {
        match self.read::<WireUser>(&Read::User(id), patience).await {
            // An answer about somebody else is no answer.
            Ok(answer) if answer.value.id != id => {
                Err(self.error(Kind::Malformed("another person than asked for"), 1, self.now(), None))
            }
            Ok(answer) => Ok(Some(answer.value.into())),
            Err(Error { kind: Kind::NotFound, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> DirectoryUser {
        serde_json::from_str::<WireUser>(json).unwrap().into()
    }

    #[test]
    fn what_is_not_said_counts_as_disabled_and_as_a_member() {
        let person = read(r#"{"id":"00000000-0000-4000-8000-000000000001","displayName":null}"#);
        assert!(!person.enabled && !person.guest && person.name.is_empty());
    }

    #[test]
    fn guests_are_told_apart() {
        let person = read(r#"{"id":"00000000-0000-4000-8000-000000000001","accountEnabled":true,"userType":"Guest"}"#);
        assert!(person.enabled && person.guest);
    }
}
