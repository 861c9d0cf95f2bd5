//! Votes that meet each other: of everything that can be the last word on a request one thing is, whichever process hears it first.
//!
//! Each test runs on both engines; two stores stand for two processes.

mod asked;
mod engines;
mod samples;
mod together;

use engines::Engine;
use intune_sync_bot::chat::ChannelId;
use intune_sync_bot::store::{
    ApprovalFrame, ApprovalWindow, Confirmed, NewRound, PendingApproval, RequestId, RequestState, RuleAsked, RuleDue,
    Store, Voted, Yes,
};
use samples::device;
use serde_json::{Value, json};
use together::{Both, LONG, ROUNDS, actor};

on_both_engines! {
    of_two_last_words_one_lets_it_run,
    two_of_two_are_never_both_the_first,
    somebody_agrees_while_somebody_refuses,
    somebody_agrees_while_its_asker_takes_it_back,
    somebody_agrees_while_the_devices_change,
    what_a_rule_lets_through_is_counted_once,
}

/// The rule of these tests.
const RULE: &str = "large";

fn rule(needed: u32) -> RuleDue {
    let (name, conditions) = (RULE.to_owned(), Vec::new());
    let asked = RuleAsked { name, roles: Vec::new(), groups: Vec::new(), needed, step_up: false, conditions };
    RuleDue { asked, allowance: None }
}

impl Both {
    /// Says Yes to a request under these rules.
    async fn confirm_under(&self, on: &Store, id: RequestId, rules: &[RuleDue]) -> Confirmed {
        let reply = self.reply();
        let window = ApprovalWindow { remind_at: self.now + LONG, expires_at: self.now + LONG * 2 };
        let approval = Some(ApprovalFrame { channel: ChannelId(103), window });
        let yes = Yes { reply: &reply, decision: Value::Null, rules, approval };
        on.confirm(self.now, id, &actor(1), &yes).await.expect("the store answers")
    }

    /// A request that waits for so many.
    async fn waits_for(&self, needed: u32, number: u128) -> PendingApproval {
        let id = self.ask(1, number).await;
        self.confirm_under(&self.one, id, &[rule(needed)]).await;
        self.one.approval(id).await.expect("the store answers").expect("it waits")
    }

    async fn approve(&self, on: &Store, person: u64, seen: &PendingApproval) -> Voted {
        let rules = [RULE.to_owned()];
        on.approve(self.now, seen, &actor(person), &rules, json!({})).await.expect("the store answers")
    }

    async fn state(&self, id: RequestId) -> RequestState {
        self.one.request(id).await.expect("the store answers").expect("it is there").state
    }

    /// Whether its device is due to be called; that is over then.
    async fn is_due(&self) -> bool {
        self.one.claim_device_sync(self.now).await.expect("the store answers").is_some()
    }
}

fn approved(voted: &Voted) -> bool {
    matches!(voted, Voted::Approved)
}

async fn of_two_last_words_one_lets_it_run(engine: Engine) {
    let both = Both::new(engine).await;
    for number in 0..ROUNDS {
        let seen = both.waits_for(1, number).await;
        let (a, b) = tokio::join!(both.approve(&both.one, 2, &seen), both.approve(&both.other, 3, &seen));
        assert!(approved(&a) != approved(&b), "{a:?} and {b:?}");
        let late = if approved(&a) { b } else { a };
        assert!(matches!(late, Voted::TooLate(RequestState::Running)), "{late:?}");
        assert!(both.is_due().await && !both.is_due().await, "one sync is due, once");
    }
    both.end().await;
}

async fn two_of_two_are_never_both_the_first(engine: Engine) {
    let both = Both::new(engine).await;
    for number in 0..ROUNDS {
        let seen = both.waits_for(2, number).await;
        let (a, b) = tokio::join!(both.approve(&both.one, 2, &seen), both.approve(&both.other, 3, &seen));
        assert!(approved(&a) != approved(&b), "{a:?} and {b:?}");
        assert!([a, b].iter().any(|voted| matches!(voted, Voted::Counted(1))));
        assert_eq!(both.state(seen.request.id).await, RequestState::Running);
    }
    both.end().await;
}

async fn somebody_agrees_while_somebody_refuses(engine: Engine) {
    let both = Both::new(engine).await;
    for number in 0..ROUNDS {
        let seen = both.waits_for(1, number).await;
        let id = seen.request.id;
        let (three, no) = (actor(3), both.other.clone());
        let (yes, no) = tokio::join!(both.approve(&both.one, 2, &seen), no.reject(both.now, id, &three, None));
        let no = no.expect("the store answers");
        let (wanted, is_approved) = (both.state(id).await, approved(&yes));
        assert!(is_approved != matches!(no, Voted::Rejected), "{yes:?} and {no:?}");
        assert_eq!(wanted, if is_approved { RequestState::Running } else { RequestState::Rejected });
        assert_eq!(both.is_due().await, is_approved, "only what was approved is due");
    }
    both.end().await;
}

async fn somebody_agrees_while_its_asker_takes_it_back(engine: Engine) {
    let both = Both::new(engine).await;
    for number in 0..ROUNDS {
        let seen = both.waits_for(1, number).await;
        let id = seen.request.id;
        let asker = actor(1);
        let (yes, back) = tokio::join!(both.approve(&both.one, 2, &seen), both.other.cancel(both.now, id, &asker));
        let (back, is_approved) = (back.expect("the store answers"), approved(&yes));
        assert!(is_approved != matches!(back, Confirmed::Done { .. }), "{yes:?} and {back:?}");
        assert_eq!(both.is_due().await, is_approved, "what was taken back is not due");
    }
    both.end().await;
}

async fn somebody_agrees_while_the_devices_change(engine: Engine) {
    let both = Both::new(engine).await;
    for number in 0..ROUNDS {
        let seen = both.waits_for(1, number).await;
        let devices = [device(1_000 + number)];
        let round = NewRound { devices: &devices, considered: Some(&[]), rules: &[], detail: json!({}) };
        let (yes, changed) =
            tokio::join!(both.approve(&both.one, 2, &seen), both.other.next_round(both.now, &seen, &round));
        let (changed, is_approved) = (changed.expect("the store answers"), approved(&yes));
        assert!(is_approved != changed, "{yes:?} and {changed}");
        assert_eq!(both.is_due().await, is_approved, "nobody has agreed to the other devices");
    }
    both.end().await;
}

async fn what_a_rule_lets_through_is_counted_once(engine: Engine) {
    let both = Both::new(engine).await;
    for number in 0..ROUNDS {
        let mut once = rule(1);
        once.asked.name = format!("auto {number}");
        once.allowance = Some((1, both.now - LONG));
        let rules = [once];
        let (a, b) = (both.ask(1, 2 * number).await, both.ask(1, 2 * number + 1).await);
        let (a, b) = tokio::join!(both.confirm_under(&both.one, a, &rules), both.confirm_under(&both.other, b, &rules));
        let waits = |confirmed: &Confirmed| matches!(confirmed, Confirmed::Done { approval: true, .. });
        assert!(waits(&a) != waits(&b), "{a:?} and {b:?}");
    }
    both.end().await;
}
