//! The scenes of `demo --script`: what a person does, and how it must end.

use anyhow::{Context as _, bail, ensure};
use jiff::SignedDuration;
use sim::discord::{InteractionId, MessageView};
use sim::tenant::{Fault, FaultKind};

use super::stage::{Stage, StageOptions};

/// Where the helpdesk asks.
pub(super) const HELPDESK: &str = "helpdesk";

/// One scene.
pub(super) struct Scene {
    /// What it shows.
    pub(super) title: &'static str,
    /// What is special about its world.
    pub(super) about: &'static str,
    /// TOML laid over the bot's config.
    pub(super) config: &'static str,
    /// Plays it; an error says what ended otherwise than it must.
    pub(super) play: for<'a> fn(&'a Stage) -> Playing<'a>,
}

type Playing<'a> = std::pin::Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send + 'a>>;

/// Every scene, in the order played.
pub(super) const SCENES: &[Scene] = &[
    Scene {
        title: "Checked in, with mixed app failures",
        about: "IPAD-017 checks in 45 s after it is asked. One app is mended by that, three still fail, each with other advice.",
        config: "",
        play: |stage| Box::pin(checked_in(stage)),
    },
    Scene {
        title: "Never checks in",
        about: "PIX-009 is switched off. After an hour the bot says what is true: not seen yet.",
        config: "",
        play: |stage| Box::pin(never_checks_in(stage)),
    },
    Scene {
        title: "A name that several devices have",
        about: "Two iPads are called SHARED-IPAD. The bot asks which; it never takes the first.",
        config: "",
        play: |stage| Box::pin(ambiguous(stage)),
    },
    Scene {
        title: "No role",
        about: "Nora has no chat role that stands for an Intune role.",
        config: "",
        play: |stage| Box::pin(no_role(stage)),
    },
    Scene {
        title: "A role without the permission",
        about: "Rolf is a Read Only Operator: he may look, and may not sync.",
        config: "",
        play: |stage| Box::pin(read_only(stage)),
    },
    Scene {
        title: "A platform that Sync does not know",
        about: "LNX-BUILD-3 runs Linux.",
        config: "",
        play: |stage| Box::pin(refused_device(stage, "LNX-BUILD-3", "It runs `Linux`")),
    },
    Scene {
        title: "A device that is being wiped",
        about: "A wipe of LT-WIPED is on its way; Intune would ignore a sync.",
        config: "",
        play: |stage| Box::pin(refused_device(stage, "LT-WIPED", "A wipe is on its way")),
    },
    Scene {
        title: "Graph is down for a while",
        about: "Microsoft Graph answers 503 to the sync for three minutes. The request is kept, and sent when Graph is back.",
        config: "",
        play: |stage| Box::pin(graph_down(stage)),
    },
    Scene {
        title: "An expired confirmation",
        about: "Nobody presses Yes for ten minutes; a late press changes nothing.",
        config: "",
        play: |stage| Box::pin(expired(stage)),
    },
    Scene {
        title: "Many devices, and a second person",
        about: "Hanna asks for every device of one person. Three or more want a lead to agree; Lena does. The end has a table and a picture.",
        config: LARGE,
        play: |stage| Box::pin(many(stage)),
    },
];

/// Where a second person is asked to agree.
pub(super) const APPROVALS: &str = "sync-approvals";

/// The demo's approval rule: three devices and more want one of the Endpoint Leads.
pub(super) const LARGE: &str = r#"
[discord]
approvals_channel_id = "900000000000000103"
[[approval.rule]]
name = "three or more"
min_devices = 3
approver_roles = ["900000000000000207"]
"#;

/// A world for one scene.
pub(super) async fn stage(config: &str) -> anyhow::Result<Stage> {
    Stage::start(StageOptions { config: config.to_owned(), ..StageOptions::still() }).await
}

async fn sync(stage: &Stage, who: &str, device: &str) -> anyhow::Result<InteractionId> {
    let asked = stage.sim.discord.user(who).run(HELPDESK, &format!("/sync device:{device}"))?;
    stage.settle().await?;
    Ok(asked)
}

fn reply(stage: &Stage, to: InteractionId) -> anyhow::Result<MessageView> {
    stage.sim.discord.reply_to(to).context("the bot did not answer")
}

async fn press(stage: &Stage, who: &str, on: InteractionId, button: &str) -> anyhow::Result<()> {
    let message = reply(stage, on)?;
    stage.sim.discord.user(who).click(message.id, button)?;
    stage.settle().await
}

fn says(message: &MessageView, words: &str) -> anyhow::Result<()> {
    ensure!(message.text().contains(words), "the bot should say {words:?}, and says:\n{}", message.text());
    Ok(())
}

/// The newest message that mentions the asker in the channel.
fn channel_word(stage: &Stage) -> anyhow::Result<MessageView> {
    let messages = stage.sim.discord.messages(HELPDESK);
    messages.into_iter().rfind(|message| !message.is_ephemeral()).context("the bot should have spoken in the channel")
}

fn no_call(stage: &Stage) -> anyhow::Result<()> {
    let calls = stage.sim.tenant.sync_calls();
    ensure!(calls.is_empty(), "nothing should have been sent to Intune, and {} call(s) were", calls.len());
    Ok(())
}

async fn checked_in(stage: &Stage) -> anyhow::Result<()> {
    let asked = sync(stage, "hanna", "IPAD-017").await?;
    says(&reply(stage, asked)?, "Sync `IPAD-017`?")?;
    press(stage, "hanna", asked, "Yes").await?;
    says(&reply(stage, asked)?, "accepted")?;
    stage.advance(SignedDuration::from_mins(3)).await?;
    let outcome = reply(stage, asked)?;
    for words in [
        "`IPAD-017` checked in",
        "Contoso Expenses",
        "Retryable",
        "Roaming Notes",
        "Not retryable",
        "Not in Microsoft's retry table",
    ] {
        says(&outcome, words)?;
    }
    ensure!(stage.sim.tenant.sync_calls().len() == 1, "exactly one call should have been made");
    Ok(())
}

async fn never_checks_in(stage: &Stage) -> anyhow::Result<()> {
    let asked = sync(stage, "hanna", "PIX-009").await?;
    says(&reply(stage, asked)?, "not been seen for")?;
    press(stage, "hanna", asked, "Yes").await?;
    stage.advance(SignedDuration::from_mins(62)).await?;
    says(&reply(stage, asked)?, "will appear in this channel")?;
    let outcome = channel_word(stage)?;
    says(&outcome, "seen yet")?;
    says(&outcome, "not a failure")?;
    ensure!(outcome.button("Tell me when it shows up").is_some(), "the bot should offer to keep watching");
    Ok(())
}

async fn ambiguous(stage: &Stage) -> anyhow::Result<()> {
    let asked = sync(stage, "hanna", "SHARED-IPAD").await?;
    let question = reply(stage, asked)?;
    says(&question, "Which device?")?;
    let Some(sim::discord::Component::Select(select)) = question.rows.iter().flatten().next() else {
        bail!("the bot should show a list");
    };
    let second = &select.options.get(1).context("the list should hold two devices")?.value;
    stage.sim.discord.user("hanna").select(question.id, &select.custom_id, &[second])?;
    stage.settle().await?;
    says(&reply(stage, asked)?, "Sync `SHARED-IPAD`?")?;
    press(stage, "hanna", asked, "No").await?;
    says(&reply(stage, asked)?, "Nothing was sent")?;
    no_call(stage)
}

async fn no_role(stage: &Stage) -> anyhow::Result<()> {
    let asked = sync(stage, "nora", "LT-042").await?;
    says(&reply(stage, asked)?, "None of your chat roles stands for an Intune role")?;
    no_call(stage)
}

async fn read_only(stage: &Stage) -> anyhow::Result<()> {
    let asked = sync(stage, "rolf", "LT-042").await?;
    says(&reply(stage, asked)?, "You hold `Read Only Operator`")?;
    let looked = stage.sim.discord.user("rolf").run(HELPDESK, "/device device:LT-042")?;
    stage.settle().await?;
    says(&reply(stage, looked)?, "Jonas Weber")?;
    no_call(stage)
}

async fn refused_device(stage: &Stage, device: &str, words: &str) -> anyhow::Result<()> {
    let asked = sync(stage, "hanna", device).await?;
    says(&reply(stage, asked)?, words)?;
    no_call(stage)
}

async fn graph_down(stage: &Stage) -> anyhow::Result<()> {
    let asked = sync(stage, "omar", "LT-042").await?;
    let until = stage.now().saturating_add(SignedDuration::from_mins(3))?;
    stage.sim.tenant.push_fault(Fault::on_sync(FaultKind::Unavailable).until(until));
    press(stage, "omar", asked, "Yes").await?;
    says(&reply(stage, asked)?, "Your request is kept")?;
    stage.advance(SignedDuration::from_mins(10)).await?;
    says(&reply(stage, asked)?, "`LT-042` checked in")
}

async fn expired(stage: &Stage) -> anyhow::Result<()> {
    let asked = sync(stage, "hanna", "LT-042").await?;
    let card = reply(stage, asked)?;
    let yes = card
        .button("Yes")
        .context("the card should have a Yes")?
        .custom_id
        .clone()
        .context("Yes should carry an id")?;
    stage.advance(SignedDuration::from_mins(11)).await?;
    says(&reply(stage, asked)?, "Nobody pressed Yes in time")?;
    let late = stage.sim.discord.user("hanna").click_forged(card.id, &yes)?;
    stage.settle().await?;
    says(&reply(stage, late)?, "expired")?;
    no_call(stage)
}

async fn many(stage: &Stage) -> anyhow::Result<()> {
    let command = "/bulk-sync user user:jonas.weber@contoso.example reason:INC-1042";
    let asked = stage.sim.discord.user("hanna").run(HELPDESK, command)?;
    stage.settle().await?;
    says(&reply(stage, asked)?, "Sync 6 devices?")?;
    press(stage, "hanna", asked, "Yes").await?;
    says(&reply(stage, asked)?, "for approval")?;
    no_call(stage)?;
    let card = stage.sim.discord.messages(APPROVALS).pop().context("a second person should be asked")?;
    says(&card, "Approve the sync of 6 devices?")?;
    stage.sim.discord.user("lena").click(card.id, "Approve")?;
    stage.advance(SignedDuration::from_mins(75)).await?;
    let messages = stage.sim.discord.messages(HELPDESK);
    let summary = messages.iter().find(|message| message.text().contains("of 6 devices checked in"));
    let summary = summary.context("the asker should be told how it ended")?;
    ensure!(summary.attachments.len() == 1, "a picture, not {:?}", summary.attachments);
    let live = messages.iter().find(|message| message.text().contains("The sync of 6 devices is over"));
    let live = live.context("the live message should say that it is over")?;
    ensure!(live.attachments.len() == 1, "a table, not {:?}", live.attachments);
    let devices: std::collections::BTreeSet<_> =
        stage.sim.tenant.sync_calls().into_iter().map(|call| call.device_id).collect();
    ensure!(devices.len() == 6, "each of the six devices is called, not {}", devices.len());
    Ok(())
}
