//! `config check`: reads everything that `run` would read, and says what it amounts to.

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use url::{Position, Url};

use super::print::say;
use super::rules;
use crate::discord::check_public_key;
use crate::intune::ErrorTable;
use crate::settings::{Access, Audit, Credential, Mode, Settings, Source, load};
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
        format!("  Store     {}", store(settings.store.url.expose_secret())),
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
    lines.push(format!("  Freeze    {}", may_freeze(&settings.access)));
    lines.extend(rules::approvals(settings));
    lines.extend(rules::notices(settings));
    lines.push(format!("  Audit     {}", audit(&settings.audit)));
    if settings.sync.observe {
        lines.push("  Observe   on: nothing is written to Graph".to_owned());
    }
    lines.extend(rules::notes(settings));
    lines.join("\n")
}

/// Where the database is, without what may be secret in its address.
fn store(url: &str) -> String {
    if let Some(path) = url.strip_prefix("sqlite://") {
        return format!("SQLite, {}", path.split('?').next().unwrap_or_default());
    }
    // With a character that should have been encoded, what follows may be the password's end.
    let url = url.parse::<Url>().ok().filter(|url| !url[Position::BeforePath..].contains('@'));
    let host = url.as_ref().and_then(Url::host_str).filter(|host| !host.is_empty());
    let (Some(url), Some(host)) = (&url, host) else { return "PostgreSQL".to_owned() };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    match url.path().trim_start_matches('/') {
        "" => format!("PostgreSQL on {host}{port}"),
        database => format!("PostgreSQL, {database} on {host}{port}"),
    }
}

fn may_freeze(access: &Access) -> String {
    rules::some(&access.admin_roles).map_or_else(
        || "nobody may: [access] admin_roles is empty".to_owned(),
        |roles| format!("by holders of chat role {roles}"),
    )
}

fn audit(audit: &Audit) -> String {
    let seal = if audit.key.expose_secret().is_empty() { "no key: only accidents show" } else { "sealed with a key" };
    let keep = audit.keep.map_or_else(|| "for good".to_owned(), |keep| format!("for {}", rules::written(keep)));
    format!("{seal}; rows are kept {keep}")
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

fn slashed(url: &Url) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What `run` cannot do without.
    const LEAST: &str = r#"
        [discord]
        token = "hush-token"
        application_id = "900000000000000010"
        guild_ids = ["900000000000000001"]
        approvals_channel_id = "900000000000000104"
        [entra]
        tenant_id = "11111111-2222-4333-8444-555555555555"
        client_id = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
        client_secret = "hush-secret"
    "#;

    /// Something of everything that rules can say.
    const RULES: &str = r#"
        [store]
        url = "postgres://bot:hush-password@db.contoso.com:6432/sync?sslmode=require"
        [audit]
        key = "hush-key"
        keep = "730d"
        [access]
        admin_roles = ["900000000000000204", "900000000000000205"]
        [[approval.rule]]
        name = "large"
        min_devices = 20
        approver_roles = ["900000000000000203"]
        auto = "50/1d"
        [[approval.rule]]
        name = "at night"
        platforms = ["Windows", "macOS"]
        owner = "personal"
        groups = ["00000000-0000-4000-8000-00000000a001"]
        outside_hours = "Mon-Fri 08:00-18:00 Europe/Berlin"
        asker_roles = ["900000000000000201"]
        approver_groups = ["00000000-0000-4000-8000-00000000a002"]
        needed = 2
        [[notify.rule]]
        name = "failures to the on-call"
        outcomes = ["failed", "gone"]
        platforms = ["Windows"]
        min_devices = 10
        every_device = true
        channel_id = "900000000000000102"
        webhook = "siem"
        digest = "15m"
        [[notify.rule]]
        name = "quiet"
        mute = true
        [[notify.rule]]
        name = "forgotten"
        channel_id = "900000000000000103"
        [[notify.webhook]]
        name = "siem"
        url = "https://siem.contoso.com/hush-path"
        key = "hush-key-of-the-siem"
        [[notify.webhook]]
        name = "old"
        url = "https://old.contoso.com/hook"
        key = "hush-key-of-the-old"
    "#;

    fn said(text: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let source = Source { file: Some(file.path().to_owned()), ..Source::default() };
        summary(&load(&source).unwrap())
    }

    #[test]
    fn an_operator_reads_what_the_rules_amount_to() {
        let said = said(&format!("{LEAST}{RULES}"));
        assert!(!said.contains("hush"), "{said}");
        insta::assert_snapshot!(said);
    }

    #[test]
    fn an_operator_reads_what_the_least_amounts_to() {
        insta::assert_snapshot!(said(LEAST));
    }

    #[test]
    fn a_store_is_named_without_its_secrets() {
        for (url, named) in [
            ("sqlite://data/bot.db?mode=rwc", "SQLite, data/bot.db"),
            ("postgres://bot:hush@db/sync", "PostgreSQL, sync on db"),
            ("postgresql://db", "PostgreSQL on db"),
            ("postgres://bot:12/hush@db/sync", "PostgreSQL"),
            ("postgres:///sync?host=/run/postgresql&password=hush", "PostgreSQL"),
        ] {
            assert_eq!(store(url), named);
        }
    }
}
