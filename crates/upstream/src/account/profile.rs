//! Calls that read what is known of an account.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::rest::{Auth, Rest};
use super::{ProfileParts, WebCredential};
use crate::backend::Backend;
use crate::error::UpstreamError;
use crate::profile::{PrivacyModeInfo, SessionInfo, Stripe, Usage, User};
use crate::transport::Via;

#[derive(Deserialize)]
struct SessionsWire {
    sessions: Vec<SessionInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PricingWire {
    is_on_new_pricing: bool,
}

impl Backend {
    /// `GET /api/usage-summary` of the website: plan and usage of the billing cycle.
    ///
    /// # Errors
    /// The credential is not accepted, or the call failed.
    pub async fn usage_summary(
        &self,
        web: &WebCredential,
        via: &Via,
    ) -> Result<Usage, UpstreamError> {
        self.json(Rest::get(Auth::Cookie(web), "/api/usage-summary"), via).await
    }

    /// `GET /auth/full_stripe_profile`: the subscription.
    ///
    /// # Errors
    /// The credential is not accepted, or the call failed.
    pub async fn stripe(&self, bearer: &SecretString, via: &Via) -> Result<Stripe, UpstreamError> {
        self.json(Rest::get(Auth::Bearer(bearer), "/auth/full_stripe_profile"), via).await
    }

    /// `GET /api/auth/sessions` of the website: where the account is logged in.
    ///
    /// # Errors
    /// The credential is not accepted, or the call failed.
    pub async fn sessions(
        &self,
        web: &WebCredential,
        via: &Via,
    ) -> Result<Vec<SessionInfo>, UpstreamError> {
        let call = Rest::get(Auth::Cookie(web), "/api/auth/sessions");
        Ok(self.json::<SessionsWire>(call, via).await?.sessions)
    }

    /// The person: `POST /api/dashboard/get-me`, `…/get-user-privacy-mode` and
    /// `…/is-on-new-pricing` of the website. The latter two may fail; what they would tell has its
    /// default then.
    ///
    /// # Errors
    /// The credential is not accepted, or the first call failed.
    pub async fn user(&self, web: &WebCredential, via: &Via) -> Result<User, UpstreamError> {
        let post = |path| Rest::post(Auth::Cookie(web), path, json!({}));
        let (user, privacy, pricing) = tokio::join!(
            self.json::<User>(post("/api/dashboard/get-me"), via),
            self.json::<PrivacyModeInfo>(post("/api/dashboard/get-user-privacy-mode"), via),
            self.json::<PricingWire>(post("/api/dashboard/is-on-new-pricing"), via),
        );
        let mut user = user?;
        match privacy {
            Ok(privacy) => user.privacy_mode_info = privacy,
            Err(error) => tracing::debug!(%error, "privacy mode unknown"),
        }
        match pricing {
            Ok(pricing) => user.is_on_new_pricing = pricing.is_on_new_pricing,
            Err(error) => tracing::debug!(%error, "pricing unknown"),
        }
        Ok(user)
    }

    /// All that is told of an account, asked for at the same time.
    pub async fn profile(
        &self,
        bearer: &SecretString,
        web: &WebCredential,
        via: &Via,
        with_sessions: bool,
    ) -> ProfileParts {
        let sessions = async {
            match with_sessions {
                true => Some(self.sessions(web, via).await),
                false => None,
            }
        };
        let (usage, stripe, user, sessions) = tokio::join!(
            self.usage_summary(web, via),
            self.stripe(bearer, via),
            self.user(web, via),
            sessions,
        );
        ProfileParts { usage, stripe, user, sessions }
    }
}
