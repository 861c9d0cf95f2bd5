//! The rules of Intune, pure: devices, roles, the gate, check-ins, error codes and advice.
//!
//! Nothing here knows the network, the store or the chat, and nothing of ours is imported from elsewhere.

mod advice;
mod app;
mod assignment;
mod check_in;
mod device;
mod device_filter;
mod error_code;
mod error_table;
mod gate;
mod ids;
mod role;

pub use advice::{Advice, SEVEN_DAYS, advise};
pub use app::{AppFailure, AppReading, AppStates, Freshness};
pub use assignment::{Assignment, AssignmentRow, ScopeTag, join};
pub use check_in::{Evidence, Verdict, judge};
pub use device::{Compliance, CoveredBy, Device, NotSyncable, OwnerType, PendingAction, Platform};
pub use device_filter::DeviceFilter;
pub use error_code::{BadCode, ErrorCode};
pub use error_table::{BadTable, Entry, ErrorTable};
pub use gate::{Authority, Decision, Denial, Grant, Reach, Scope, Source, Tags, decide};
pub use ids::{
    AppId, AssignmentId, DeviceId, DirectoryDeviceId, EntraDeviceId, EntraUserId, GroupId, NotAGuid, RoleId, TenantId,
};
pub use role::{EntraAdmin, RoleDefinition, RolePolicy, Task};
