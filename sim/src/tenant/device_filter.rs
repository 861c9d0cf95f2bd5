//! What Intune really makes of a `$filter` on managed devices: some works, much is ignored, some is refused.

use super::answer::Answer;
use super::filter::{self, Condition, Filter, Literal, Op};

/// What becomes of the rows.
pub(crate) enum Verdict {
    /// The filter is silently ignored: every device comes back.
    Everything,
    /// Devices that pass.
    Only(Filter),
}

/// Properties whose `eq` may be combined with `or`.
const ENUMS: &[&str] = &["complianceState", "managementState", "managementAgent"];

/// Properties that exist; a filter on one of them that is not known to work is ignored.
const KNOWN: &[&str] = &["skuFamily", "managedDeviceName", "notes"];

/// Judges a filter; `known` are the properties of the type.
pub(crate) fn judge(text: &str, known: &[&str]) -> Result<Verdict, Answer> {
    let refused = || Answer::error(400, "BadRequest", "Invalid filter clause");
    if text.contains("roleScopeTagIds") {
        return Err(refused());
    }
    let filter = filter::parse(text).ok_or_else(refused)?;
    let conditions = filter.conditions();
    if let Some(unknown) =
        conditions.iter().map(|c| c.property.as_str()).find(|p| !known.contains(p) && !KNOWN.contains(p))
    {
        let message = format!(
            "Invalid filter clause: Could not find a property named '{unknown}' on type 'microsoft.graph.managedDevice'."
        );
        return Err(Answer::error(400, "BadRequest", &message));
    }
    let Some(&first) = conditions.first() else { return Err(refused()) };
    if first.property == "deviceEnrollmentType" && matches!(first.value, Literal::Bare(_)) {
        return Err(refused());
    }
    if conditions.len() > 1
        && matches!(filter, Filter::Or(_))
        && conditions.iter().all(|c| c.op == Op::Eq && ENUMS.contains(&c.property.as_str()))
    {
        return Ok(Verdict::Only(filter));
    }
    // Of several conditions only the first is honoured.
    Ok(if works(first) { Verdict::Only(Filter::One(first.clone())) } else { Verdict::Everything })
}

fn works(condition: &Condition) -> bool {
    let property = condition.property.as_str();
    match condition.op {
        Op::Eq if condition.value.text().is_empty() => false,
        Op::Eq => {
            ENUMS.contains(&property)
                || ["deviceName", "userPrincipalName", "operatingSystem", "serialNumber", "azureADDeviceId"]
                    .contains(&property)
        }
        Op::Contains => property == "deviceName",
        Op::StartsWith => ["deviceName", "userDisplayName"].contains(&property),
        Op::Lt | Op::Gt | Op::Le | Op::Ge => ["enrolledDateTime", "lastSyncDateTime"].contains(&property),
        Op::Ne => false,
    }
}
