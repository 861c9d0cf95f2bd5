//! The `[tenant]` half: people, groups, roles, devices, apps, and how the service behaves.
//!
//! Long because it is the whole of one file format, each field with what it means.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Deserialize;

use crate::tenant::{Fault, ScopeFill};

/// Entra, Intune and Graph.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantScenario {
    /// Every made-up id, serial and time follows from this number.
    pub seed: u64,
    /// The Entra tenant id.
    pub tenant_id: String,
    /// The domain of every user principal name.
    pub domain: String,
    /// The application whose token the bot uses.
    pub application: EntraApplication,
    /// The application that people sign in to.
    #[serde(default)]
    pub sign_in: SignInApplication,
    /// How the service behaves.
    #[serde(default)]
    pub behaviour: Behaviour,
    /// The published request limits.
    #[serde(default)]
    pub throttling: Throttling,
    /// What is made up beside the named rows.
    #[serde(default)]
    pub generate: Generate,
    /// Named people.
    #[serde(default)]
    pub person: Vec<PersonRow>,
    /// Groups.
    #[serde(default)]
    pub group: Vec<GroupRow>,
    /// Custom Intune roles; the built-in ones are always there.
    #[serde(default)]
    pub role: Vec<RoleRow>,
    /// Assignments of Intune roles.
    #[serde(default)]
    pub assignment: Vec<AssignmentRow>,
    /// Active Entra directory roles.
    #[serde(default)]
    pub directory_role: Vec<DirectoryRoleRow>,
    /// Intune scope tags beside the Default one.
    #[serde(default)]
    pub scope_tag: Vec<ScopeTagRow>,
    /// Named apps.
    #[serde(default)]
    pub app: Vec<AppRow>,
    /// Named devices.
    #[serde(default)]
    pub device: Vec<DeviceRow>,
    /// Faults that hold from the start.
    #[serde(default)]
    pub fault: Vec<Fault>,
}

/// The Entra application that asks for tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntraApplication {
    /// Application (client) id.
    pub client_id: String,
    /// Its client secret.
    pub secret: String,
    /// Its display name, the actor in Intune's audit log.
    pub name: String,
    /// Seconds a token lives (`expires_in`).
    #[serde(default = "token_lifetime")]
    pub token_lifetime: u32,
    /// The application permissions an administrator consented to.
    pub permissions: Vec<String>,
}

fn token_lifetime() -> u32 {
    3599
}

/// The Entra application that people sign in to, with a browser.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInApplication {
    /// Application (client) id.
    pub client_id: String,
    /// Its client secret.
    pub secret: String,
    /// Its display name, which the sign-in page shows.
    pub name: String,
    /// The addresses that a sign-in may lead back to; none: any loopback or https address.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
}

impl Default for SignInApplication {
    fn default() -> Self {
        Self {
            client_id: "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee".to_owned(),
            secret: "sim-link-secret".to_owned(),
            name: "Intune Sync sign-in".to_owned(),
            redirect_uris: Vec::new(),
        }
    }
}

/// What the beta app state calls answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AppReads {
    /// They work.
    #[default]
    Work,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
}

/// How the service behaves as a whole.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Behaviour {
    /// Rows on a page of managed devices when no `$top` is given; at most 1000.
    pub page_size: usize,
    /// How long app states lag the check-in that changed them.
    pub app_lag: SignedDuration,
    /// The regular check-in interval of devices that are switched on.
    pub regular_check_in: SignedDuration,
    /// Whether Endpoint Security Manager lists the sync action. On a live tenant it did not.
    pub security_manager_lists_sync: bool,
    /// Whether Multi Admin Approval stands before every device action.
    pub multi_admin_approval: bool,
    /// What the beta app state calls answer.
    pub app_reads: AppReads,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            page_size: 1000,
            app_lag: SignedDuration::from_secs(20),
            regular_check_in: SignedDuration::from_hours(8),
            security_manager_lists_sync: false,
            multi_admin_approval: false,
            app_reads: AppReads::Work,
        }
    }
}

/// How a 429 that a limit caused says when to come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryHint {
    /// `Retry-After: 12`.
    #[default]
    Seconds,
    /// `Retry-After` with an HTTP date.
    Date,
    /// No `Retry-After` at all.
    Absent,
}

/// The published request limits, in sliding windows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Throttling {
    /// Multiplies every limit; 0 switches them off.
    pub multiplier: f64,
    /// What a 429 says.
    pub retry_after: RetryHint,
    /// Writes to Intune devices that other apps of the tenant make in any 20 s; all apps together have 400.
    pub other_writes: u32,
}

impl Default for Throttling {
    fn default() -> Self {
        Self { multiplier: 1.0, retry_after: RetryHint::Seconds, other_writes: 0 }
    }
}

/// What is made up beside the named rows, from the seed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Generate {
    /// People.
    pub people: usize,
    /// Apps.
    pub apps: usize,
    /// Devices.
    pub devices: usize,
}

/// A person in Entra.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonRow {
    /// The word other rows use for this person; the user principal name is `key@domain`.
    pub key: String,
    /// Display name.
    pub name: String,
    /// Entra object id; made from the seed where omitted.
    pub id: Option<String>,
    /// Whether the account may sign in.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whether it is a guest, invited from another tenant.
    #[serde(default)]
    pub guest: bool,
}

fn yes() -> bool {
    true
}

/// A security group.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRow {
    /// Display name, also the word other rows use.
    pub name: String,
    /// Object id; made from the seed where omitted.
    pub id: Option<String>,
    /// Keys of the people in it.
    #[serde(default)]
    pub people: Vec<String>,
    /// Names of the devices in it.
    #[serde(default)]
    pub devices: Vec<String>,
    /// Names of the groups nested in it.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// A custom Intune role.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleRow {
    /// Display name.
    pub name: String,
    /// Role definition id; made from the seed where omitted.
    pub id: Option<String>,
    /// Allowed resource actions.
    pub actions: Vec<String>,
    /// Resource actions that it takes away.
    #[serde(default)]
    pub not_actions: Vec<String>,
}

/// An assignment of an Intune role.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignmentRow {
    /// Display name.
    pub name: String,
    /// Display name of the role.
    pub role: String,
    /// Names of the groups whose people hold it.
    pub members: Vec<String>,
    /// `scopeType` as Graph prints it.
    pub scope: String,
    /// Names of the scope groups, for `resourceScope`.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Scope tag ids.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Where the scope groups show on the wire.
    #[serde(default)]
    pub fill: ScopeFill,
}

/// An active Entra directory role.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryRoleRow {
    /// Display name.
    pub name: String,
    /// Role template id.
    pub template: String,
    /// Keys of the people who hold it.
    #[serde(default)]
    pub people: Vec<String>,
    /// Names of the groups that hold it.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// An Intune scope tag.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeTagRow {
    /// Its id, a number in a string.
    pub id: String,
    /// Display name.
    pub name: String,
}

/// An app.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppRow {
    /// Display name.
    pub name: String,
    /// Id; made from the seed where omitted.
    pub id: Option<String>,
    /// Version shown.
    #[serde(default = "first_version")]
    pub version: String,
}

fn first_version() -> String {
    "1.0".to_owned()
}

/// A device.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceRow {
    /// Device name; need not be unique.
    pub name: String,
    /// `operatingSystem` as Intune prints it.
    pub os: String,
    /// `osVersion`.
    pub os_version: Option<String>,
    /// Key of the primary user; omitted: a device without a user.
    pub user: Option<String>,
    /// Key of the user who enrolled it, where that is somebody else.
    pub enrolled_by: Option<String>,
    /// Serial number; made from the seed where omitted.
    pub serial: Option<String>,
    /// Model; a usual one of the system where omitted.
    pub model: Option<String>,
    /// `managementAgent`.
    #[serde(default = "mdm")]
    pub agent: String,
    /// `managementState`.
    #[serde(default = "managed")]
    pub state: String,
    /// `complianceState`.
    #[serde(default = "compliant")]
    pub compliance: String,
    /// `managedDeviceOwnerType`.
    #[serde(default = "company")]
    pub owner: String,
    /// How long ago it last checked in; omitted: some time within the regular interval.
    pub seen: Option<SignedDuration>,
    /// It never checked in at all (`0001-01-01T00:00:00Z`).
    #[serde(default)]
    pub never_seen: bool,
    /// What it does after a sync; omitted: it checks in after one to five minutes.
    pub check_in: Option<CheckInRow>,
    /// For how long after a check-in alternate reads are stale.
    pub stale: Option<SignedDuration>,
    /// Its apps.
    #[serde(default)]
    pub apps: Vec<DeviceAppRow>,
    /// Entries of `deviceActionResults`: action name to action state.
    #[serde(default)]
    pub actions: BTreeMap<String, String>,
    /// Whether a sync of it needs a second administrator (Multi Admin Approval).
    #[serde(default)]
    pub approval: bool,
    /// Scope tag ids.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whether Entra knows it.
    #[serde(default = "yes")]
    pub entra: bool,
}

fn mdm() -> String {
    "mdm".to_owned()
}

fn managed() -> String {
    "managed".to_owned()
}

fn compliant() -> String {
    "compliant".to_owned()
}

fn company() -> String {
    "company".to_owned()
}

/// What a device does after a sync.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckInRow {
    /// Delays after the sync; several delays are several check-ins.
    pub after: Vec<SignedDuration>,
    /// A check-in that crossed with the request: it shows at once, dated this long before.
    pub crossed: Option<SignedDuration>,
    /// It is switched off: no check-in, not even the regular ones.
    pub never: bool,
}

/// An app on a device.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceAppRow {
    /// Display name of the app; a new name makes a new app.
    pub name: String,
    /// `installState`.
    #[serde(default = "installed")]
    pub state: String,
    /// Signed error code.
    pub code: Option<i32>,
    /// How long ago that happened.
    pub ago: Option<SignedDuration>,
    /// What the next check-in that was asked for does to it; omitted: nothing.
    pub then: Option<ThenRow>,
}

fn installed() -> String {
    "installed".to_owned()
}

/// What a check-in does to an app.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThenRow {
    /// It gets installed.
    Fixed,
    /// It fails, with this signed code.
    Fails(i32),
}
