//! `backup`: a copy of the SQLite database that is whole, made while the bot runs.

use std::path::Path;

use anyhow::{Context as _, bail};

use super::links::open_as_it_is;
use super::print::say;
use crate::settings::{Source, load};

pub(super) async fn backup(source: &Source, file: &Path) -> anyhow::Result<()> {
    let settings = load(source)?;
    if file.exists() {
        bail!("{} is there already; a backup overwrites nothing", file.display());
    }
    let store = open_as_it_is(&settings).await?;
    store.backup(file).await.with_context(|| format!("while writing {}", file.display()))?;
    say(&format!("The database is copied to {}.", file.display()));
    Ok(())
}
