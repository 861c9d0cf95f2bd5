//! Who may, and how people say who they are: `[access]` and `[link]`.

use secrecy::SecretString;
use toml::Value;
use url::Url;

use super::load::BadSettings;
use super::reader::{Reader, list_item};
use super::typed::Web;
use crate::chat::ChatRoleId;
use crate::intune::{EntraAdmin, GroupId};

/// `[link]`: the app registration that signs people in, and where its page is.
#[derive(Clone, Debug)]
pub struct Link {
    /// The app registration.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// `[web] public_url`
    pub public_url: Url,
    /// What a sign-in for an approval must satisfy; empty: no rule asks for one.
    pub authentication_context: String,
}

/// `[access]`
#[derive(Clone, Debug)]
pub struct Access {
    /// Only linked people may; chat roles grant nothing.
    pub require_link: bool,
    /// Active Entra roles that may sync every device.
    pub entra_admins: Vec<EntraAdmin>,
    /// The Sync page's three roles count as holding the permission.
    pub seed_roles_grant_sync: bool,
    /// Chat roles that see everyone's history.
    pub admin_roles: Vec<ChatRoleId>,
    /// Who may.
    pub chat_roles: Vec<ChatRole>,
}

/// `[[access.chat_role]]`: this chat role stands for that Intune role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatRole {
    /// The chat role.
    pub discord_role: ChatRoleId,
    /// The Intune role's display name or id.
    pub intune_role: String,
    /// Groups of devices or people; `None`: the whole tenant.
    pub scope_groups: Option<Vec<GroupId>>,
}

/// What `[access] require_link` takes.
const REQUIRE_LINK: &str = "write true, false or \"auto\"";

pub(super) fn link(read: &Reader<'_>, web: &Web) -> Result<Option<Link>, BadSettings> {
    let client_id = read.text("link", "client_id")?;
    let context = read.text("link", "authentication_context")?;
    let is_context = context.strip_prefix('c').is_some_and(|number| (1..=99).contains(&number.parse().unwrap_or(0)));
    if !context.is_empty() && !is_context {
        return Err(BadSettings::value("link.authentication_context", "write an id from \"c1\" to \"c99\""));
    }
    if client_id.is_empty() {
        if !context.is_empty() {
            let why = "is needed with link.authentication_context: the app registration that signs people in";
            return Err(BadSettings::value("link.client_id", why));
        }
        return Ok(None);
    }
    let client_id =
        read.app("link", "client_id", "is the Application (client) ID of the app registration of its own")?;
    let secret =
        read.filled("link", "client_secret", "is needed with link.client_id; set it, or link.client_secret_file")?;
    read.filled("web", "listen", "is needed with [link]: where the link page is served, such as 0.0.0.0:8080")?;
    let public_url = web.public_url.clone().ok_or_else(|| {
        let why = "is needed with [link]: the address under which browsers reach the link page";
        BadSettings::value("web.public_url", why)
    })?;
    let client_secret = SecretString::from(secret.to_owned());
    Ok(Some(Link {
        client_id: client_id.to_owned(),
        client_secret,
        public_url,
        authentication_context: context.to_owned(),
    }))
}

pub(super) fn access(read: &Reader<'_>) -> Result<Access, BadSettings> {
    let rows = read.get("access", "chat_role").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let chat_roles = rows.iter().map(chat_role).collect::<Result<_, _>>()?;
    let require_link = match read.get("access", "require_link") {
        Some(Value::Boolean(set)) => *set,
        Some(Value::String(text)) => match text.as_str() {
            "auto" => !read.text("link", "client_id")?.is_empty(),
            "true" => true,
            "false" => false,
            _ => return Err(BadSettings::value("access.require_link", REQUIRE_LINK)),
        },
        _ => return Err(BadSettings::value("access.require_link", REQUIRE_LINK)),
    };
    Ok(Access {
        require_link,
        entra_admins: read.list("access", "entra_admins")?,
        seed_roles_grant_sync: read.flag("access", "seed_roles_grant_sync")?,
        admin_roles: read.list("access", "admin_roles")?,
        chat_roles,
    })
}

fn chat_role(row: &Value) -> Result<ChatRole, BadSettings> {
    let text = |key: &str| {
        let text = row.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        text.ok_or_else(|| BadSettings::value(format!("access.chat_role.{key}"), "is needed, as a text in quotes"))
    };
    let discord_role = text("discord_role")?;
    let discord_role = discord_role
        .parse()
        .map_err(|error| BadSettings::value("access.chat_role.discord_role", format!("{discord_role:?} {error}")))?;
    let scope_groups = match row.get("scope_groups") {
        None => None,
        Some(groups) => {
            let key = "access.chat_role.scope_groups";
            let groups = groups.as_array().ok_or_else(|| BadSettings::value(key, "write a list of group ids"))?;
            Some(groups.iter().map(|item| list_item(item, key)).collect::<Result<_, _>>()?)
        }
    };
    Ok(ChatRole { discord_role, intune_role: text("intune_role")?.trim().to_owned(), scope_groups })
}
