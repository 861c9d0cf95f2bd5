//! Someone in the chat, and the answers they get.

use sim::discord::{Component, InteractionId, InteractionState, MessageId, MessageView, Select};

use super::{Bed, HELPDESK, show};

/// Someone who types and clicks.
#[derive(Clone, Copy)]
pub(crate) struct Person<'a> {
    bed: &'a Bed,
    name: &'static str,
}

/// What the bot answered to one thing that someone did. It shows the message as it stands when looked at.
#[derive(Clone)]
pub(crate) struct Answer<'a> {
    bed: &'a Bed,
    who: String,
    interaction: InteractionId,
}

impl<'a> Person<'a> {
    pub(super) fn new(bed: &'a Bed, name: &'static str) -> Self {
        Self { bed, name }
    }

    fn chat(self) -> sim::discord::ChatUser {
        self.bed.discord.user(self.name)
    }

    fn answer(self, interaction: InteractionId) -> Answer<'a> {
        Answer { bed: self.bed, who: self.name.to_owned(), interaction }
    }

    /// Types a command in the helpdesk's channel.
    pub(crate) async fn runs(self, command: &str) -> Answer<'a> {
        self.runs_in(HELPDESK, command).await
    }

    /// Types a command in the helpdesk's channel and does not wait.
    pub(crate) fn starts(self, command: &str) -> Answer<'a> {
        self.answer(self.chat().run(HELPDESK, command).expect("the client sends it"))
    }

    /// Types a command that somebody between Discord and the bot keeps to himself: the request as it was sent.
    pub(crate) fn loses(self, command: &str) -> sim::discord::Delivery {
        self.bed.discord.hold_deliveries(true);
        self.starts(command);
        self.bed.discord.hold_deliveries(false);
        self.bed.discord.deliveries().pop().expect("it was signed")
    }

    /// Types a command in another channel.
    pub(crate) async fn runs_in(self, channel: &str, command: &str) -> Answer<'a> {
        let interaction = self.chat().run(channel, command).expect("the client sends it");
        self.bed.settle().await;
        self.answer(interaction)
    }

    /// Types the code of the link page into the dialog that is open, and sends it.
    pub(crate) async fn enters(self, code: &str) -> Answer<'a> {
        let dialog = self.bed.discord.modal(self.name).expect("a dialog is open");
        let interaction = self.chat().submit(&dialog, &[("code", code)]).expect("the client sends it");
        self.bed.settle().await;
        self.answer(interaction)
    }

    /// Fills one field of the dialog that is open, and sends it.
    pub(crate) async fn submits(self, field: &str, text: &str) -> Answer<'a> {
        let dialog = self.bed.discord.modal(self.name).expect("a dialog is open");
        let interaction = self.chat().submit(&dialog, &[(field, text)]).expect("the client sends it");
        self.bed.settle().await;
        self.answer(interaction)
    }

    /// Goes the whole way of `/link` and signs in as `person`.
    pub(crate) async fn links_as(self, person: &str) -> Answer<'a> {
        let offered = self.runs("/link").await;
        let code = self.bed.browser().finishes(&offered.address_of("Sign in with Microsoft"), person).await;
        offered.clicks("Enter the code").await;
        let found = self.enters(&code).await;
        found.clicks("Link").await;
        found
    }

    /// Types a command while the interaction lies about the chat roles.
    pub(crate) async fn runs_claiming(self, command: &str, roles: &[&str]) -> Answer<'a> {
        let interaction = self.chat().run_claiming(HELPDESK, command, roles).expect("a modified client sends anything");
        self.bed.settle().await;
        self.answer(interaction)
    }

    /// Presses a button while the interaction lies about the chat roles.
    pub(crate) async fn clicks_claiming(self, answer: &Answer<'_>, label: &str, roles: &[&str]) -> Answer<'a> {
        let claiming = self.chat().claiming(roles);
        let interaction = claiming.click(answer.message().id, label).expect("the button can be pressed");
        self.bed.settle().await;
        self.answer(interaction)
    }

    /// Types a command in a server that the bot does not work in.
    pub(crate) async fn runs_in_guild(self, guild: &str, command: &str) -> Answer<'a> {
        let interaction = self.chat().run_in_guild(guild, HELPDESK, command).expect("the client sends it");
        self.bed.settle().await;
        self.answer(interaction)
    }

    /// Types a command in a direct message.
    pub(crate) async fn runs_in_direct_message(self, command: &str) -> Answer<'a> {
        let interaction = self.chat().run_in_direct_message(command).expect("the client sends it");
        self.bed.settle().await;
        self.answer(interaction)
    }

    /// Sends `/sync` for a device picked from the suggestions: its id.
    pub(crate) async fn syncs_id(self, id: &str) -> Answer<'a> {
        let sent = self.chat().run_with(HELPDESK, "/sync", &[("device", id)]);
        let interaction = sent.expect("the client sends it");
        self.bed.settle().await;
        self.answer(interaction)
    }

    /// Asks for a sync and presses Yes.
    pub(crate) async fn syncs(self, device: &str) -> Answer<'a> {
        let asked = self.runs(&format!("/sync device:{device}")).await;
        asked.clicks("Yes").await;
        asked
    }

    /// What is suggested while this is being typed.
    pub(crate) async fn types(self, command: &str) -> Vec<String> {
        let choices = self.chat().autocomplete(HELPDESK, command).await.expect("suggestions come in time");
        self.bed.settle().await;
        choices.into_iter().map(|choice| choice.name).collect()
    }

    /// Sends a click with this custom id on a message that somebody else may own, as a modified client could.
    pub(crate) async fn forges(self, message: MessageId, custom_id: &str) -> Answer<'a> {
        let interaction = self.chat().click_forged(message, custom_id).expect("a modified client sends anything");
        self.bed.settle().await;
        self.answer(interaction)
    }

    /// Presses a button on somebody else's answer, which a client would not even show.
    pub(crate) async fn clicks_on(self, answer: &Answer<'_>, label: &str) -> Answer<'a> {
        let message = answer.message();
        let id = message.button(label).and_then(|button| button.custom_id.clone()).expect("there is such a button");
        self.forges(message.id, &id).await
    }

    /// Presses a button on a message that everyone sees.
    pub(crate) async fn clicks_in_channel(self, message: &MessageView, label: &str) -> Answer<'a> {
        let interaction = self.chat().click(message.id, label).expect("the button can be pressed");
        self.bed.settle().await;
        self.answer(interaction)
    }
}

impl Answer<'_> {
    fn chat(&self) -> sim::discord::ChatUser {
        self.bed.discord.user(&self.who)
    }

    fn next(&self, interaction: InteractionId) -> Self {
        Self { bed: self.bed, who: self.who.clone(), interaction }
    }

    /// The message.
    pub(crate) fn message(&self) -> MessageView {
        self.bed.discord.reply_to(self.interaction).expect("the bot answered")
    }

    /// Its text.
    pub(crate) fn text(&self) -> String {
        show::times(&self.message().text())
    }

    /// The whole of it, with buttons and colours.
    pub(crate) fn card(&self) -> String {
        show::card(&self.message())
    }

    /// It must say this.
    pub(crate) fn says(&self, words: &str) -> &Self {
        let text = self.text();
        assert!(text.contains(words), "the bot should say {words:?}, and says:\n{text}");
        self
    }

    /// It must not say this.
    pub(crate) fn never_says(&self, words: &str) -> &Self {
        let text = self.text();
        assert!(!text.contains(words), "the bot should not say {words:?}, and says:\n{text}");
        self
    }

    /// The headlines it had, oldest first, the present one last.
    pub(crate) fn headlines(&self) -> Vec<String> {
        let message = self.message();
        let title = |embed: &serde_json::Value| embed["title"].as_str().map(str::to_owned);
        let before = message.history.iter().filter_map(|revision| title(revision.embeds.first()?));
        let now = message.embeds.first().and_then(|embed| embed.title.clone());
        before.chain(now).collect()
    }

    /// Whether only the asker sees it.
    pub(crate) fn is_private(&self) -> bool {
        self.message().ephemeral_for.as_deref() == Some(&self.who)
    }

    /// The custom id of a button.
    pub(crate) fn id_of(&self, label: &str) -> String {
        let message = self.message();
        message.button(label).and_then(|button| button.custom_id.clone()).expect("there is such a button")
    }

    /// Where a button leads.
    pub(crate) fn address_of(&self, label: &str) -> String {
        let message = self.message();
        message.button(label).and_then(|button| button.url.clone()).expect("there is such a button")
    }

    /// Presses a button, and waits for what comes of it.
    pub(crate) async fn clicks(&self, label: &str) -> Self {
        let next = self.presses(label);
        self.bed.settle().await;
        next
    }

    /// Presses a button and does not wait.
    pub(crate) fn presses(&self, label: &str) -> Self {
        let interaction = self.chat().click(self.message().id, label).expect("the button can be pressed");
        self.next(interaction)
    }

    /// The list in it.
    pub(crate) fn list(&self) -> Select {
        let rows = self.message().rows;
        let list = rows.into_iter().flatten().find_map(|component| match component {
            Component::Select(select) => Some(select),
            Component::Button(_) => None,
        });
        list.expect("the answer holds a list")
    }

    /// Chooses from its list, counting from 0.
    pub(crate) async fn selects(&self, index: usize) -> Self {
        let list = self.list();
        let value = &list.options.get(index).expect("so many are offered").value;
        let chosen = self.chat().select(self.message().id, &list.custom_id, &[value]);
        let interaction = chosen.expect("the client sends the choice");
        self.bed.settle().await;
        self.next(interaction)
    }

    /// Claims to have chosen something that its list does not offer.
    pub(crate) async fn forges_choice(&self, value: &str) -> Self {
        let sent = self.chat().select_raw(self.message().id, &self.list().custom_id, &[value]);
        let interaction = sent.expect("a modified client sends anything");
        self.bed.settle().await;
        self.next(interaction)
    }

    /// Discord delivers the same interaction again.
    pub(crate) async fn is_delivered_again(&self) {
        assert!(self.bed.discord.resend(self.interaction), "there is a connection to deliver it over");
        // Deliveries keep their order, so what comes after it says when it was taken.
        self.bed.user("ada").runs("/help").await;
    }

    /// How it was answered.
    pub(crate) fn state(&self) -> InteractionState {
        self.bed.discord.interaction(self.interaction).expect("there was such an interaction")
    }
}
