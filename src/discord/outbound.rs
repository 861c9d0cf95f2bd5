//! Calls to Discord: each has a deadline, and no error carries the token that Discord puts into addresses.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::Value;
use serenity::all::{Builder as _, CreateAllowedMentions, CreateInteractionResponse, Http, HttpBuilder};
use serenity::http::HttpError;

use super::card::Card;
use super::gateway::LoginsLeft;
use crate::chat::{ChannelId, ChatRoleId, ChatUserId, GuildId, InteractionId, MessageId};
use crate::identity::{ChatRoles, ChatUnreachable};
use crate::settings::Discord;

/// For one call; serenity's own limiter may wait inside it.
const CALL: Duration = Duration::from_secs(20);

/// For the first answer to an interaction; Discord takes none after three seconds.
const ACKNOWLEDGE: Duration = Duration::from_millis(2_800);

/// Between the first answer and its one repetition.
const ACKNOWLEDGE_AGAIN: Duration = Duration::from_millis(300);

/// Why a call did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The token has ended: nothing can be said by it any more.
    #[error("the interaction's token has ended")]
    TokenEnded,
    /// The message, channel or interaction is not there (or not yet).
    #[error("Discord does not know what it was about (code {0})")]
    NotFound(isize),
    /// The bot may not do that there.
    #[error("Discord forbids it (code {0})")]
    Forbidden(isize),
    /// Discord refused the message itself; trying again would end the same way.
    #[error("Discord refused the message (code {0})")]
    Refused(isize),
    /// A webhook refused the message itself; trying again would end the same way.
    #[error("the webhook refused the message (status {0})")]
    Unwanted(u16),
    /// It was answered already.
    #[error("it was acknowledged already")]
    AlreadyAcknowledged,
    /// The bot's own token is not accepted.
    #[error("Discord does not accept the bot's token")]
    BotToken,
    /// The channel was found gone or forbidden a short while ago, so it was not tried.
    #[error("the channel was gone or forbidden a short while ago")]
    Closed,
    /// Rate limits, outages, deadlines: later.
    #[error("Discord does not answer at the moment")]
    Later,
}

const INVALID_WEBHOOK_TOKEN: isize = 50_027;
const ALREADY_ACKNOWLEDGED: isize = 40_060;

/// Too many writes in the channel, and too many edits of a message over an hour old: both pass.
const PASSING: [isize; 2] = [20_028, 30_046];

/// Sorts serenity's error. Its texts hold addresses with tokens, so none of them goes any further.
pub(super) fn sort(error: &serenity::Error) -> CallError {
    let answer = match error {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(answer)) => answer,
        // Serenity found it too long to be sent.
        serenity::Error::Model(_) => return CallError::Refused(0),
        _ => return CallError::Later,
    };
    let code = answer.error.code;
    match (answer.status_code.as_u16(), code) {
        (_, code) if PASSING.contains(&code) => CallError::Later,
        (_, INVALID_WEBHOOK_TOKEN) => CallError::TokenEnded,
        (_, ALREADY_ACKNOWLEDGED) => CallError::AlreadyAcknowledged,
        (401, _) => CallError::BotToken,
        (403, _) => CallError::Forbidden(code),
        (404, _) => CallError::NotFound(code),
        (429 | 500.., _) => CallError::Later,
        _ => CallError::Refused(code),
    }
}

/// Discord's API.
#[derive(Clone)]
pub struct Outbound {
    http: Arc<Http>,
    settings: Discord,
    client: reqwest::Client,
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbound").finish_non_exhaustive()
    }
}

fn builder(settings: &Discord, http: reqwest::Client) -> HttpBuilder {
    let builder = HttpBuilder::new(settings.token.expose_secret())
        .client(http)
        .application_id(serenity::all::ApplicationId::new(settings.application_id.0))
        .default_allowed_mentions(CreateAllowedMentions::new());
    match &settings.api_url {
        Some(api_url) => builder.proxy(api_url.as_str()).ratelimiter_disabled(true),
        None => builder,
    }
}

impl Outbound {
    /// A client over `http`. With another address than Discord's own, serenity's limiter is off: it would ignore it.
    pub fn new(settings: &Discord, http: reqwest::Client) -> Self {
        Self { http: Arc::new(builder(settings, http.clone()).build()), settings: settings.clone(), client: http }
    }

    /// Another client with the same settings, which serenity's gateway wants as its own.
    pub(super) fn for_gateway(&self) -> Http {
        builder(&self.settings, self.client.clone()).build()
    }

    async fn call<T>(
        &self,
        deadline: Duration,
        call: impl Future<Output = serenity::Result<T>> + Send,
    ) -> Result<T, CallError> {
        match tokio::time::timeout(deadline, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(sort(&error)),
            Err(_elapsed) => Err(CallError::Later),
        }
    }

    /// The first answer to an interaction.
    pub(super) async fn acknowledge(
        &self,
        id: InteractionId,
        token: &SecretString,
        response: &CreateInteractionResponse,
    ) -> Result<(), CallError> {
        let id = serenity::all::InteractionId::new(id.0);
        let answer = || self.call(ACKNOWLEDGE, response.clone().execute(&*self.http, (id, token.expose_secret())));
        let once_more = async {
            match answer().await {
                Err(CallError::Later) => {}
                other => return other,
            }
            tokio::time::sleep(ACKNOWLEDGE_AGAIN).await;
            match answer().await {
                // The first one had arrived; only Discord's word on it was lost.
                Err(CallError::AlreadyAcknowledged) => Ok(()),
                other => other,
            }
        };
        tokio::time::timeout(ACKNOWLEDGE, once_more).await.unwrap_or(Err(CallError::Later))
    }

    /// Puts `card` in the place of the reply.
    pub async fn edit_reply(&self, token: &SecretString, card: &Card) -> Result<(), CallError> {
        let files: Vec<_> = card.files.uploads().collect();
        if files.len() > 1 {
            return self.call(CALL, card.edit().execute(&*self.http, token.expose_secret())).await.map(drop);
        }
        let message = payload(&card.edit());
        let call = self.http.edit_original_interaction_response(token.expose_secret(), &message, files);
        self.call(CALL, call).await.map(drop)
    }

    /// Posts `card` as the bot's own message; the same nonce is taken once.
    pub async fn post(&self, channel: ChannelId, card: &Card, nonce: &str) -> Result<MessageId, CallError> {
        let (channel, files) = (serenity::all::ChannelId::new(channel.0), card.files.uploads().collect::<Vec<_>>());
        let message = if files.len() > 1 {
            self.call(CALL, card.message(nonce).execute(&*self.http, (channel, None))).await?
        } else {
            self.call(CALL, self.http.send_message(channel, files, &payload(&card.message(nonce)))).await?
        };
        Ok(MessageId(message.id.get()))
    }

    /// Puts `card` in the place of the bot's own message.
    pub async fn edit(&self, channel: ChannelId, message: MessageId, card: &Card) -> Result<(), CallError> {
        let (channel, id) = (serenity::all::ChannelId::new(channel.0), serenity::all::MessageId::new(message.0));
        let files: Vec<_> = card.files.uploads().collect();
        if files.len() > 1 {
            return self.call(CALL, card.edit_message().execute(&*self.http, (channel, id, None))).await.map(drop);
        }
        let message = payload(&card.edit_message());
        self.call(CALL, self.http.edit_message(channel, id, &message, files)).await.map(drop)
    }

    /// Puts the commands of a server in place.
    pub(super) async fn register(&self, guild: GuildId, definitions: &[commands::Definition]) -> Result<(), CallError> {
        let call = self.http.create_guild_commands(serenity::all::GuildId::new(guild.0), &definitions);
        self.call(CALL, call).await.map(drop)
    }

    /// What is left of the day's logins at the gateway.
    pub async fn logins_left(&self) -> Result<LoginsLeft, CallError> {
        let limit = self.call(CALL, self.http.get_bot_gateway()).await?.session_start_limit;
        let reset_after = i64::try_from(limit.reset_after).unwrap_or(i64::MAX);
        Ok(LoginsLeft { remaining: limit.remaining, reset_after: SignedDuration::from_millis(reset_after) })
    }

    /// The gateway's address, as the API names it.
    pub(super) async fn gateway_url(&self) -> Result<String, CallError> {
        self.call(CALL, self.http.get_gateway()).await.map(|gateway| gateway.url)
    }
}

/// A message as Discord's contract has it: ids are texts, that of its file too, which serenity writes as a number. Several files
/// get their numbers from serenity alone, so such a message goes out as it writes it; Discord takes both.
fn payload(message: &impl Serialize) -> Value {
    let mut message = serde_json::to_value(message).unwrap_or_default();
    let files = message.get_mut("attachments").and_then(Value::as_array_mut);
    for id in files.into_iter().flatten().filter_map(|file| file.get_mut("id")) {
        if let Some(number) = id.as_u64() {
            *id = Value::from(number.to_string());
        }
    }
    message
}

/// Unknown Member: they have left the server.
const UNKNOWN_MEMBER: isize = 10_007;

#[async_trait]
impl ChatRoles for Outbound {
    async fn roles_of(&self, guild: GuildId, user: ChatUserId) -> Result<Option<Vec<ChatRoleId>>, ChatUnreachable> {
        let (guild, user) = (serenity::all::GuildId::new(guild.0), serenity::all::UserId::new(user.0));
        match self.call(CALL, self.http.get_member(guild, user)).await {
            Ok(member) => Ok(Some(member.roles.iter().map(|role| ChatRoleId(role.get())).collect())),
            Err(CallError::NotFound(UNKNOWN_MEMBER)) => Ok(None),
            Err(error) => {
                tracing::warn!(%error, "someone's chat roles could not be read");
                Err(ChatUnreachable)
            }
        }
    }
}
