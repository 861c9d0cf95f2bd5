//! The way of one interaction, the same for every transport: fence, limit, answer at once, then work.

use std::sync::Arc;
use std::time::Duration;

use commands::{Command, CustomId, Invocation, Verb};
use jiff::SignedDuration;
use secrecy::SecretString;
use serenity::all::{CreateInteractionResponse as Respond, CreateInteractionResponseMessage, Interaction};

use super::card::Card;
use super::cards;
use super::outbound::{CallError, Outbound};
use super::read::{self, Press, Received};
use crate::budget::BudgetPer;
use crate::chat::{Actor, ChatUserId, GuildId};
use crate::clock::Clock;
use crate::identity::Linking;
use crate::panics::caught;
use crate::settings::Settings;
use crate::store::{DeviceSyncId, Purpose, Reply, RequestId};
use crate::sync::{Asked, Desk, Looked, Rechecked, Refusal, Trouble};

/// How long a reply can be edited: its token lives 15 minutes, and the last one is margin.
const REPLY_LIVES: SignedDuration = SignedDuration::from_mins(14);

/// Waits before the answer to a question is tried again while Discord has troubles of its own.
const ANSWER_AGAIN: [SignedDuration; 3] =
    [SignedDuration::from_secs(1), SignedDuration::from_secs(3), SignedDuration::from_secs(9)];

/// Answers interactions.
#[derive(Debug)]
pub struct Handler {
    pub(super) desk: Arc<Desk>,
    pub(super) linking: Arc<Linking>,
    pub(super) outbound: Outbound,
    settings: Arc<Settings>,
    pub(super) clock: Clock,
    people: BudgetPer<ChatUserId>,
    guilds: BudgetPer<GuildId>,
    pub(super) store_budget: Duration,
}

impl Handler {
    /// A handler. `store_budget`: how long the store may take before a click is answered; Discord waits three seconds.
    pub fn new(
        desk: Arc<Desk>,
        linking: Arc<Linking>,
        outbound: Outbound,
        settings: Arc<Settings>,
        clock: &Clock,
        store_budget: Duration,
    ) -> Self {
        let people = BudgetPer::new(settings.limits.per_person, clock);
        let guilds = BudgetPer::new(settings.limits.per_guild, clock);
        Self { desk, linking, outbound, settings, clock: clock.clone(), people, guilds, store_budget }
    }

    /// Handles one interaction from its first answer to its last. It counts as work from this call on, polled or not.
    pub fn handle(self: Arc<Self>, interaction: Interaction) -> impl Future<Output = ()> + Send + 'static {
        let busy = self.clock.busy();
        async move {
            // Kept apart from what may break: whoever asked is to hear of it.
            let (id, token) = (interaction.id(), interaction.token().to_owned());
            if let Err(why) = caught(Box::pin(self.answered(interaction))).await {
                self.broke(crate::chat::InteractionId(id.get()), &SecretString::from(token), &why).await;
            }
            drop(busy);
        }
    }

    async fn answered(&self, interaction: Interaction) {
        let result = match &interaction {
            Interaction::Command(command) => match read::command(command) {
                Some(received) => self.command(received).await,
                None => self.elsewhere(command.id.get(), &command.token).await,
            },
            Interaction::Component(component) => match read::press(component) {
                Some(received) => Box::pin(self.press(received)).await,
                None => self.elsewhere(component.id.get(), &component.token).await,
            },
            Interaction::Autocomplete(typing) => match read::command(typing) {
                Some(received) => self.autocomplete(received).await,
                None => Ok(()),
            },
            Interaction::Modal(modal) => match read::dialog(modal) {
                Some(received) => self.dialog(received).await,
                None => self.elsewhere(modal.id.get(), &modal.token).await,
            },
            Interaction::Ping(_) => Ok(()),
            other => {
                tracing::warn!(kind = ?other.kind(), "an interaction of a kind that nobody asked for");
                Ok(())
            }
        };
        match result {
            Ok(()) => {}
            // A second delivery, or a click that Discord sent twice: the first one counted.
            Err(CallError::AlreadyAcknowledged) => tracing::info!("an interaction had been answered already"),
            Err(error) => tracing::warn!(%error, "an interaction could not be answered"),
        }
    }

    async fn elsewhere(&self, id: u64, token: &str) -> Result<(), CallError> {
        let token = SecretString::from(token.to_owned());
        self.say(crate::chat::InteractionId(id), &token, &cards::not_here()).await
    }

    pub(super) fn is_fenced_out(&self, actor: &Actor) -> bool {
        let discord = &self.settings.discord;
        !discord.guild_ids.contains(&actor.guild)
            || (!discord.channel_ids.is_empty() && !discord.channel_ids.contains(&actor.channel))
    }

    /// Whether an approval is answered where the bot itself asks for it: it listens to the answer there, wherever else it works.
    fn answers_for_approval(&self, actor: &Actor, pressed: Option<Verb>) -> bool {
        let discord = &self.settings.discord;
        matches!(pressed, Some(Verb::Approve | Verb::Reject))
            && discord.guild_ids.contains(&actor.guild)
            && discord.approvals_channel_id == Some(actor.channel)
    }

    fn too_fast(&self, actor: &Actor) -> Option<Refusal> {
        if let Err(wait) = self.people.take(&actor.user) {
            return Some(Refusal::TooFast { wait: wait.0, whole_server: false });
        }
        self.guilds.take(&actor.guild).err().map(|wait| Refusal::TooFast { wait: wait.0, whole_server: true })
    }

    /// Why this person is not listened to here and now, if so.
    pub(super) fn turned_away(&self, actor: &Actor, pressed: Option<Verb>) -> Option<Card> {
        if self.is_fenced_out(actor) && !self.answers_for_approval(actor, pressed) {
            return Some(cards::not_here());
        }
        self.too_fast(actor).map(|refusal| cards::refusal(&refusal, "sync"))
    }

    /// A private word as the first answer.
    pub(super) async fn say(
        &self,
        id: crate::chat::InteractionId,
        token: &SecretString,
        card: &Card,
    ) -> Result<(), CallError> {
        self.outbound.acknowledge(id, token, &Respond::Message(card.private_answer())).await
    }

    /// "thinking…": the answer follows.
    pub(super) async fn defer(&self, id: crate::chat::InteractionId, token: &SecretString) -> Result<(), CallError> {
        let deferred = Respond::Defer(CreateInteractionResponseMessage::new().ephemeral(true));
        match self.outbound.acknowledge(id, token, &deferred).await {
            // It may have arrived all the same, and then somebody waits. If not, the answer finds nobody.
            Err(CallError::Later) => Ok(()),
            other => other,
        }
    }

    /// Puts the answer in the place of "thinking…", which a short trouble of Discord's must not leave standing.
    ///
    /// A try whose fate is not known may have put up a card, and its reader may have pressed Yes before the next try: that one must not
    /// cover what was said since.
    pub(super) async fn answer_with(&self, token: &SecretString, card: &Card) -> Result<(), CallError> {
        let mut said = self.outbound.edit_reply(token, card).await;
        if !matches!(said, Err(CallError::Later)) {
            return said;
        }
        let (store, asks) = (self.desk.store(), card.asks());
        for wait in ANSWER_AGAIN {
            self.clock.sleep(wait).await;
            if let Some(request) = asks
                && store.awaits_answer(request).await.is_ok_and(|waits| !waits)
            {
                return Ok(());
            }
            said = self.outbound.edit_reply(token, card).await;
            if !matches!(said, Err(CallError::Later)) {
                break;
            }
        }
        if let Some(request) = asks {
            if let Err(error) = store.say_last_word_again(self.clock.now(), request).await {
                tracing::warn!(%error, %request, "whether a card covers newer words could not be looked up");
            }
            self.desk.wake();
        }
        said
    }

    async fn command(&self, received: Received<Invocation>) -> Result<(), CallError> {
        let Received { id, token, actor, said } = received;
        if let Some(card) = self.turned_away(&actor, None) {
            return self.say(id, &token, &card).await;
        }
        let command = match Command::parse(&said) {
            Ok(command) => command,
            Err(bad) => return self.say(id, &token, &cards::bad_invocation(&bad)).await,
        };
        self.defer(id, &token).await?;
        let card = match self.desk.store().claim_interaction(self.clock.now(), id).await {
            Ok(true) => match self.answer(&actor, &command, &self.reply(&token)).await {
                Ok(card) => Ok(self.under_the_banner(&command, card).await),
                trouble => trouble,
            },
            Ok(false) => return Ok(()),
            Err(error) => Err(Trouble::Store(error)),
        };
        let card = card.unwrap_or_else(|trouble| self.trouble(&trouble));
        self.answer_with(&token, &card).await
    }

    fn reply(&self, token: &SecretString) -> Reply {
        let now = self.clock.now();
        Reply { token: token.clone(), until: now.saturating_add(REPLY_LIVES).unwrap_or(now) }
    }

    async fn answer(&self, actor: &Actor, command: &Command, reply: &Reply) -> Result<Card, Trouble> {
        let now = self.clock.now();
        Ok(match command {
            Command::Sync { device, reason } => self.sync(actor, device, reason.as_deref(), reply).await?,
            Command::BulkSync { target, reason, dry_run } => {
                self.bulk_sync(actor, (target, reason.as_deref(), *dry_run), reply).await?
            }
            Command::Freeze { length, reason } => cards::froze(&self.desk.freeze(actor, length, reason).await?),
            Command::Unfreeze => cards::froze(&self.desk.unfreeze(actor).await?),
            Command::Device { device } => {
                self.looked(self.desk.device(actor, device).await?, |device| cards::device(&device, now))
            }
            Command::Apps { device } => {
                self.looked(self.desk.apps(actor, device).await?, |answer| cards::apps(&answer))
            }
            Command::Access { device } => {
                self.looked(self.desk.access(actor, device.as_deref()).await?, |answer| cards::access(&answer))
            }
            Command::AppError { code } => cards::app_error(code.parse(), self.desk.error_table()),
            Command::Link => cards::link_offer(&self.linking.offer(actor).await?),
            Command::Unlink => cards::unlinked(self.linking.unlink(actor).await?),
            Command::History => cards::history(&self.desk.history(actor).await?),
            Command::Help => cards::help(),
        })
    }

    async fn sync(&self, actor: &Actor, device: &str, reason: Option<&str>, reply: &Reply) -> Result<Card, Trouble> {
        let now = self.clock.now();
        Ok(match self.desk.ask(actor, device, reason, reply).await? {
            Asked::Propose(proposal) => cards::confirm(&proposal, now),
            Asked::Joined { device } => cards::joined(&device),
            Asked::Choose { choice, devices } => cards::choose(choice, &devices, now),
            Asked::Refused(refusal) => cards::refusal(&refusal, "sync"),
        })
    }

    fn looked<T>(&self, looked: Looked<T>, found: impl FnOnce(T) -> Card) -> Card {
        match looked {
            Looked::Found(answer) => found(answer),
            Looked::Choose { choice, devices } => cards::choose(choice, &devices, self.clock.now()),
            Looked::Refused(refusal) => cards::refusal(&refusal, "look at"),
        }
    }

    async fn press(&self, received: Received<Press>) -> Result<(), CallError> {
        let Received { id, token, actor, said } = received;
        if let Some(card) = self.turned_away(&actor, said.id.ok().map(|id| id.verb)) {
            return self.say(id, &token, &card).await;
        }
        // Side by side, so that the answer waits for the slower of the two only.
        let (claimed, checked) = tokio::join!(self.within_budget(self.claimed(id)), self.recheck(&actor, &said));
        match claimed {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(card) => return self.say(id, &token, &card).await,
        }
        let Ok(custom_id) = said.id else {
            let card = match self.within_budget(self.desk.foreign_click(&actor)).await {
                Ok(()) => cards::foreign_click(),
                Err(card) => card,
            };
            return self.say(id, &token, &card).await;
        };
        match custom_id.verb {
            Verb::Yes | Verb::No => self.yes_or_no(id, &token, &actor, custom_id, checked).await,
            Verb::Pick => self.pick(id, &token, &actor, custom_id, &said).await,
            Verb::Tell => self.tell(id, &token, &actor, custom_id).await,
            Verb::Again => self.again(id, &token, &actor, custom_id).await,
            Verb::Stop => self.stop(id, &token, &actor, custom_id).await,
            Verb::Approve | Verb::Reject => self.second_person(id, &token, &actor, custom_id).await,
            Verb::LinkCode | Verb::LinkYes | Verb::LinkNo => self.link_press(id, &token, &actor, custom_id).await,
        }
    }

    /// Claims an interaction; `false`: it was delivered before.
    pub(super) async fn claimed(&self, id: crate::chat::InteractionId) -> Result<bool, Trouble> {
        Ok(self.desk.store().claim_interaction(self.clock.now(), id).await?)
    }

    /// At Yes the rights are read anew, within the time that an answer may take.
    async fn recheck(&self, actor: &Actor, press: &Press) -> Option<Rechecked> {
        let request = press.id.ok().filter(|id| id.verb == Verb::Yes)?;
        self.desk.recheck(actor, RequestId(request.record.0), self.store_budget).await
    }

    async fn yes_or_no(
        &self,
        id: crate::chat::InteractionId,
        token: &SecretString,
        actor: &Actor,
        custom_id: CustomId,
        checked: Option<Rechecked>,
    ) -> Result<(), CallError> {
        let request = RequestId(custom_id.record.0);
        let reply = self.reply(token);
        let clicked = if custom_id.verb == Verb::Yes {
            self.within_budget(self.desk.confirm(actor, request, &reply, checked)).await
        } else {
            self.within_budget(self.desk.cancel(actor, request)).await
        };
        let clicked = match clicked {
            Ok(clicked) => clicked,
            Err(card) => {
                let said = self.say(id, token, &card).await;
                // Where it was recorded all the same, the work begins now.
                self.desk.wake();
                return said;
            }
        };
        let (card, in_place) = cards::clicked(&clicked, request);
        let response =
            if in_place { Respond::UpdateMessage(card.in_place()) } else { Respond::Message(card.private_answer()) };
        let acknowledged = self.outbound.acknowledge(id, token, &response).await;
        // Only now, so that no later word about this sync can overtake the answer to the click.
        self.desk.wake();
        acknowledged
    }

    async fn pick(
        &self,
        id: crate::chat::InteractionId,
        token: &SecretString,
        actor: &Actor,
        custom_id: CustomId,
        press: &Press,
    ) -> Result<(), CallError> {
        let chosen = match self.within_budget(self.desk.chosen(actor, RequestId(custom_id.record.0))).await {
            Ok(chosen) => chosen,
            Err(card) => return self.say(id, token, &card).await,
        };
        let (Some(choice), Some(device)) = (chosen, press.chosen_device()) else {
            return self.say(id, token, &cards::stale_choice()).await;
        };
        self.outbound.acknowledge(id, token, &Respond::Acknowledge).await?;
        let device = device.to_string();
        let command = match choice.purpose {
            Purpose::Sync => Command::Sync { device, reason: choice.reason },
            Purpose::Device => Command::Device { device },
            Purpose::Apps => Command::Apps { device },
            Purpose::Access => Command::Access { device: Some(device) },
        };
        // The id came back from the client: it passes the same gate as anything typed.
        let card =
            self.answer(actor, &command, &self.reply(token)).await.unwrap_or_else(|trouble| self.trouble(&trouble));
        self.answer_with(token, &card).await
    }

    async fn tell(
        &self,
        id: crate::chat::InteractionId,
        token: &SecretString,
        actor: &Actor,
        custom_id: CustomId,
    ) -> Result<(), CallError> {
        let days = self.settings.watch.tell_for.as_hours() / 24;
        let card = match self.within_budget(self.desk.tell(actor, DeviceSyncId(custom_id.record.0))).await {
            Ok(Ok(told)) => cards::told(told, days.max(1)),
            Ok(Err(denial)) => cards::refusal(&Refusal::NotAllowed { denial, device: None }, "look at"),
            Err(card) => card,
        };
        self.say(id, token, &card).await
    }

    async fn again(
        &self,
        id: crate::chat::InteractionId,
        token: &SecretString,
        actor: &Actor,
        custom_id: CustomId,
    ) -> Result<(), CallError> {
        self.defer(id, token).await?;
        let card = match self.desk.again(actor, DeviceSyncId(custom_id.record.0)).await {
            Ok(Some(device)) => self.sync(actor, &device.to_string(), None, &self.reply(token)).await,
            Ok(None) => Ok(cards::stale_choice()),
            Err(trouble) => Err(trouble),
        };
        self.answer_with(token, &card.unwrap_or_else(|trouble| self.trouble(&trouble))).await
    }
}
