//! `demo --script`: plays every scene in the terminal, shows what people saw, and checks how each ended.

use anyhow::bail;

use super::scenes::{APPROVALS, HELPDESK, SCENES, Scene, stage};
use crate::cli::say;

/// Where the team reads.
const TEAM: &str = "device-team";

/// Plays all scenes; an error when one did not end as it must.
pub(super) async fn play() -> anyhow::Result<()> {
    let mut failed = Vec::new();
    for (number, scene) in SCENES.iter().enumerate() {
        say(&format!("━━ {}. {} ━━\n{}\n", number + 1, scene.title, scene.about));
        match Box::pin(play_one(scene)).await {
            Ok(()) => say("✓ ended as it must\n"),
            Err(error) => {
                say(&format!("✗ {error:#}\n"));
                failed.push(scene.title);
            }
        }
    }
    if failed.is_empty() {
        say(&format!("{} scenes played, each ended as it must.", SCENES.len()));
        return Ok(());
    }
    bail!("{} of {} scenes ended otherwise: {}", failed.len(), SCENES.len(), failed.join("; "))
}

async fn play_one(scene: &Scene) -> anyhow::Result<()> {
    let stage = stage(scene.config).await?;
    let result = (scene.play)(&stage).await;
    let indented = |channel: &str| {
        let text = stage.sim.discord.transcript(channel);
        text.lines().map(|line| format!("    {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    };
    for channel in [HELPDESK, APPROVALS, TEAM] {
        let transcript = indented(channel);
        if !transcript.trim().is_empty() {
            say(&format!("  #{channel}\n{transcript}\n"));
        }
    }
    let calls = stage.sim.tenant.sync_calls();
    let unexpected = stage.sim.tenant.unexpected_writes();
    say(&format!("  Graph: {} sync call(s), {} other write(s)", calls.len(), unexpected.len()));
    stage.stop().await;
    result?;
    if !unexpected.is_empty() {
        bail!("the bot wrote something else than a sync");
    }
    Ok(())
}
