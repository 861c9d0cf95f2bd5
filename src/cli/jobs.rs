//! `jobs list` and `jobs retry`: what became of device syncs that the bot gave up because it failed itself, and taking one up again.

use anyhow::bail;
use serde_json::json;

use super::links::open;
use super::print::say;
use crate::clock::Clock;
use crate::settings::{Source, load};
use crate::store::{DeadSync, DeviceSyncId, Revived};

/// Shown at the most; more than a few are one cause.
const MOST: u32 = 200;

pub(super) async fn list(source: &Source, as_json: bool) -> anyhow::Result<()> {
    let dead = open(&load(source)?).await?.dead(MOST).await?;
    if as_json {
        let all: Vec<_> = dead.iter().map(object).collect();
        say(&serde_json::to_string_pretty(&all)?);
    } else if dead.is_empty() {
        say("Nothing was given up.");
    } else {
        say(&dead.iter().map(line).collect::<Vec<_>>().join("\n"));
    }
    Ok(())
}

fn object(dead: &DeadSync) -> serde_json::Value {
    json!({
        "id": dead.id.to_string(),
        "device": dead.device,
        "asker": dead.asker,
        "given_up_at": dead.dead_at,
        "trouble": dead.trouble,
    })
}

fn line(dead: &DeadSync) -> String {
    // Names come from outside, and a terminal obeys control characters.
    let plain = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
    let (device, trouble) = (plain(&dead.device), plain(&dead.trouble));
    format!("{}  {:.0}  {device}  asked by {}  {trouble}", dead.id, dead.dead_at, plain(&dead.asker))
}

pub(super) async fn retry(source: &Source, id: DeviceSyncId) -> anyhow::Result<()> {
    let store = open(&load(source)?).await?;
    match store.revive(Clock::real().now(), id).await? {
        Revived::Queued => {
            say("It goes through every check again, and then Intune is asked. Its asker is told how it ends.");
        }
        Revived::Watched => {
            say("Intune may have been asked already, so the device is watched. Its asker is told how it ends.");
        }
        Revived::NotDead => {
            bail!("no device sync {id} was given up; `intune-sync-bot jobs list` shows those there are")
        }
        Revived::Busy => bail!("the device is being synced for somebody else; try again when that has ended"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_reads_it_like_this() {
        let dead = DeadSync {
            id: DeviceSyncId(7),
            device: "LT-042\u{1b}[31m".to_owned(),
            asker: "900000000000000301".to_owned(),
            dead_at: "2026-11-23T10:05:00.5Z".parse().unwrap(),
            trouble: "a stored device cannot be read: expected value".to_owned(),
        };
        insta::assert_snapshot!(line(&dead));
        insta::assert_json_snapshot!(object(&dead));
    }
}
