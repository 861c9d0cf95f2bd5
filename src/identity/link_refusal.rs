//! Why a step of linking was refused: a decision, shown to the person and kept in the audit by one word.

use crate::graph::{BadIdToken, SignInError};

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkRefusal {
    /// Nobody gave out such a link.
    Unknown,
    /// Its ten minutes are over.
    Expired,
    /// It was used, replaced by a newer one, or has ended.
    Used,
    /// Another browser has begun with it, or the one that came back did not begin.
    WrongBrowser,
    /// Another site sent the browser's form.
    CrossSite,
    /// The state had been used.
    StateReplayed,
    /// The person cancelled at Entra.
    Declined,
    /// Entra did not sign the person in.
    SignInFailed,
    /// Entra refuses the app registration: the operator's to mend.
    AppRefused,
    /// The token is of another tenant.
    WrongTenant,
    /// The token is not believed.
    BadIdToken,
    /// Entra or Graph does not answer; in doubt the answer is no.
    Unavailable,
    /// The tenant has no such person.
    NotInTenant,
    /// The person's account is disabled.
    AccountDisabled,
    /// Another person's attempt.
    NotYours,
    /// Nobody has signed in yet.
    NotSignedIn,
    /// The code is wrong.
    WrongCode {
        /// Tries left.
        left: u32,
    },
    /// Another chat account is linked to this person.
    PersonTaken,
    /// "Not me".
    NotMe,
    /// For an approval somebody else signed in than the person whom the chat account is linked to.
    OtherPerson,
    /// For an approval: Entra does not say that they signed in just now.
    NotFresh,
    /// For an approval: Entra does not say that the sign-in satisfies the authentication context.
    NotStrong,
}

impl LinkRefusal {
    /// The word in the audit and the log.
    pub fn why(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Used => "used",
            Self::WrongBrowser => "wrong_browser",
            Self::CrossSite => "cross_site",
            Self::StateReplayed => "state_replayed",
            Self::Declined => "declined",
            Self::SignInFailed => "sign_in_failed",
            Self::AppRefused => "app_refused",
            Self::WrongTenant => "wrong_tenant",
            Self::BadIdToken => "bad_id_token",
            Self::Unavailable => "unavailable",
            Self::NotInTenant => "not_in_tenant",
            Self::AccountDisabled => "account_disabled",
            Self::NotYours => "not_yours",
            Self::NotSignedIn => "not_signed_in",
            Self::WrongCode { .. } => "wrong_code",
            Self::PersonTaken => "person_taken",
            Self::NotMe => "not_me",
            Self::OtherPerson => "other_person",
            Self::NotFresh => "not_fresh",
            Self::NotStrong => "not_strong",
        }
    }

    /// Whether a sign-in that came so far cannot go on. What a stranger's browser does ends nothing.
    pub(super) fn ends_sign_in(self) -> bool {
        matches!(
            self,
            Self::Declined
                | Self::SignInFailed
                | Self::AppRefused
                | Self::WrongTenant
                | Self::BadIdToken
                | Self::Unavailable
                | Self::NotInTenant
                | Self::AccountDisabled
                | Self::OtherPerson
                | Self::NotFresh
                | Self::NotStrong
        )
    }
}

impl From<SignInError> for LinkRefusal {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::CodeRefused => Self::SignInFailed,
            SignInError::App(_) => Self::AppRefused,
            SignInError::Unavailable => Self::Unavailable,
            SignInError::BadIdToken(BadIdToken::Tenant) => Self::WrongTenant,
            SignInError::BadIdToken(_) => Self::BadIdToken,
        }
    }
}
