//! Interactions about many devices and about a second person: `/bulk-sync`, Cancel, Approve, Reject, `/freeze`.

use commands::{CustomId, Target, Verb};
use secrecy::SecretString;
use serenity::all::{
    CreateActionRow, CreateInputText, CreateInteractionResponse as Respond, CreateModal, InputTextStyle,
};

use super::card::Card;
use super::cards;
use super::handler::Handler;
use super::outbound::CallError;
use super::read::Filled;
use super::table;
use crate::chat::{Actor, InteractionId};
use crate::store::{Reply, RequestId, Voted};
use crate::sync::{Answered, BulkAsked, Trouble};

/// The one input of the dialog that asks why.
const INPUT: &str = "reason";

/// Longest reason, in characters.
const REASON_MAX: u16 = 300;

fn dialog(custom_id: CustomId) -> CreateModal {
    let input = CreateInputText::new(InputTextStyle::Paragraph, cards::REJECT_LABEL, INPUT)
        .max_length(REASON_MAX)
        .required(false);
    CreateModal::new(custom_id.to_string(), cards::REJECT_TITLE).components(vec![CreateActionRow::InputText(input)])
}

impl Handler {
    pub(super) async fn bulk_sync(
        &self,
        actor: &Actor,
        (target, reason, dry_run): (&Target, Option<&str>, bool),
        reply: &Reply,
    ) -> Result<Card, Trouble> {
        Ok(match self.desk.ask_bulk(actor, target, reason, dry_run, reply).await? {
            BulkAsked::Propose(proposal) => {
                let mut card = cards::bulk_confirm(&proposal);
                if proposal.devices.len() > cards::NAMED || !proposal.left_out.shown.is_empty() {
                    let table = table::preview(&proposal.devices, &proposal.left_out);
                    if let Err(error) = card.attach("devices.csv", table) {
                        tracing::warn!(%error, "a table was left out of a card");
                    }
                }
                card
            }
            BulkAsked::Refused(refusal) => cards::refusal(&refusal, "sync"),
        })
    }

    /// Cancel on a running bulk request.
    pub(super) async fn stop(
        &self,
        id: InteractionId,
        token: &SecretString,
        actor: &Actor,
        custom_id: CustomId,
    ) -> Result<(), CallError> {
        let card = match self.within_budget(self.desk.stop(actor, RequestId(custom_id.record.0))).await {
            Ok(stopped) => cards::stopped(stopped),
            Err(card) => card,
        };
        let said = self.say(id, token, &card).await;
        self.desk.wake();
        said
    }

    /// Approve, whose checks ask Graph, and Reject, which asks why first.
    pub(super) async fn second_person(
        &self,
        id: InteractionId,
        token: &SecretString,
        actor: &Actor,
        custom_id: CustomId,
    ) -> Result<(), CallError> {
        let request = RequestId(custom_id.record.0);
        if custom_id.verb == Verb::Reject {
            let response = match self.within_budget(self.desk.may_reject(actor, request)).await {
                Ok(Ok(())) => Respond::Modal(dialog(custom_id)),
                Ok(Err(answered)) => Respond::Message(cards::answered(&answered).private_answer()),
                Err(card) => Respond::Message(card.private_answer()),
            };
            return self.outbound.acknowledge(id, token, &response).await;
        }
        self.defer(id, token).await?;
        let card = match self.desk.approve(actor, request, custom_id.round).await {
            Ok(Answered::Voted(Voted::SignInFirst)) => match self.linking.step_up(actor, request).await {
                Ok(first) => cards::sign_in_first(&first),
                Err(error) => self.trouble(&error.into()),
            },
            Ok(answered) => cards::answered(&answered),
            Err(trouble) => self.trouble(&trouble),
        };
        self.answer_with(token, &card).await
    }

    /// The dialog of Reject, filled in and sent.
    pub(super) async fn rejected(
        &self,
        id: InteractionId,
        token: &SecretString,
        actor: &Actor,
        custom_id: CustomId,
        said: &Filled,
    ) -> Result<(), CallError> {
        self.defer(id, token).await?;
        let reason = said.text(INPUT).map(str::trim).filter(|reason| !reason.is_empty());
        let card = match self.desk.reject(actor, RequestId(custom_id.record.0), reason).await {
            Ok(answered) => cards::answered(&answered),
            Err(trouble) => self.trouble(&trouble),
        };
        self.answer_with(token, &card).await
    }
}
