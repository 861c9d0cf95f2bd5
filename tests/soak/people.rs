//! People of the helpdesk who ask for syncs and press buttons, and try again when the bot does not answer, as people do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use commands::CustomId;
use sim::Discord;
use sim::discord::{InteractionId, InteractionState, MessageView};

use super::plan::{Way, Wish};

/// How long somebody waits for an answer: Discord says after three seconds that there is none.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long somebody waits while the bot "is thinking…".
const THINKING: Duration = Duration::from_secs(25);

/// Between two looks at the screen.
const LOOK: Duration = Duration::from_millis(50);

/// How often somebody tries in all before they give up.
const TRIES: usize = 12;

/// How long somebody does something else after an answer that says that it did not work.
const PAUSE: Duration = Duration::from_secs(2);

/// What people saw, each for itself; the bot never hears of it.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// How many had a wish.
    pub(crate) people: usize,
    /// Requests that the bot said were confirmed.
    pub(crate) confirmed: BTreeSet<String>,
    /// What came of the commands, in words.
    pub(crate) answers: BTreeMap<String, usize>,
}

/// Somebody with a wish.
pub(crate) struct Person {
    pub(crate) discord: Discord,
    pub(crate) name: String,
    pub(crate) other: String,
    pub(crate) command: String,
    pub(crate) wish: Wish,
    pub(crate) seen: Arc<Mutex<Seen>>,
}

impl Person {
    /// Asks until there is an answer, and does what was planned.
    pub(crate) async fn acts(self) {
        for _try in 0..TRIES {
            if !self.discord_is_up().await {
                continue;
            }
            let asked = self.discord.user(&self.name).run("helpdesk", &self.command);
            // An error: the commands are not registered yet, or nobody is connected.
            let card = match asked {
                Ok(asked) => self.answer(asked).await,
                Err(_not_yet) => None,
            };
            let Some(card) = card else {
                self.note("no answer");
                tokio::time::sleep(LOOK).await;
                continue;
            };
            if card.button("Yes").is_none() {
                let title = title(&card);
                self.note(&title);
                if title == "That did not work" || title == "Not yet" {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                return;
            }
            self.note("the card");
            tokio::time::sleep(Duration::from_millis(self.wish.reads_for)).await;
            if self.answers_the_card(&card).await {
                return;
            }
        }
        self.note("gave up");
    }

    /// `false`: the card is gone, so that it has to be asked for again.
    async fn answers_the_card(&self, card: &MessageView) -> bool {
        let press = |button| self.discord.user(&self.name).click(card.id, button);
        match self.wish.way {
            Way::Yes | Way::Bulk => self.presses(card, "Yes").await,
            Way::No => self.presses(card, "No").await,
            Way::Nothing => true,
            Way::YesTwice => {
                let _hurry = press("Yes");
                self.presses(card, "Yes").await
            }
            Way::NoThenYes => {
                let _hurry = press("No");
                self.presses(card, "Yes").await
            }
            Way::DeliveredTwice => {
                if let Ok(pressed) = press("Yes") {
                    self.discord.resend(pressed);
                    self.ended(pressed).await;
                }
                self.presses(card, "Yes").await
            }
            Way::AfterSomebodyElse => {
                let id = card.button("Yes").and_then(|button| button.custom_id.clone()).unwrap_or_default();
                let _foreign = self.discord.user(&self.other).click_forged(card.id, &id);
                self.presses(card, "Yes").await
            }
            Way::ReplyDeleted => {
                let pressed = self.presses(card, "Yes").await;
                self.discord.delete_message(card.id);
                pressed
            }
        }
    }

    /// Presses until the bot answers.
    async fn presses(&self, card: &MessageView, button: &str) -> bool {
        for _try in 0..TRIES {
            if !self.discord_is_up().await {
                continue;
            }
            // What an unanswered press did may show by now.
            if self.has_changed(card, button) {
                return true;
            }
            let Ok(pressed) = self.discord.user(&self.name).click(card.id, button) else { continue };
            self.ended(pressed).await;
            if matches!(self.discord.interaction(pressed), Some(InteractionState::Acknowledged { .. })) {
                tokio::time::sleep(LOOK).await;
                if self.has_changed(card, button) {
                    return true;
                }
                // It was told that this did not work.
                tokio::time::sleep(PAUSE).await;
            }
        }
        false
    }

    /// Whether the card has no such button any more; what it says instead is noted.
    fn has_changed(&self, card: &MessageView, button: &str) -> bool {
        let Some(now) = self.discord.message(card.id) else { return true };
        if now.button(button).is_some() {
            return false;
        }
        let said = |text: &str| {
            now.text().contains(text) || now.history.iter().any(|before| format!("{:?}", before.embeds).contains(text))
        };
        let id = card.button("Yes").and_then(|button| button.custom_id.as_ref()?.parse::<CustomId>().ok());
        if let Some(id) = id
            && ["Confirmed. ", "You joined that sync"].into_iter().any(said)
        {
            self.seen().confirmed.insert(id.record.to_string());
        }
        true
    }

    async fn discord_is_up(&self) -> bool {
        self.until(PATIENCE, |discord| discord.connected() || discord.endpoint().is_some()).await
    }

    /// What came in the place of "thinking…".
    async fn answer(&self, asked: InteractionId) -> Option<MessageView> {
        self.until(PATIENCE, |discord| discord.reply_to(asked).is_some()).await;
        let there = |discord: &Discord| discord.reply_to(asked).is_none_or(|reply| !reply.loading);
        self.until(THINKING, there).await.then(|| self.discord.reply_to(asked)).flatten()
    }

    async fn ended(&self, pressed: InteractionId) {
        let ended =
            |discord: &Discord| discord.interaction(pressed).is_some_and(|state| state != InteractionState::Waiting);
        self.until(PATIENCE, ended).await;
    }

    /// Looks again and again, as long as patience lasts.
    async fn until(&self, patience: Duration, there: impl Fn(&Discord) -> bool) -> bool {
        let looking = async {
            while !there(&self.discord) {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(patience, looking).await.is_ok()
    }

    fn note(&self, answer: &str) {
        *self.seen().answers.entry(answer.to_owned()).or_default() += 1;
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an answer says first, without the name of the device.
fn title(card: &MessageView) -> String {
    let text = card.text();
    let mut parts = text.lines().next().unwrap_or_default().split('`');
    let (before, after) = (parts.next().unwrap_or_default(), parts.nth(1).map(str::to_owned));
    after.map_or_else(|| before.to_owned(), |after| format!("{before}…{after}"))
}
