//! Making the simulated Discord misbehave at run time: failing requests, lost channels, a gateway that hangs up.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Discord;
use super::faults::Fault;
use super::gateway::Frame;
use super::ids::MessageId;
use super::limits::Limits;

impl Discord {
    /// Makes the next `times` REST requests go wrong whose `METHOD /path` (without `/api/v10`) contains `on`;
    /// an empty `on` means any request.
    pub fn fault(&self, on: &str, fault: Fault, times: usize) {
        self.with(|state| state.faults.add(on, fault, times));
    }

    /// Takes back all faults of [`Discord::fault`].
    pub fn clear_faults(&self) {
        self.with(|state| state.faults.clear());
    }

    /// How many requests were hit by faults so far, by what the faults do.
    pub fn faults_served(&self) -> BTreeMap<&'static str, usize> {
        self.with(|state| state.faults.served())
    }

    /// Changes the rate limits.
    pub fn set_limits(&self, limits: Limits) {
        self.with(|state| state.limiter.limits = limits);
    }

    /// Hides a channel from the bot (code 50001), or shows it again.
    pub fn hide_channel(&self, name: &str, hidden: bool) {
        self.with(|state| state.channel_named_mut(name).map(|channel| channel.hidden = hidden));
    }

    /// Forbids the bot to write in a channel (code 50013), or allows it again.
    pub fn forbid_channel(&self, name: &str, forbidden: bool) {
        self.with(|state| state.channel_named_mut(name).map(|channel| channel.read_only = forbidden));
    }

    /// Deletes a channel (code 10003), or brings it back.
    pub fn delete_channel(&self, name: &str, deleted: bool) {
        self.with(|state| state.channel_named_mut(name).map(|channel| channel.deleted = deleted));
        self.notify();
    }

    /// Deletes a message, as a moderator would.
    pub fn delete_message(&self, id: MessageId) {
        self.with(|state| state.messages.get_mut(&id).map(|message| message.deleted = true));
        self.notify();
    }

    /// Breaks every gateway connection without a close frame; sessions can be resumed.
    pub fn drop_gateway(&self) {
        self.with(|state| state.gateway.tell_all(|| Frame::Drop));
        self.notify();
    }

    /// Closes every gateway connection with a code.
    pub fn close_gateway(&self, code: u16) {
        self.with(|state| state.gateway.tell_all(|| Frame::Close(code, "The simulator was told to close.")));
        self.notify();
    }

    /// Asks every client to reconnect (op 7).
    pub fn ask_to_reconnect(&self) {
        self.with(|state| state.gateway.say_all(r#"{"op":7,"d":null,"s":null,"t":null}"#));
    }

    /// Declares every session invalid (op 9); where not `resumable`, it is forgotten.
    pub fn invalidate_sessions(&self, resumable: bool) {
        self.with(|state| {
            state.gateway.say_all(&format!(r#"{{"op":9,"d":{resumable},"s":null,"t":null}}"#));
            if !resumable {
                state.gateway.forget();
            }
        });
        self.notify();
    }

    /// Leaves heartbeats without an answer, or answers them again.
    pub fn silence_gateway(&self, silent: bool) {
        self.with(|state| state.gateway.silent = silent);
    }

    /// Closes every IDENTIFY and RESUME with this code (such as 4004), or takes them again.
    pub fn refuse_gateway(&self, code: Option<u16>) {
        self.with(|state| state.gateway.refuse_with = code);
    }

    /// Takes no gateway connection (503), or takes them again.
    pub fn shut_gateway(&self, shut: bool) {
        self.with(|state| state.gateway.shut = shut);
    }

    /// So many of the day's session starts count as used.
    pub fn spend_logins(&self, logins: usize) {
        self.with(|state| state.gateway.logins = logins);
    }

    /// Changes the heartbeat interval for connections to come.
    pub fn set_heartbeat_interval(&self, interval: Duration) {
        let ms = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
        self.with(|state| state.gateway.settings.heartbeat_interval_ms = ms);
    }
}
