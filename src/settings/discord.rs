//! `[discord]`: the application, where it works, and how interactions come in.

use secrecy::SecretString;
use url::Url;

use super::load::BadSettings;
use super::public_key::PublicKey;
use super::reader::Reader;
use crate::chat::{ApplicationId, ChannelId, GuildId};

/// `[discord]`
#[derive(Clone, Debug)]
pub struct Discord {
    /// The bot's token.
    pub token: SecretString,
    /// The application.
    pub application_id: ApplicationId,
    /// Servers to work in.
    pub guild_ids: Vec<GuildId>,
    /// Channels to work in; empty: all of those servers'.
    pub channel_ids: Vec<ChannelId>,
    /// Where outcomes are announced.
    pub team_channel_id: Option<ChannelId>,
    /// Where approvals are asked for.
    pub approvals_channel_id: Option<ChannelId>,
    /// Where goes what finds no other channel; `None`: where outcomes are announced.
    pub fallback_channel_id: Option<ChannelId>,
    /// Discord's API, when it is not Discord's own address.
    pub api_url: Option<Url>,
    /// The gateway; `None`: asked of the API.
    pub gateway_url: Option<Url>,
    /// How interactions come in.
    pub mode: Mode,
}

/// How interactions come in; an application has one or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Over a connection that the bot holds open.
    Gateway,
    /// Posted by Discord to `[web] listen`, signed with this key.
    Http(PublicKey),
}

/// Discord's own address, with which serenity's limiter stays on.
const DISCORD: &str = "https://discord.com/";

pub(super) fn discord(read: &Reader<'_>) -> Result<Discord, BadSettings> {
    let api_url = read.url("discord", "api_url")?;
    let gateway_url = match read.text("discord", "gateway_url")? {
        "" => None,
        _ => Some(read.url("discord", "gateway_url")?),
    };
    let own_address = api_url.as_str() == DISCORD;
    if let Some(gateway) = &gateway_url
        && !own_address
        && gateway.host() != api_url.host()
    {
        let why = "must be on the host of discord.api_url, so that the token goes nowhere else";
        return Err(BadSettings::value("discord.gateway_url", why));
    }
    let guild_ids = read.list("discord", "guild_ids")?;
    if guild_ids.is_empty() {
        return Err(BadSettings::value("discord.guild_ids", "name at least one server to work in"));
    }
    let mode = mode(read)?;
    Ok(Discord {
        token: SecretString::from(
            read.filled("discord", "token", "is the bot's token; set it, or discord.token_file")?.to_owned(),
        ),
        application_id: read.parsed("discord", "application_id", "is the Application ID of General Information")?,
        guild_ids,
        channel_ids: read.list("discord", "channel_ids")?,
        team_channel_id: read.optional("discord", "team_channel_id")?,
        approvals_channel_id: read.optional("discord", "approvals_channel_id")?,
        fallback_channel_id: read.optional("discord", "fallback_channel_id")?,
        api_url: (!own_address).then_some(api_url),
        gateway_url,
        mode,
    })
}

fn mode(read: &Reader<'_>) -> Result<Mode, BadSettings> {
    match read.text("discord", "mode")? {
        "gateway" => Ok(Mode::Gateway),
        "http" => {
            let hint = "is needed with discord.mode = \"http\": the Public Key of General Information";
            let key = read.parsed("discord", "public_key", hint)?;
            let hint =
                "is needed with discord.mode = \"http\": where Discord's interactions arrive, such as 0.0.0.0:8080";
            read.filled("web", "listen", hint)?;
            Ok(Mode::Http(key))
        }
        _ => Err(BadSettings::value("discord.mode", "write \"gateway\" or \"http\"")),
    }
}
