//! Reading devices: the whole list, one by id, or those that match one search term.

use super::client::{Graph, Patience, Stamped};
use super::endpoint::{Read, SearchBy};
use super::error::{Error, Kind};
use super::wire::WireDevice;
use crate::budget::Urgency;
use crate::intune::{Device, DeviceId};

/// What a person typed, to be looked up in Graph.
#[derive(Clone, Debug)]
pub struct Search<'a>(pub &'a str);

impl Graph {
    /// Every managed device, one after the other, so that a page of them is in memory and not the list. What came before an error
    /// is not the list. Some properties come filled only on [`Graph::device`].
    pub async fn devices(&self, mut each: impl FnMut(Device) + Send) -> Result<(), Error> {
        let each = |row: WireDevice| each(row.into());
        self.read_each(&Read::Devices, Patience::TriesAs(Urgency::Background), each).await
    }

    /// One device, as it is now. `Ok(None)`: Graph does not know it (any more).
    pub async fn device(&self, id: DeviceId, patience: Patience) -> Result<Option<Stamped<Device>>, Error> {
        match self.read::<WireDevice>(&Read::Device(id), patience).await {
            Ok(Stamped { value, graph_time }) => {
                let value = Device::from(value);
                if value.id == id {
                    Ok(Some(Stamped { value, graph_time }))
                } else {
                    Err(self.error(Kind::Malformed("another device than asked for"), 1, self.now(), None))
                }
            }
            Err(Error { kind: Kind::NotFound, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Devices whose name, serial number or user is exactly `search`.
    ///
    /// Graph is asked one condition at a time, because it honours only the first of several, and each row is
    /// looked at again, because a filter that Graph does not support returns every device.
    pub async fn search(&self, search: Search<'_>) -> Result<Vec<Device>, Error> {
        let term = search.0.trim();
        if term.is_empty() {
            return Ok(Vec::new());
        }
        let by = if term.contains('@') {
            &[SearchBy::UserPrincipalName][..]
        } else {
            &[SearchBy::Name, SearchBy::Serial][..]
        };
        for &by in by {
            let rows: Vec<WireDevice> =
                self.read_all(&Read::DevicesBy(by, term.to_owned()), Patience::Interactive).await?;
            let delivered = rows.len();
            let found: Vec<Device> =
                rows.into_iter().map(Device::from).filter(|device| matches(by, device, term)).collect();
            if found.len() < delivered {
                tracing::warn!(?by, delivered, matching = found.len(), "Graph did not honour a filter");
            }
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }
}

pub(super) fn matches(by: SearchBy, device: &Device, term: &str) -> bool {
    let value = match by {
        SearchBy::Name => Some(device.name.as_str()),
        SearchBy::Serial => device.serial.as_deref(),
        SearchBy::UserPrincipalName => device.user_principal_name.as_deref(),
        SearchBy::EntraDevice => return device.entra_device_id.is_some_and(|id| id.to_string() == term.to_lowercase()),
    };
    value.is_some_and(|value| value.to_lowercase() == term.to_lowercase())
}
