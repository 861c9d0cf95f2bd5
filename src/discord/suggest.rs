//! Suggestions while someone types.

use commands::{Focused, Invocation};
use serenity::all::{CreateAutocompleteResponse, CreateInteractionResponse as Respond};

use super::cards;
use super::handler::Handler;
use super::outbound::CallError;
use super::read::Received;

impl Handler {
    /// Suggestions come from memory, so they need no deferral, no claim and no limit.
    pub(super) async fn autocomplete(&self, received: Received<Invocation>) -> Result<(), CallError> {
        let Received { id, token, actor, said } = received;
        let mut response = CreateAutocompleteResponse::new();
        match said.focused().filter(|_| !self.is_fenced_out(&actor)) {
            Some(Focused { option: "device", text }) => {
                let now = self.clock.now();
                for device in self.desk.suggest(&actor, text) {
                    response = response.add_string_choice(cards::suggestion(&device, now), device.id.to_string());
                }
            }
            Some(Focused { option: "user", text }) => {
                for person in self.desk.suggest_people(&actor, text) {
                    response = response.add_string_choice(cards::person(&person), person.id.to_string());
                }
            }
            _ => {}
        }
        self.outbound.acknowledge(id, &token, &Respond::Autocomplete(response)).await
    }
}
