//! The `[tenant]` half: people, groups, roles, devices, apps.

use serde::Deserialize;

/// Entra, Intune and Graph.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantScenario {}
