//! `config check`: reads everything that `run` would read, and says what it amounts to.

use anyhow::Context as _;

use super::print::say;
use crate::discord::check_public_key;
use crate::intune::ErrorTable;
use crate::settings::{Access, Credential, Mode, Settings, Source, load};
use crate::web::INTERACTIONS;

pub(super) fn check(source: &Source) -> anyhow::Result<()> {
    let settings = load(source)?;
    if let Mode::Http(key) = settings.discord.mode {
        check_public_key(key)?;
    }
    if let Some(path) = &settings.apps.error_codes_file {
        let text = std::fs::read_to_string(path).with_context(|| format!("while reading {}", path.display()))?;
        ErrorTable::parse(&text).with_context(|| format!("in {}", path.display()))?;
    }
    say(&summary(&settings));
    Ok(())
}

fn summary(settings: &Settings) -> String {
    let discord = &settings.discord;
    let credential = match settings.entra.credential {
        Credential::ClientSecret(_) => "a client secret",
        Credential::Certificate(..) => "a certificate",
        Credential::ManagedIdentity => "a managed identity",
        Credential::WorkloadIdentity => "a workload identity",
        Credential::AzureCli => "the Azure CLI's account (for trying things out)",
    };
    let channels = match discord.channel_ids.len() {
        0 => "every channel".to_owned(),
        count => format!("{count} channel(s)"),
    };
    let mut lines = vec![
        "The configuration is complete.".to_owned(),
        format!(
            "  Discord   application {}, {} server(s), {channels}",
            discord.application_id,
            discord.guild_ids.len()
        ),
        format!("  Discord   {}", arrival(settings)),
        format!("  Entra     tenant {}, app {} with {credential}", settings.entra.tenant_id, settings.entra.client_id),
        format!("  Graph     {}", settings.graph.url),
    ];
    match &settings.link {
        Some(link) => lines.push(format!(
            "  Link      {}link, by app {}, served on {}",
            slashed(&link.public_url),
            link.client_id,
            listen(settings)
        )),
        None => lines.push("  Link      no link page: add [link], or import links".to_owned()),
    }
    lines.extend(who_may(&settings.access));
    if settings.sync.observe {
        lines.push("  Observe   on: nothing is written to Graph".to_owned());
    }
    lines.join("\n")
}

/// How interactions come in.
fn arrival(settings: &Settings) -> String {
    if settings.discord.mode == Mode::Gateway {
        return "interactions come over the gateway".to_owned();
    }
    let path = INTERACTIONS.trim_start_matches('/');
    match &settings.web.public_url {
        Some(url) => format!("interactions are posted to {}{path}, served on {}", slashed(url), listen(settings)),
        None => format!("interactions are posted to {INTERACTIONS} on {}", listen(settings)),
    }
}

/// Where the outside reaches us.
fn listen(settings: &Settings) -> String {
    settings.web.listen.map(|listen| listen.to_string()).unwrap_or_default()
}

fn slashed(url: &url::Url) -> String {
    let text = url.as_str();
    if text.ends_with('/') { text.to_owned() } else { format!("{text}/") }
}

fn who_may(access: &Access) -> Vec<String> {
    let mut lines = vec!["  Who may   linked people, by their Intune roles".to_owned()];
    for admin in &access.entra_admins {
        lines.push(format!("  Who may   linked people, as {} in Entra: EVERY device", admin.name()));
    }
    if access.require_link {
        if !access.chat_roles.is_empty() {
            lines.push("  Who may   [[access.chat_role]] counts for nothing: require_link is on".to_owned());
        }
        return lines;
    }
    for row in &access.chat_roles {
        let scope = row.scope_groups.as_ref().map_or_else(
            || "EVERY device (no scope_groups)".to_owned(),
            |groups| format!("the devices of {} scope group(s)", groups.len()),
        );
        lines.push(format!(
            "  Who may   without a link: chat role {} as {:?}: {scope}",
            row.discord_role, row.intune_role
        ));
    }
    lines
}
