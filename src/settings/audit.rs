//! `[audit]`: the chain's key, how often its head is published, how long rows are kept.

use jiff::SignedDuration;
use secrecy::SecretString;

use super::load::BadSettings;
use super::reader::Reader;

/// `[audit]`
#[derive(Clone, Debug)]
pub struct Audit {
    /// Seals the chain; empty: none.
    pub key: SecretString,
    /// How often the head is logged.
    pub publish: SignedDuration,
    /// How long rows are kept; `None`: for good.
    pub keep: Option<SignedDuration>,
}

pub(super) fn audit(read: &Reader<'_>) -> Result<Audit, BadSettings> {
    let keep = match read.text("audit", "keep")? {
        "" => None,
        _ => Some(read.length("audit", "keep")?),
    };
    let publish = read.length("audit", "publish")?;
    Ok(Audit { key: SecretString::from(read.text("audit", "key")?.to_owned()), publish, keep })
}
