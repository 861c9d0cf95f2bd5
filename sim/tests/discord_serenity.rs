//! A real serenity client against the simulated Discord: what the simulator says is what serenity's types accept.

#![expect(clippy::unwrap_used, reason = "a test: what is not there is its failure")]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{APP, GUILD, HANNA, HELPDESK};
use serenity::all::{
    ActionRowComponent, Client, ClientBuilder, Command, Context, CreateActionRow, CreateAllowedMentions,
    CreateAttachment, CreateAutocompleteResponse, CreateButton, CreateCommand, CreateCommandOption, CreateEmbed,
    CreateInputText, CreateInteractionResponse, CreateInteractionResponseFollowup, CreateInteractionResponseMessage,
    CreateMessage, CreateModal, EditInteractionResponse, EditMessage, EventHandler, GatewayIntents, GuildId, Http,
    HttpBuilder, InputTextStyle, Interaction, Nonce, Ready, async_trait,
};
use sim::discord::{InteractionState, Ping};
use sim::{Clock, Sim};

/// Answers everything the way a careful bot does, and notes what it got.
#[derive(Default)]
struct Bot {
    seen: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl EventHandler for Bot {
    async fn ready(&self, ctx: Context, ready: Ready) {
        assert_eq!(ready.user.name, "Intune Sync");
        let device =
            CreateCommandOption::new(serenity::all::CommandOptionType::String, "device", "Which device").required(true);
        let sync = CreateCommand::new("sync").description("Sync").add_option(device.set_autocomplete(true));
        GuildId::new(GUILD.parse().unwrap()).set_commands(&ctx.http, vec![sync]).await.expect("registered");
    }

    async fn interaction_create(&self, ctx: Context, interaction: Interaction) {
        self.seen.lock().unwrap().push(format!("{:?}", interaction.kind()));
        match interaction {
            Interaction::Command(command) => {
                command.defer_ephemeral(&ctx.http).await.expect("deferred");
                let buttons = CreateActionRow::Buttons(vec![
                    CreateButton::new("v1:yes:1").label("Yes"),
                    CreateButton::new("v1:why:1").label("Why"),
                ]);
                let edit = EditInteractionResponse::new()
                    .allowed_mentions(CreateAllowedMentions::new())
                    .embed(CreateEmbed::new().title("Sync LT-042?").field("Device", "LT-042", true))
                    .components(vec![buttons]);
                let message = command.edit_response(&ctx.http, edit).await.expect("edited");
                assert!(message.flags.unwrap().contains(serenity::all::MessageFlags::EPHEMERAL));
                let follow_up = CreateInteractionResponseFollowup::new().content("more").ephemeral(true);
                command.create_followup(&ctx.http, follow_up).await.expect("followed up");
            }
            Interaction::Autocomplete(question) => {
                let typed = question.data.autocomplete().expect("a focused option").value.to_owned();
                let answer = CreateAutocompleteResponse::new().add_string_choice(format!("{typed} (Hanna)"), "id-42");
                question.create_response(&ctx.http, CreateInteractionResponse::Autocomplete(answer)).await.expect("ok");
            }
            Interaction::Component(click) if click.data.custom_id == "v1:yes:1" => {
                assert_eq!(click.message.embeds[0].title.as_deref(), Some("Sync LT-042?"));
                let update =
                    CreateInteractionResponseMessage::new().content("Confirmed.").embeds(vec![]).components(vec![]);
                click.create_response(&ctx.http, CreateInteractionResponse::UpdateMessage(update)).await.expect("ok");
            }
            Interaction::Component(click) => {
                let input = CreateInputText::new(InputTextStyle::Short, "Reason", "reason");
                let modal = CreateModal::new("v1:why:1", "Why?").components(vec![CreateActionRow::InputText(input)]);
                click.create_response(&ctx.http, CreateInteractionResponse::Modal(modal)).await.expect("ok");
            }
            Interaction::Modal(modal) => {
                let ActionRowComponent::InputText(input) = &modal.data.components[0].components[0] else { panic!() };
                let said = input.value.clone().unwrap_or_default();
                let answer = CreateInteractionResponseMessage::new().content(format!("Because {said}")).ephemeral(true);
                modal.create_response(&ctx.http, CreateInteractionResponse::Message(answer)).await.expect("ok");
            }
            _ => panic!("an unknown interaction"),
        }
    }
}

fn http(sim: &Sim) -> Http {
    HttpBuilder::new("sim-bot-token")
        .application_id(APP.parse().unwrap())
        .default_allowed_mentions(CreateAllowedMentions::new())
        .proxy(sim.url())
        .ratelimiter_disabled(true)
        .build()
}

async fn start(sim: &Sim, bot: Bot) -> Client {
    let builder = ClientBuilder::new_with_http(http(sim), GatewayIntents::empty()).event_handler(bot);
    let client = builder.await.expect("a client");
    *client.ws_url.lock().await = sim.gateway_url();
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn serenity_gets_through_command_click_dialog_and_choices() {
    let sim = common::world_at(Clock::real()).await;
    let bot = Bot::default();
    let seen = Arc::clone(&bot.seen);
    let mut client = start(&sim, bot).await;
    let shards = Arc::clone(&client.shard_manager);
    let running = tokio::spawn(async move { client.start().await });
    sim.discord.wait_connected().await;
    sim.discord.wait_until(|discord| !discord.registered_commands().is_empty()).await;
    let hanna = sim.discord.user("hanna");

    let choices = hanna.autocomplete("helpdesk", "/sync device:LT-0").await.unwrap();
    assert_eq!(choices[0].name, "LT-0 (Hanna)");

    let id = hanna.run("helpdesk", "/sync device:LT-0 (Hanna)").unwrap();
    sim.discord.wait_until(|discord| discord.messages("helpdesk").len() == 2).await;
    assert!(matches!(sim.discord.interaction(id), Some(InteractionState::Acknowledged { callback: 5, .. })));
    let card = sim.discord.reply_to(id).unwrap();
    assert_eq!(card.embeds[0].field("Device"), Some("LT-042"));
    assert!(card.is_ephemeral() && !card.loading);
    assert!(sim.discord.messages_seen_by("helpdesk", "omar").is_empty());

    hanna.click(card.id, "Why").unwrap();
    sim.discord.wait_until(|discord| discord.modal("hanna").is_some()).await;
    let modal = sim.discord.modal("hanna").unwrap();
    hanna.submit(&modal, &[("reason", "INC-1")]).unwrap();
    sim.discord.wait_until(|discord| discord.messages("helpdesk").len() == 3).await;
    assert_eq!(sim.discord.messages("helpdesk")[2].content, "Because INC-1");

    hanna.click(card.id, "Yes").unwrap();
    sim.discord.wait_until(|discord| discord.message(card.id).is_some_and(|card| card.content == "Confirmed.")).await;
    let card = sim.discord.message(card.id).unwrap();
    assert!(card.rows.is_empty() && card.edited.is_some());
    assert_eq!(card.history.len(), 1);

    for id in [
        hanna.run_in_guild("900000000000000999", "helpdesk", "/sync device:LT-042"),
        hanna.run_in_direct_message("/sync device:LT-042"),
    ] {
        let id = id.unwrap();
        let followed = |discord: &sim::Discord| discord.reply_to(id).is_some_and(|card| !card.loading);
        tokio::time::timeout(Duration::from_secs(3), sim.discord.wait_until(followed))
            .await
            .expect("read and answered");
    }

    let wanted = ["Autocomplete", "Command", "Component", "Modal", "Component", "Command", "Command"];
    assert_eq!(*seen.lock().unwrap(), wanted);
    assert_eq!(sim.discord.ack_latencies().len(), 7);
    let idle = async {
        while !sim.is_idle() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(3), idle).await.expect("nothing is left under way");
    shards.shutdown_all().await;
    running.await.unwrap().unwrap();
    sim.discord.wait_until(|discord| !discord.connected()).await;
}

#[tokio::test]
async fn serenity_reads_guild_member_channel_and_application() {
    let sim = common::world().await;
    let http = http(&sim);
    let guild = http.get_guild(GUILD.parse().unwrap()).await.expect("a guild");
    assert_eq!(guild.roles.len(), 8);
    let member = http.get_member(GUILD.parse().unwrap(), HANNA.parse().unwrap()).await.expect("a member");
    assert_eq!(member.user.global_name.as_deref(), Some("Hanna Meyer"));
    assert_eq!(http.get_channel(HELPDESK.parse().unwrap()).await.expect("a channel").guild().unwrap().name, "helpdesk");
    assert_eq!(http.get_current_user().await.expect("a user").id.to_string(), APP);
    assert_eq!(http.get_current_application_info().await.expect("an application").id.to_string(), APP);
    assert_eq!(http.get_bot_gateway().await.expect("a gateway").session_start_limit.remaining, 1000);
    assert!(Command::get_global_commands(&http).await.expect("commands").is_empty());
}

#[tokio::test]
async fn serenity_posts_edits_reads_and_deletes_channel_messages() {
    let sim = common::world().await;
    let http = http(&sim);
    let channel = serenity::all::ChannelId::new(HELPDESK.parse().unwrap());
    let hanna = serenity::all::UserId::new(HANNA.parse().unwrap());
    let body = |nonce: &str| {
        CreateMessage::new()
            .content(format!("<@{HANNA}> done"))
            .allowed_mentions(CreateAllowedMentions::new().users([hanna]))
            .nonce(Nonce::String(nonce.to_owned()))
            .enforce_nonce(true)
    };
    let first = channel.send_message(&http, body("n1")).await.expect("sent");
    let again = channel.send_message(&http, body("n1")).await.expect("sent");
    assert_eq!(first.id, again.id, "the nonce is remembered");
    let mut file = channel
        .send_message(&http, CreateMessage::new().add_file(CreateAttachment::bytes(b"a,b".to_vec(), "report.csv")))
        .await
        .expect("uploaded");
    assert_eq!((file.attachments[0].filename.as_str(), file.attachments[0].size), ("report.csv", 3));
    file.edit(&http, EditMessage::new().content("edited")).await.expect("edited");
    assert_eq!(channel.message(&http, file.id).await.expect("read").content, "edited");
    let list = channel.messages(&http, serenity::all::GetMessages::new().limit(10)).await.expect("listed");
    assert_eq!(list.len(), 2);
    file.delete(&http).await.expect("deleted");
    let views = sim.discord.messages("helpdesk");
    assert_eq!(views.len(), 1);
    assert_eq!(views[0].pings, [Ping::User("hanna".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn serenity_resumes_after_a_drop_and_after_op_7_and_misses_nothing() {
    let sim = common::world_at(Clock::real()).await;
    let bot = Bot::default();
    let seen = Arc::clone(&bot.seen);
    let mut client = start(&sim, bot).await;
    tokio::spawn(async move { client.start().await });
    sim.discord.wait_until(|discord| !discord.registered_commands().is_empty()).await;
    sim.discord.drop_gateway();
    let id = sim.discord.user("hanna").run("helpdesk", "/sync device:LT-042").unwrap();
    let answered = |discord: &sim::Discord| {
        matches!(discord.interaction(id), Some(InteractionState::Acknowledged { .. })) && discord.connected()
    };
    tokio::time::timeout(Duration::from_secs(3), sim.discord.wait_until(answered)).await.expect("answered in time");
    sim.discord.ask_to_reconnect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    tokio::time::timeout(Duration::from_secs(3), sim.discord.wait_connected()).await.expect("back in time");
    assert_eq!(sim.discord.identifies(), 1, "both were resumed");
    assert_eq!(seen.lock().unwrap().len(), 1);
}
