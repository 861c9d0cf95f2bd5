//! The chat side of linking: the dialog for the code, what was typed in it, and the two buttons after it.

use commands::{CustomId, Verb};
use secrecy::SecretString;
use serenity::all::{
    CreateActionRow, CreateInputText, CreateInteractionResponse as Respond, CreateModal, InputTextStyle,
};

use super::cards;
use super::handler::Handler;
use super::outbound::CallError;
use super::read::{Filled, Received};
use crate::chat::{Actor, InteractionId};
use crate::store::LinkAttemptId;

/// The dialog's one input.
const INPUT: &str = "code";

/// Characters of a typed code: six digits, and what people put between them.
const TYPED: std::ops::RangeInclusive<u16> = 6..=12;

fn dialog(custom_id: CustomId) -> CreateModal {
    let input = CreateInputText::new(InputTextStyle::Short, cards::CODE_LABEL, INPUT)
        .placeholder(cards::CODE_EXAMPLE)
        .min_length(*TYPED.start())
        .max_length(*TYPED.end())
        .required(true);
    CreateModal::new(custom_id.to_string(), cards::CODE_TITLE).components(vec![CreateActionRow::InputText(input)])
}

impl Handler {
    /// A press of one of linking's buttons.
    pub(super) async fn link_press(
        &self,
        id: InteractionId,
        token: &SecretString,
        actor: &Actor,
        custom_id: CustomId,
    ) -> Result<(), CallError> {
        let attempt = LinkAttemptId(custom_id.record.0);
        let work = async {
            Ok(match custom_id.verb {
                Verb::LinkCode => {
                    self.linking.may_enter_code(actor, attempt).await?.map(|()| Respond::Modal(dialog(custom_id)))
                }
                Verb::LinkYes => {
                    let linked = self.linking.accept(actor, attempt).await?;
                    self.desk.link_changed();
                    linked.map(|person| Respond::UpdateMessage(cards::linked(&person).in_place()))
                }
                _ => {
                    let declined = self.linking.decline(actor, attempt).await?;
                    declined.map(|()| Respond::UpdateMessage(cards::link_declined().in_place()))
                }
            })
        };
        let response = match self.within_budget(work).await {
            Ok(Ok(response)) => response,
            Ok(Err(refusal)) => Respond::Message(cards::link_refusal(refusal).private_answer()),
            Err(card) => Respond::Message(card.private_answer()),
        };
        self.outbound.acknowledge(id, token, &response).await
    }

    /// A dialog, filled in and sent. Its answer is a message of its own: the card it came from stays as it is.
    pub(super) async fn dialog(&self, received: Received<Filled>) -> Result<(), CallError> {
        let Received { id, token, actor, said } = received;
        if let Some(card) = self.turned_away(&actor, said.id.ok().map(|id| id.verb)) {
            return self.say(id, &token, &card).await;
        }
        match self.within_budget(self.claimed(id)).await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(card) => return self.say(id, &token, &card).await,
        }
        if let Ok(custom_id @ CustomId { verb: Verb::Reject, .. }) = said.id {
            return self.rejected(id, &token, &actor, custom_id, &said).await;
        }
        let card = match said.id {
            Ok(CustomId { verb: Verb::LinkCode, record, .. }) => {
                let attempt = LinkAttemptId(record.0);
                let typed = said.text(INPUT).unwrap_or_default();
                let entered = async { Ok(self.linking.enter_code(&actor, attempt, typed).await?) };
                match self.within_budget(entered).await {
                    Ok(Ok(person)) => cards::link_found(attempt, &person),
                    Ok(Err(refusal)) => cards::link_refusal(refusal),
                    Err(card) => card,
                }
            }
            _ => match self.within_budget(self.desk.foreign_click(&actor)).await {
                Ok(()) => cards::foreign_click(),
                Err(card) => card,
            },
        };
        self.say(id, &token, &card).await
    }
}
