//! What time does: check-ins that come due, app states that start to show, directory roles that end.

use jiff::{SignedDuration, Timestamp};

use super::model::{AppChange, AppEvent, Cause, CheckIn, Device, HiddenChange, Planned, World};

/// An app result is dated this long after the check-in that brought it.
const APP_TAKES: SignedDuration = SignedDuration::from_secs(4);

impl World {
    /// Brings the whole tenant up to `now`. Everything that follows from time is computed here, so a moved clock works.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        let (now, regular, lag) = (self.now, self.behaviour.regular_check_in, self.behaviour.app_lag);
        for device in self.devices.values_mut() {
            device.settle(now, regular, lag);
        }
        for role in &mut self.directory_roles {
            let (over, ends) = std::mem::take(&mut role.ends).into_iter().partition(|(_, end)| *end <= now);
            role.ends = ends;
            let over: Vec<(String, Timestamp)> = over;
            role.members.retain(|member| !over.iter().any(|(known, _)| known == member));
        }
        self.limits.forget(now);
    }
}

impl Device {
    /// Carries out what is due, in the order of time.
    fn settle(&mut self, now: Timestamp, regular: SignedDuration, lag: SignedDuration) {
        // Of most devices nothing is due, and each call looks at all of them.
        if self.hidden.is_empty() && self.next_check_in().is_none_or(|next| next > now) {
            return;
        }
        loop {
            let planned = self.planned.iter().enumerate().min_by_key(|(_, p)| p.at).map(|(index, p)| (index, p.at));
            match (planned, self.next_regular) {
                (Some((index, at)), next) if at <= now && next.is_none_or(|next| at <= next) => {
                    let due = self.planned.remove(index);
                    self.check_in(&due, regular, lag);
                }
                (_, Some(next)) if next <= now => {
                    self.check_in(&Planned { at: next, dated: next, cause: Cause::Regular }, regular, lag);
                }
                _ => break,
            }
        }
        self.show_apps(now);
    }

    /// One check-in.
    pub(crate) fn check_in(&mut self, due: &Planned, regular: SignedDuration, lag: SignedDuration) {
        if self.last_check_in.is_none_or(|last| due.dated > last) {
            self.before_last = self.last_check_in;
            self.last_check_in = Some(due.dated);
            self.shown_at = Some(due.at);
            self.stale_reads = 0;
        }
        if self.plan != CheckIn::Never {
            self.next_regular = due.at.checked_add(regular).ok();
        }
        if due.cause != Cause::Asked {
            return;
        }
        self.waiting = false;
        for app in &mut self.apps {
            let Some(change) = app.then.take() else { continue };
            let at = due.dated.saturating_add(APP_TAKES).unwrap_or(due.dated);
            let code = match change {
                AppChange::Fixed => None,
                AppChange::Fails(code) => Some(code),
            };
            let shows_at = at.saturating_add(lag).unwrap_or(at);
            self.hidden.push(HiddenChange { shows_at, app: app.app.clone(), event: AppEvent { at, code } });
        }
    }

    /// Lets app changes show whose time has come.
    pub(crate) fn show_apps(&mut self, now: Timestamp) {
        let (due, hidden): (Vec<_>, _) = std::mem::take(&mut self.hidden).into_iter().partition(|h| h.shows_at <= now);
        self.hidden = hidden;
        for HiddenChange { app, event, .. } in due {
            if let Some(known) = self.apps.iter_mut().find(|a| a.app == app) {
                known.happened(event);
            }
        }
    }

    /// A sync was accepted at `now`: plans what the device will do about it, once.
    pub(crate) fn asked(&mut self, now: Timestamp) {
        if self.waiting && !self.planned.is_empty() {
            return;
        }
        self.waiting = true;
        self.start_plan(now);
    }

    /// Puts the plan's check-ins on the calendar, counted from `now`.
    pub(crate) fn start_plan(&mut self, now: Timestamp) {
        let asked = |delay: &SignedDuration| {
            let at = now.saturating_add(*delay).unwrap_or(Timestamp::MAX);
            Planned { at, dated: at, cause: Cause::Asked }
        };
        self.planned = match &self.plan {
            CheckIn::Never => Vec::new(),
            CheckIn::After(delay) => vec![asked(delay)],
            CheckIn::Several(delays) => delays.iter().map(asked).collect(),
            CheckIn::Crossed { before, after } => {
                let dated = now.saturating_sub(*before).unwrap_or(now);
                vec![Planned { at: now, dated, cause: Cause::Crossed }, asked(after)]
            }
        };
    }

    /// What a read of `lastSyncDateTime` shows now: after a check-in, a device with stale reads shows by turns
    /// the value before it, the new one, one older still, and the new one again.
    pub(crate) fn read_last_check_in(&mut self, now: Timestamp) -> Option<Timestamp> {
        let stale = self
            .shown_at
            .is_some_and(|shown| self.stale_for > SignedDuration::ZERO && now.duration_since(shown) < self.stale_for);
        if !stale || self.before_last.is_none() {
            return self.last_check_in;
        }
        let turn = self.stale_reads % 4;
        self.stale_reads += 1;
        match turn {
            0 => self.before_last,
            2 => self.before_last.and_then(|at| at.checked_sub(SignedDuration::from_hours(1)).ok()),
            _ => self.last_check_in,
        }
    }

    /// The next check-in that is certain to come, if any.
    pub(crate) fn next_check_in(&self) -> Option<Timestamp> {
        self.planned.iter().map(|p| p.at).chain(self.next_regular).min()
    }
}

impl super::model::DeviceApp {
    /// Records an event and makes it the state shown.
    pub(crate) fn happened(&mut self, event: AppEvent) {
        (if event.code.is_some() { "failed" } else { "installed" }).clone_into(&mut self.state);
        self.code = event.code;
        self.at = Some(event.at);
        self.history.push(event);
    }
}
