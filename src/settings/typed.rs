//! The settings as types: what has been checked once needs no second look.

use jiff::SignedDuration;
use secrecy::SecretString;
use toml::Table;
use url::Url;

use super::access::{Access, Link, access, link};
use super::approval::{ApprovalRule, rules};
use super::audit::{Audit, audit};
use super::discord::{Discord, discord};
use super::load::BadSettings;
use super::log::{Log, log};
use super::measure::Rate;
use super::notify::{Notify, notify};
use super::reader::Reader;
use crate::intune::TenantId;

/// Every setting.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `[discord]`
    pub discord: Discord,
    /// `[entra]`
    pub entra: Entra,
    /// `[graph]`
    pub graph: Graph,
    /// `[link]`; `None`: no link page.
    pub link: Option<Link>,
    /// `[store]`
    pub store: Store,
    /// `[access]`
    pub access: Access,
    /// `[[approval.rule]]`
    pub approval_rules: Vec<ApprovalRule>,
    /// `[notify]`
    pub notify: Notify,
    /// `[audit]`
    pub audit: Audit,
    /// `[sync]`
    pub sync: Sync,
    /// `[watch]`
    pub watch: Watch,
    /// `[directory]`
    pub directory: Directory,
    /// `[apps]`
    pub apps: Apps,
    /// `[limits]`
    pub limits: Limits,
    /// `[web]`
    pub web: Web,
    /// `[log]`
    pub log: Log,
}

/// `[entra]`
#[derive(Clone, Debug)]
pub struct Entra {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The app registration.
    pub client_id: String,
    /// How it proves itself.
    pub credential: Credential,
    /// The sign-in service.
    pub authority_url: Url,
}

/// How the app registration proves itself.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A secret.
    ClientSecret(SecretString),
    /// A PKCS#12 bundle in base64, and its password.
    Certificate(SecretString, Option<SecretString>),
    /// The machine's own identity in Azure.
    ManagedIdentity,
    /// A Kubernetes workload's identity.
    WorkloadIdentity,
    /// The account signed in to the Azure CLI; for trying things out.
    AzureCli,
}

/// `[graph]`
#[derive(Clone, Debug)]
pub struct Graph {
    /// Graph's address.
    pub url: Url,
    /// For one request.
    pub timeout: SignedDuration,
}

/// `[store]`
#[derive(Clone, Debug)]
pub struct Store {
    /// The database's address.
    pub url: SecretString,
}

/// `[sync]`
#[derive(Clone, Debug)]
pub struct Sync {
    /// How long a synced device is left alone.
    pub cooldown: SignedDuration,
    /// How long Yes can be pressed.
    pub confirm_timeout: SignedDuration,
    /// Whether every write to Graph is refused.
    pub observe: bool,
    /// Whether a reason must be given.
    pub require_reason: bool,
    /// How long to keep trying a call that Graph does not take.
    pub give_up: SignedDuration,
    /// The most devices of one request.
    pub max_devices: usize,
    /// How long a second person has to agree.
    pub approval_timeout: SignedDuration,
}

/// `[watch]`
#[derive(Clone, Debug)]
pub struct Watch {
    /// Shortest wait between two looks.
    pub min_interval: SignedDuration,
    /// Longest wait between two looks.
    pub max_interval: SignedDuration,
    /// When to stop.
    pub deadline: SignedDuration,
    /// How far clocks may disagree.
    pub skew: SignedDuration,
    /// How long an unanswered call is watched before it is made again.
    pub unknown_wait: SignedDuration,
    /// How long "Tell me when it shows up" watches.
    pub tell_for: SignedDuration,
    /// How often it looks.
    pub tell_interval: SignedDuration,
}

/// `[directory]`
#[derive(Clone, Debug)]
pub struct Directory {
    /// How often it is read anew.
    pub refresh: SignedDuration,
}

/// `[apps]`
#[derive(Clone, Debug)]
pub struct Apps {
    /// Whether Graph's beta calls are used.
    pub beta: bool,
    /// How long after a check-in app states are read.
    pub settle: SignedDuration,
    /// How many failed apps are looked up.
    pub max_failures: usize,
    /// Whether an index of the devices with retryable failures is kept.
    pub index: bool,
    /// How often it is read anew.
    pub index_refresh: Option<SignedDuration>,
    /// Another table of error codes.
    pub error_codes_file: Option<std::path::PathBuf>,
}

/// `[limits]`
#[derive(Clone, Debug)]
pub struct Limits {
    /// Of one person.
    pub per_person: Rate,
    /// Of one server.
    pub per_guild: Rate,
    /// Writes to Graph.
    pub graph_writes: Rate,
    /// Any requests to Graph.
    pub graph_reads: Rate,
}

/// `[web]`
#[derive(Clone, Debug)]
pub struct Web {
    /// Where the link page and the interactions endpoint are served; `None`: nowhere.
    pub listen: Option<std::net::SocketAddr>,
    /// How that is reached from outside.
    pub public_url: Option<Url>,
    /// Where health and metrics are served; `None`: nowhere.
    pub ops_listen: Option<std::net::SocketAddr>,
}

impl Settings {
    pub(super) fn from_table(table: &Table) -> Result<Self, BadSettings> {
        let read = Reader(table);
        let web = web(&read)?;
        Ok(Self {
            discord: discord(&read)?,
            entra: entra(&read)?,
            graph: Graph { url: read.url("graph", "url")?, timeout: read.length("graph", "timeout")? },
            link: link(&read, &web)?,
            store: store(&read)?,
            access: access(&read)?,
            approval_rules: rules(&read, max_devices(&read)?)?,
            notify: notify(&read)?,
            audit: audit(&read)?,
            sync: Sync {
                cooldown: read.duration("sync", "cooldown")?,
                confirm_timeout: read.length("sync", "confirm_timeout")?,
                observe: read.flag("sync", "observe")?,
                require_reason: read.flag("sync", "require_reason")?,
                give_up: read.duration("sync", "give_up")?,
                max_devices: max_devices(&read)?,
                approval_timeout: read.length("sync", "approval_timeout")?,
            },
            watch: watch(&read)?,
            directory: Directory { refresh: read.length("directory", "refresh")? },
            apps: Apps {
                beta: read.flag("apps", "beta")?,
                settle: read.duration("apps", "settle")?,
                max_failures: read.number("apps", "max_failures")?,
                index: read.flag("apps", "index")?,
                index_refresh: Some(read.duration("apps", "index_refresh")?).filter(SignedDuration::is_positive),
                error_codes_file: read.optional("apps", "error_codes_file")?,
            },
            limits: Limits {
                per_person: read.rate("limits", "per_person")?,
                per_guild: read.rate("limits", "per_guild")?,
                graph_writes: read.rate("limits", "graph_writes")?,
                graph_reads: read.rate("limits", "graph_reads")?,
            },
            web,
            log: log(&read)?,
        })
    }
}

/// The address is not shown: it may hold a password.
fn store(read: &Reader<'_>) -> Result<Store, BadSettings> {
    let hint = "write sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE";
    let url = read.filled("store", "url", hint)?;
    let is_known = ["sqlite://", "postgres://", "postgresql://"]
        .iter()
        .any(|scheme| url.strip_prefix(scheme).is_some_and(|place| !place.is_empty()));
    if !is_known {
        return Err(BadSettings::value("store.url", hint));
    }
    Ok(Store { url: SecretString::from(url.to_owned()) })
}

fn max_devices(read: &Reader<'_>) -> Result<usize, BadSettings> {
    match read.number("sync", "max_devices")? {
        0 => Err(BadSettings::value("sync.max_devices", "write a whole number, 1 or more")),
        most => Ok(most),
    }
}

fn web(read: &Reader<'_>) -> Result<Web, BadSettings> {
    let public_url = match read.text("web", "public_url")? {
        "" => None,
        _ => Some(read.url("web", "public_url")?),
    };
    let usable =
        |url: &Url| matches!(url.scheme(), "https" | "http") && url.query().is_none() && url.fragment().is_none();
    if public_url.as_ref().is_some_and(|url| !usable(url)) {
        return Err(BadSettings::value("web.public_url", "write an address such as https://sync.contoso.com"));
    }
    Ok(Web { listen: read.listen("web", "listen")?, public_url, ops_listen: read.listen("web", "ops_listen")? })
}

fn entra(read: &Reader<'_>) -> Result<Entra, BadSettings> {
    let secret = |key: &str| read.text("entra", key).map(|text| SecretString::from(text.to_owned()));
    let credential = match read.text("entra", "credential")? {
        "client_secret" => {
            read.filled(
                "entra",
                "client_secret",
                "is needed for this credential; set it, or entra.client_secret_file",
            )?;
            Credential::ClientSecret(secret("client_secret")?)
        }
        "certificate" => {
            read.filled(
                "entra",
                "certificate",
                "is needed for this credential; set entra.certificate_file to the .pfx",
            )?;
            let password = read.text("entra", "certificate_password")?;
            let password = (!password.is_empty()).then(|| SecretString::from(password.to_owned()));
            Credential::Certificate(secret("certificate")?, password)
        }
        "managed_identity" => Credential::ManagedIdentity,
        "workload_identity" => Credential::WorkloadIdentity,
        "azure_cli" => Credential::AzureCli,
        _ => {
            let why = "write client_secret, certificate, managed_identity, workload_identity or azure_cli";
            return Err(BadSettings::value("entra.credential", why));
        }
    };
    Ok(Entra {
        tenant_id: read.parsed("entra", "tenant_id", "is the Directory (tenant) ID of your Entra tenant")?,
        client_id: read.app("entra", "client_id", "is the Application (client) ID of the app registration")?.to_owned(),
        credential,
        authority_url: read.url("entra", "authority_url")?,
    })
}

fn watch(read: &Reader<'_>) -> Result<Watch, BadSettings> {
    let watch = Watch {
        min_interval: read.length("watch", "min_interval")?,
        max_interval: read.duration("watch", "max_interval")?,
        deadline: read.length("watch", "deadline")?,
        skew: read.duration("watch", "skew")?,
        unknown_wait: read.duration("watch", "unknown_wait")?,
        tell_for: read.length("watch", "tell_for")?,
        tell_interval: read.length("watch", "tell_interval")?,
    };
    if watch.min_interval > watch.max_interval {
        return Err(BadSettings::value("watch.min_interval", "is longer than watch.max_interval"));
    }
    Ok(watch)
}
