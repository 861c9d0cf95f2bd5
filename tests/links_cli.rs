//! `links` on the command line: the real binary, the simulated tenant, and a store that somebody else has open; and what every
//! command that works on the store says where there is none.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use intune_sync_bot::intune::TenantId;
use intune_sync_bot::store::Store;
use secrecy::SecretString;
use sim::{Clock, Options, Scenario, Sim};
use tempfile::TempDir;

/// The bot's folder, its simulated tenant, and its open store.
struct Place {
    sim: Sim,
    folder: TempDir,
    store: Store,
}

impl Place {
    async fn new() -> Self {
        let mut scenario = Scenario::default();
        scenario.tenant.person.iter_mut().filter(|person| person.key == "gus").for_each(|person| person.guest = true);
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let options = Options { listen, scenario, clock: Clock::real(), traffic_log: None };
        let sim = Sim::start(options).await.expect("the simulated world starts");
        let folder = TempDir::new().expect("a folder");
        let url = sim.url();
        let (client_id, client_secret) = sim.tenant.credentials();
        let tenant_id = sim.tenant.tenant_id();
        let database = format!("sqlite://{}", folder.path().join("bot.db").display());
        let config = format!(
            "[discord]\ntoken = \"t\"\napplication_id = \"900000000000000010\"\nguild_ids = [\"900000000000000001\"]\n\
             [entra]\ntenant_id = \"{tenant_id}\"\nclient_id = \"{client_id}\"\nclient_secret = \"{client_secret}\"\n\
             authority_url = \"{url}\"\n[graph]\nurl = \"{url}\"\n[store]\nurl = \"{database}\"\n"
        );
        std::fs::write(folder.path().join("config.toml"), config).expect("written");
        let tenant: TenantId = tenant_id.parse().expect("a tenant id");
        let store = Store::open(&SecretString::from(database), tenant).await.expect("the store opens");
        Self { sim, folder, store }
    }

    async fn runs(&self, arguments: &[&str]) -> (bool, String) {
        let config = self.folder.path().join("config.toml");
        let arguments: Vec<_> = ["links"].iter().chain(arguments).map(|&argument| argument.to_owned()).collect();
        let ran = tokio::task::spawn_blocking(move || run(&config, &arguments)).await.expect("it ran");
        let text = [ran.stdout, ran.stderr].concat();
        (ran.status.success(), String::from_utf8(text).expect("text"))
    }

    fn file(&self, lines: &str) -> PathBuf {
        let path = self.folder.path().join("links.csv");
        std::fs::write(&path, format!("chat_user_id,entra_object_id\n{lines}")).expect("written");
        path
    }
}

fn run(config: &Path, arguments: &[String]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_intune-sync-bot"));
    command.arg("--config").arg(config).args(arguments);
    command.output().expect("the binary starts")
}

const HANNA: &str = "00000000-0000-4000-8000-000000000301";
const GUS: &str = "00000000-0000-4000-8000-000000000402";
const NOBODY: &str = "00000000-0000-4000-8000-0000000fffff";

#[tokio::test]
async fn an_admin_imports_lists_and_removes_links_while_the_store_is_in_use() {
    let place = Place::new().await;
    assert_eq!(place.runs(&["list"]).await, (true, "Nobody is linked.\n".to_owned()));

    // All or nothing, and every bad line by its number.
    let file = place.file(&format!("301,{HANNA}\n302,{NOBODY}\n"));
    let file = file.to_str().expect("a path");
    let (done, said) = place.runs(&["import", file]).await;
    assert!(!done && said.contains(&format!("line 3: the tenant has no person with the object id {NOBODY}")), "{said}");
    place.sim.tenant.disable_user("hanna", true).expect("there is a hanna");
    let (done, said) = place.runs(&["import", file]).await;
    assert!(!done && said.contains("line 2: the account of") && said.contains("line 3:"), "{said}");
    assert!(place.store.links().await.expect("links").is_empty());
    place.sim.tenant.disable_user("hanna", false).expect("there is a hanna");

    place.file(&format!("301,{HANNA}\n302,{GUS}\n"));
    assert_eq!(place.runs(&["import", file]).await, (true, "2 chat account(s) linked.\n".to_owned()));
    let links = place.store.links().await.expect("links");
    assert_eq!(links[0].person.name, "Hanna Meyer");
    assert!(links[1].person.guest);

    // A person who is taken is named by their line.
    place.file(&format!("303,{HANNA}\n"));
    let (done, said) = place.runs(&["import", file, "--offline"]).await;
    assert!(!done && said.contains("line 2: the Entra person") && said.contains("links remove"), "{said}");

    let (done, said) = place.runs(&["list", "--json"]).await;
    let all: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert!(done && all[0]["chat_user"] == "301" && all[0]["entra_user"] == HANNA && all[0]["source"] == "import");

    assert_eq!(place.runs(&["remove", "301"]).await, (true, "The link of chat account 301 is forgotten.\n".to_owned()));
    let (done, said) = place.runs(&["remove", "301"]).await;
    assert!(!done && said.contains("chat account 301 has no link"), "{said}");
    let (done, _) = place.runs(&["import", file, "--offline"]).await;
    let links = place.store.links().await.expect("links");
    assert!(done && links.iter().any(|link| link.chat_user.0 == 303 && link.person.name.is_empty()));
    let events: Vec<_> = place.store.audit_trail().await.expect("rows").into_iter().map(|(event, _)| event).collect();
    assert_eq!(events, ["linked", "linked", "unlinked", "linked"]);
}

/// A config whose database is in this folder and was not made yet.
fn before_the_first_start(folder: &Path) -> (PathBuf, PathBuf) {
    let database = folder.join("data").join("bot.db");
    let config = format!(
        "[discord]\ntoken = \"t\"\napplication_id = \"900000000000000010\"\nguild_ids = [\"900000000000000001\"]\n\
         [entra]\ntenant_id = \"11111111-2222-4333-8444-555555555555\"\n\
         client_id = \"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee\"\nclient_secret = \"s\"\n\
         [store]\nurl = \"sqlite://{}\"\n",
        database.display()
    );
    let file = folder.join("config.toml");
    std::fs::write(&file, config).expect("written");
    (file, database)
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[test]
fn where_no_database_is_nothing_is_said_to_be_well_and_none_is_made() {
    let folder = TempDir::new().expect("a folder");
    let (config, database) = before_the_first_start(folder.path());
    let copy = folder.path().join("copy.db");
    let backup = format!("backup {}", copy.display());
    for line in [
        "links list",
        "links list --json",
        "links remove 301",
        "jobs list",
        "jobs retry 00000000000000000000000000000007",
        "audit verify",
        "audit head",
        "audit export",
        "audit rekey",
        &backup,
    ] {
        let ran = run(&config, &words(line));
        let said = String::from_utf8(ran.stderr).expect("text");
        assert_eq!((ran.status.code(), ran.stdout.len()), (Some(1), 0), "{line}: {said}");
        let expected = format!("error: there is no database at {}; is [store] url the one", database.display());
        assert!(said.starts_with(&expected), "{line}: {said}");
        assert!(!database.parent().expect("a folder").exists() && !copy.exists(), "{line} made something");
    }
}

#[test]
fn links_can_be_imported_before_the_first_start() {
    let folder = TempDir::new().expect("a folder");
    let (config, database) = before_the_first_start(folder.path());
    let file = folder.path().join("links.csv");
    std::fs::write(&file, format!("chat_user_id,entra_object_id\n301,{HANNA}\n")).expect("written");
    let ran = run(&config, &words(&format!("links import {} --offline", file.display())));
    assert_eq!((ran.status.code(), database.exists()), (Some(0), true), "{}", String::from_utf8_lossy(&ran.stderr));
    let listed = run(&config, &words("links list"));
    assert!(String::from_utf8_lossy(&listed.stdout).contains(HANNA), "{}", String::from_utf8_lossy(&listed.stdout));
}
