//! The smallest bot in poise that acknowledges: a command is answered with a button, a press of it is acknowledged.
//!
//! `rival-poise API_URL GATEWAY_URL TOKEN APPLICATION GUILD`.

use poise::serenity_prelude as discord;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Sync
#[poise::command(slash_command)]
async fn sync(ctx: poise::ApplicationContext<'_, (), Error>, #[description = "Which"] device: String) -> Result<(), Error> {
    drop(device);
    let yes = discord::CreateButton::new("yes").label("Yes");
    let reply = poise::CreateReply::default().content("Sync?").ephemeral(true);
    ctx.send(reply.components(vec![discord::CreateActionRow::Buttons(vec![yes])])).await?;
    Ok(())
}

async fn on_event(ctx: &discord::Context, event: &discord::FullEvent) -> Result<(), Error> {
    if let discord::FullEvent::InteractionCreate { interaction: discord::Interaction::Component(click) } = event {
        click.create_response(&ctx.http, discord::CreateInteractionResponse::Acknowledge).await?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [api, gateway, token, application, guild] = &args[..] else { return Err("five arguments".into()) };
    let guild = discord::GuildId::new(guild.parse()?);
    let options = poise::FrameworkOptions {
        commands: vec![sync()],
        event_handler: |ctx, event, _framework, ()| Box::pin(on_event(ctx, event)),
        ..Default::default()
    };
    let framework = poise::Framework::builder().options(options).setup(move |ctx, _ready, framework| {
        Box::pin(async move { Ok(poise::builtins::register_in_guild(ctx, &framework.options().commands, guild).await?) })
    });
    let http = discord::HttpBuilder::new(token)
        .application_id(application.parse()?)
        .proxy(api)
        .ratelimiter_disabled(true)
        .build();
    let client = discord::ClientBuilder::new_with_http(http, discord::GatewayIntents::empty());
    let mut client = client.framework(framework.build()).await?;
    *client.ws_url.lock().await = gateway.clone();
    Ok(client.start().await?)
}
