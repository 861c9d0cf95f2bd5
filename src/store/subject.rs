//! What a request is about: one device, or many.

use serde::{Deserialize, Serialize};

use super::Error;
use super::row::Row;
use crate::intune::{Device, DeviceFilter, EntraUserId, GroupId};

/// What a bulk request was asked for, with names as they were then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BulkTarget {
    /// All devices of a person.
    User {
        /// Their object id.
        id: EntraUserId,
        /// Display name, from outside.
        name: String,
        /// User principal name, from outside.
        sign_in: String,
    },
    /// The devices of a group and of its members.
    Group {
        /// Its object id.
        id: GroupId,
        /// Display name, from outside.
        name: String,
    },
    /// Devices that fit some conditions.
    Filter(DeviceFilter),
}

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One device.
    Device(Box<Device>),
    /// Many.
    Devices {
        /// What was asked for.
        target: BulkTarget,
        /// How many.
        count: u32,
    },
}

impl Subject {
    /// Of a row with `target`, `device` (any one of its devices) and `devices` (how many).
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        Ok(match row.optional_text("target")? {
            None => Self::Device(Box::new(row.json("device")?)),
            Some(_) => Self::Devices { target: row.json("target")?, count: row.count("devices")? },
        })
    }

    /// How many devices.
    pub fn count(&self) -> u32 {
        match self {
            Self::Device(_) => 1,
            Self::Devices { count, .. } => *count,
        }
    }

    /// The device, where it is one.
    pub fn device(&self) -> Option<&Device> {
        match self {
            Self::Device(device) => Some(device),
            Self::Devices { .. } => None,
        }
    }
}
