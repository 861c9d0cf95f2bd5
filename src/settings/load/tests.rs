//! Settings as operators write them, and what they read where they slip.

use std::io::Write as _;

use super::*;

fn with_file(text: &str, env: &[(&str, &str)]) -> Result<Settings, BadSettings> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let env = env.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    load(&Source { file: Some(file.path().to_owned()), env })
}

/// The least that `run` needs.
const LEAST: &str = r#"
    [discord]
    token = "t"
    application_id = "900000000000000010"
    guild_ids = ["900000000000000001"]
    [entra]
    tenant_id = "11111111-2222-4333-8444-555555555555"
    client_id = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
    client_secret = "s"
"#;

fn refusal(text: &str, env: &[(&str, &str)]) -> String {
    with_file(&format!("{LEAST}{text}"), env).unwrap_err().to_string()
}

#[test]
fn the_least_config_is_accepted() {
    let settings = with_file(LEAST, &[]).unwrap();
    assert_eq!(settings.watch.deadline.as_mins(), 60);
}

#[test]
fn a_slip_names_the_nearest_key() {
    let message = refusal("[watch]\ndeadlin = \"2h\"", &[]);
    assert!(message.ends_with("; did you mean `watch.deadline`?"), "{message}");
    let message = refusal("[wacth]\ndeadline = \"2h\"", &[]);
    assert!(message.ends_with("; did you mean `watch`?"), "{message}");
    let message = refusal("[[access.chat_role]]\ndiscord_rol = \"1\"", &[]);
    assert!(message.ends_with("; did you mean `access.chat_role.discord_role`?"), "{message}");
}

#[test]
fn the_environment_wins_and_is_checked_too() {
    let settings = with_file(LEAST, &[("SYNC_BOT_WATCH__DEADLINE", "2h"), ("PATH", "/bin")]).unwrap();
    assert_eq!(settings.watch.deadline.as_hours(), 2);
    let message = refusal("", &[("SYNC_BOT_WATCH__DEADLIN", "2h")]);
    assert!(message.contains("did you mean `SYNC_BOT_WATCH__DEADLINE`?"), "{message}");
    let message = refusal("", &[("SYNC_BOT_SYNC__OBSERVE", "yes")]);
    assert_eq!(message, "`SYNC_BOT_SYNC__OBSERVE`: write true or false");
}

#[test]
fn a_list_in_the_environment_is_comma_separated() {
    let settings = with_file(LEAST, &[("SYNC_BOT_DISCORD__CHANNEL_IDS", "1, 2")]).unwrap();
    assert_eq!(settings.discord.channel_ids.len(), 2);
}

#[test]
fn a_secret_and_its_file_together_are_an_error() {
    let message = refusal("", &[("SYNC_BOT_DISCORD__TOKEN_FILE", "/nowhere")]);
    assert_eq!(message, "both `discord.token` and `discord.token_file` are set; keep one of them");
}

#[test]
fn a_secret_file_loses_its_last_newline() {
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    secret.write_all(b"from-a-file\n").unwrap();
    let path = secret.path().display().to_string();
    let text = LEAST.replace("token = \"t\"", &format!("token_file = \"{path}\""));
    let settings = with_file(&text, &[]).unwrap();
    assert_eq!(secrecy::ExposeSecret::expose_secret(&settings.discord.token), "from-a-file");
}

#[test]
fn secrets_never_print() {
    let text = LEAST.replace("token = \"t\"", "token = \"hush-token\"").replace("= \"s\"", "= \"hush-secret\"");
    let printed = format!("{:?}", with_file(&text, &[]).unwrap());
    assert!(!printed.contains("hush"), "{printed}");
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_the_line_and_without_its_words() {
    let torn = LEAST.replace("= \"s\"", "= \"hush-secret");
    let line = 1 + torn.lines().position(|line| line.contains("hush")).expect("it is there");
    let said = with_file(&torn, &[]).unwrap_err().to_string();
    assert!(said.contains(&format!("is not valid TOML: line {line}: ")) && !said.contains("hush"), "{said}");
}

#[test]
fn values_are_refused_with_what_to_write() {
    for (text, message) in [
        (
            "[watch]\ndeadline = \"1 hour\"",
            "`watch.deadline`: \"1 hour\" is not a duration: write a whole number and a unit, such as \"20s\", \"5m\", \"2h\" or \"7d\"",
        ),
        ("[watch]\nmin_interval = \"10m\"", "`watch.min_interval`: is longer than watch.max_interval"),
        (
            "[limits]\nper_person = \"many\"",
            "`limits.per_person`: \"many\" is not a rate: write how many in how long, such as \"10/1m\" or \"200/20s\"",
        ),
        (
            "[graph]\nurl = \"http://graph.example\"",
            "`graph.url`: plain http is accepted for loopback addresses only; write https://",
        ),
        ("[sync]\nobserve = \"no\"", "`sync.observe`: write true or false"),
        (
            "[log]\nlevel = \"warning\"",
            "`log.level`: \"warning\" is not a level; write error, warn, info, debug, trace, or a filter such as \"info,intune_sync_bot=debug\"",
        ),
        ("[sync]\nmax_devices = 0", "`sync.max_devices`: write a whole number, 1 or more"),
        (
            "[web]\nlisten = \"localhost:8080\"",
            "`web.listen`: \"localhost:8080\" is no address to listen on: write IP:PORT, such as 127.0.0.1:8080",
        ),
        (
            "[web]\nops_listen = \"9464\"",
            "`web.ops_listen`: \"9464\" is no address to listen on: write IP:PORT, such as 127.0.0.1:8080",
        ),
        (
            "[[access.chat_role]]\ndiscord_role = \"1\"\nintune_role = \"Help Desk Operator\"\nscope_groups = [\"Lab devices\"]",
            "`access.chat_role.scope_groups`: \"Lab devices\" is not a group's Object ID (Entra admin center > Groups > Overview)",
        ),
    ] {
        assert_eq!(refusal(text, &[]), message);
    }
}

#[test]
fn a_length_that_makes_no_sense_at_zero_is_refused_at_zero() {
    for key in [
        "graph.timeout",
        "sync.confirm_timeout",
        "sync.approval_timeout",
        "watch.min_interval",
        "watch.deadline",
        "watch.tell_for",
        "watch.tell_interval",
        "directory.refresh",
        "audit.publish",
        "audit.keep",
    ] {
        let (section, name) = key.split_once('.').expect("a section and a key");
        let said = refusal(&format!("[{section}]\n{name} = \"0s\""), &[]);
        assert_eq!(said, format!("`{key}`: must be longer than nothing: write a length such as \"10m\""));
    }
    for key in ["sync.cooldown", "sync.give_up", "watch.skew", "watch.unknown_wait", "apps.settle"] {
        let (section, name) = key.split_once('.').expect("a section and a key");
        with_file(&format!("{LEAST}[{section}]\n{name} = \"0s\""), &[]).expect(key);
    }
}

#[test]
fn a_store_is_sqlite_or_postgresql_and_its_address_is_not_shown() {
    for bad in ["mysql://bot:hush@db/bot", "sqlite:data/bot.db", "data/bot.db", "sqlite://", "postgres:hush"] {
        let said = refusal(&format!("[store]\nurl = \"{bad}\""), &[]);
        assert_eq!(said, "`store.url`: write sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE");
    }
    for good in ["sqlite:///data/bot.db", "postgres://bot:hush@db/bot", "postgresql://bot:hush@db/bot"] {
        with_file(&format!("{LEAST}[store]\nurl = \"{good}\""), &[]).expect(good);
    }
}

#[test]
fn ids_of_entra_are_guids_and_where_they_stand_is_said() {
    let says = |from: &str, to: &str| with_file(&LEAST.replace(from, to), &[]).unwrap_err().to_string();
    assert_eq!(
        says("11111111-2222-4333-8444-555555555555", "contoso.onmicrosoft.com"),
        "`entra.tenant_id`: is not a GUID: write the Directory (tenant) ID (Entra admin center > Overview), not the domain"
    );
    let app = "is not a GUID: write the Application (client) ID (Entra admin center > App registrations > Overview)";
    let said = says("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "Intune Sync Bot");
    assert_eq!(said, format!("`entra.client_id`: \"Intune Sync Bot\" {app}"));
    let said = refusal(&LINK.replace("bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee", "c"), &[]);
    assert_eq!(said, format!("`link.client_id`: \"c\" {app}"));
}

#[test]
fn tables_stand_in_the_file_only() {
    for (name, table) in [
        ("SYNC_BOT_APPROVAL__RULE", "approval.rule"),
        ("SYNC_BOT_NOTIFY__WEBHOOK", "notify.webhook"),
        ("SYNC_BOT_ACCESS__CHAT_ROLE", "access.chat_role"),
    ] {
        let said = refusal("", &[(name, "x")]);
        assert_eq!(said, format!("`{name}`: tables can stand in the file only: write [[{table}]] there"));
    }
}

const LINK: &str = "[link]\nclient_id = \"bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee\"\nclient_secret = \"s\"\n[web]\nlisten = \"127.0.0.1:8080\"\npublic_url = \"https://sync.contoso.com\"\n";

#[test]
fn links_are_required_once_there_is_a_link_page_unless_the_operator_decides() {
    let required = |text: &str| with_file(&format!("{LEAST}{text}"), &[]).unwrap().access.require_link;
    assert!(!required(""));
    assert!(required(LINK));
    assert!(!required(&format!("{LINK}[access]\nrequire_link = false")));
    assert!(required("[access]\nrequire_link = true"));
    let env = with_file(LEAST, &[("SYNC_BOT_ACCESS__REQUIRE_LINK", "true")]).unwrap();
    assert!(env.access.require_link);
    let message = refusal("[access]\nrequire_link = \"yes\"", &[]);
    assert_eq!(message, "`access.require_link`: write true, false or \"auto\"");
}

#[test]
fn a_link_page_needs_its_secret_its_listener_and_its_address() {
    let missing = |line: &str| {
        let text = LINK.lines().filter(|kept| !kept.starts_with(line)).map(|kept| format!("{kept}\n"));
        refusal(&text.collect::<String>(), &[])
    };
    assert!(missing("client_secret").starts_with("`link.client_secret`: is needed"));
    assert!(missing("listen").starts_with("`web.listen`: is needed"));
    assert!(missing("public_url").starts_with("`web.public_url`: is needed"));
    let plain = refusal(&LINK.replace("https://", "http://"), &[]);
    assert!(plain.starts_with("`web.public_url`: plain http is accepted for loopback"), "{plain}");
    let role = refusal("[access]\nentra_admins = [\"Security Administrator\"]", &[]);
    assert!(role.contains("write \"Intune Administrator\" or \"Global Administrator\""), "{role}");
}

const HTTP: &str = "[web]\nlisten = \"127.0.0.1:8080\"\n";
const KEY: &str = "67c6bd767ca099e79efac9fcce4d2022a63bf7dea780e7f3d813f694c1597089";

#[test]
fn interactions_by_http_need_a_key_and_a_listener_and_no_link_page() {
    let mode = |key: &str| LEAST.replace("[entra]", &format!("mode = \"http\"\npublic_key = \"{key}\"\n[entra]"));
    let settings = with_file(&format!("{}{HTTP}", mode(KEY)), &[]).unwrap();
    assert_eq!(settings.discord.mode, crate::settings::Mode::Http(KEY.parse().unwrap()));
    assert!(settings.web.listen.is_some() && settings.link.is_none());
    let says = |text: &str| with_file(text, &[]).unwrap_err().to_string();
    assert!(says(&mode(KEY)).starts_with("`web.listen`: is needed with discord.mode"), "{}", says(&mode(KEY)));
    let missing = says(&format!("{}{HTTP}", mode("")));
    assert!(missing.starts_with("`discord.public_key`: is needed with discord.mode"), "{missing}");
    let slip = says(&format!("{}{HTTP}", mode("67c6")));
    assert!(slip.contains("copy the 64 digits and letters of General Information > Public Key"), "{slip}");
    let slip = says(&LEAST.replace("[entra]", "mode = \"webhook\"\n[entra]"));
    assert_eq!(slip, "`discord.mode`: write \"gateway\" or \"http\"");
}

#[test]
fn the_gateway_must_be_on_the_apis_host() {
    let text = LEAST
        .replace("[entra]", "api_url = \"http://127.0.0.1:4300\"\ngateway_url = \"wss://gateway.discord.gg\"\n[entra]");
    let message = with_file(&text, &[]).unwrap_err().to_string();
    assert!(message.starts_with("`discord.gateway_url`: must be on the host of discord.api_url"), "{message}");
}

#[test]
fn the_example_is_accepted_and_short() {
    let example = include_str!("../../../config/example.toml");
    assert!(example.lines().count() <= 28, "an operator really writes about 25 lines");
    let example = example
        .replace("token_file = \"/run/secrets/discord_token\"", "token = \"t\"")
        .replace("client_secret_file = \"/run/secrets/entra_client_secret\"", "client_secret = \"s\"")
        .replace("client_secret_file = \"/run/secrets/link_client_secret\"", "client_secret = \"s\"")
        .replace("key_file = \"/run/secrets/audit_key\"", "key = \"k\"");
    let settings = with_file(&example, &[]).unwrap();
    assert!(settings.access.require_link, "with a link page, links are required unless the operator says otherwise");
}
