//! `health`: asks a running bot's `/readyz`, so that a container needs no other tool.

use std::time::Duration;

use anyhow::{Context as _, bail};

use super::print::say;
use crate::settings::{Source, load};

/// A health check that takes longer has failed.
const DEADLINE: Duration = Duration::from_secs(5);

pub(super) async fn health(source: &Source) -> anyhow::Result<()> {
    let settings = load(source)?;
    let Some(listen) = settings.web.ops_listen else { bail!("web.ops_listen is off, so there is nothing to ask") };
    let client = crate::app::http_client()?;
    let answer = client
        .get(format!("http://{listen}/readyz"))
        .timeout(DEADLINE)
        .send()
        .await
        .with_context(|| format!("nothing answers on {listen}"))?;
    let ready = answer.status().is_success();
    let text = answer.text().await.unwrap_or_default();
    if !ready {
        bail!("not ready: {}", text.trim());
    }
    say(text.trim());
    Ok(())
}
