//! The account side: login, tokens, profile, plan and usage over REST
//! (`reference/upstream-protocol.md` §4, `reference/messages/account.md`).
//!
//! The real backend has two hosts for this, one that reads a cookie and one that reads a bearer;
//! here both answer on one port, and every path knows which credential it reads.

pub(crate) mod credential;
mod events;
mod form;
mod grant;
mod json;
pub(crate) mod login;
pub(crate) mod messages;
mod page;
pub(crate) mod profile;
mod time;
mod web;

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::call::Call;
use crate::reply::{self, Reply};
use crate::route::{Refusal, checks};
use crate::state::Connection;
use events::Filter;
use form::{Form, MAX_QUERY};
use profile::Profile;

/// The longest request body that is read, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// The REST calls that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    UsageSummary,
    AuthMe,
    Stripe,
    Sessions,
    LegacyUsage,
    Dashboard(Dashboard),
    DeepCallback,
    FullStripeProfile,
    StripeProfile,
    HasPaymentMethod,
    Usage,
    Logout,
    ExchangeKey,
    Refresh,
    OauthToken,
    LoginPage,
    Approve,
    Poll,
}

/// `POST /api/dashboard/…`, the JSON form of `DashboardService`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dashboard {
    GetMe,
    PrivacyMode,
    NewPricing,
    CurrentPeriod,
    FilteredEvents,
    AggregatedEvents,
    Teams,
    HardLimit,
}

/// Where the credential of a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// The cookie of a browser or session token; a bearer is not read.
    Cookie,
    /// A session token as bearer; a cookie is not read.
    Bearer,
    /// An API key or a session token as bearer.
    KeyOrBearer,
    /// In the request itself, or nowhere.
    Open,
}

impl Rest {
    pub(crate) fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/api/usage-summary" => Self::UsageSummary,
            "/api/auth/me" => Self::AuthMe,
            "/api/auth/stripe" => Self::Stripe,
            "/api/auth/sessions" => Self::Sessions,
            "/api/usage" => Self::LegacyUsage,
            "/api/auth/loginDeepCallbackControl" => Self::DeepCallback,
            "/auth/full_stripe_profile" => Self::FullStripeProfile,
            "/auth/stripe_profile" => Self::StripeProfile,
            "/auth/has_valid_payment_method" => Self::HasPaymentMethod,
            "/auth/usage" => Self::Usage,
            "/auth/logout" => Self::Logout,
            "/auth/exchange_user_api_key" => Self::ExchangeKey,
            "/auth/refresh" => Self::Refresh,
            "/oauth/token" => Self::OauthToken,
            "/loginDeepControl" => Self::LoginPage,
            "/loginDeepControl/approve" => Self::Approve,
            "/auth/poll" => Self::Poll,
            _ => Self::Dashboard(Dashboard::of(path.strip_prefix("/api/dashboard/")?)?),
        })
    }

    pub(crate) fn method(self) -> Method {
        match self {
            Self::UsageSummary
            | Self::AuthMe
            | Self::Stripe
            | Self::Sessions
            | Self::LegacyUsage
            | Self::FullStripeProfile
            | Self::StripeProfile
            | Self::HasPaymentMethod
            | Self::Usage
            | Self::LoginPage
            | Self::Poll => Method::GET,
            Self::Dashboard(_)
            | Self::DeepCallback
            | Self::Logout
            | Self::ExchangeKey
            | Self::Refresh
            | Self::OauthToken
            | Self::Approve => Method::POST,
        }
    }

    pub(crate) fn access(self) -> Access {
        match self {
            Self::UsageSummary
            | Self::AuthMe
            | Self::Stripe
            | Self::Sessions
            | Self::LegacyUsage
            | Self::Dashboard(_)
            | Self::DeepCallback => Access::Cookie,
            Self::FullStripeProfile
            | Self::StripeProfile
            | Self::HasPaymentMethod
            | Self::Usage
            | Self::Logout
            | Self::Refresh => Access::Bearer,
            Self::ExchangeKey => Access::KeyOrBearer,
            Self::OauthToken | Self::LoginPage | Self::Approve | Self::Poll => Access::Open,
        }
    }

    /// The content type of its body, if it must have one.
    fn content_type(self) -> Option<&'static str> {
        match self {
            Self::Dashboard(_) | Self::DeepCallback | Self::OauthToken => Some("application/json"),
            Self::Approve => Some("application/x-www-form-urlencoded"),
            Self::UsageSummary
            | Self::AuthMe
            | Self::Stripe
            | Self::Sessions
            | Self::LegacyUsage
            | Self::FullStripeProfile
            | Self::StripeProfile
            | Self::HasPaymentMethod
            | Self::Usage
            | Self::Logout
            | Self::ExchangeKey
            | Self::Refresh
            | Self::LoginPage
            | Self::Poll => None,
        }
    }
}

impl Dashboard {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "get-me" => Self::GetMe,
            "get-user-privacy-mode" => Self::PrivacyMode,
            "is-on-new-pricing" => Self::NewPricing,
            "get-current-period-usage" => Self::CurrentPeriod,
            "get-filtered-usage-events" => Self::FilteredEvents,
            "get-aggregated-usage-events" => Self::AggregatedEvents,
            "teams" => Self::Teams,
            "get-hard-limit" => Self::HardLimit,
            _ => return None,
        })
    }
}

/// No credential that this call reads, or one that is not valid.
pub(crate) fn not_authenticated() -> Reply {
    let text = "The user does not have an active session or is not authenticated";
    let refused = json!({"error": "not_authenticated", "description": text});
    reply::json(StatusCode::UNAUTHORIZED, &refused)
}

/// A request that cannot be understood. The form is ours.
fn bad_request(error: &str, description: impl Into<String>) -> Refusal {
    let body = json!({"error": error, "description": description.into()});
    reply::json(StatusCode::BAD_REQUEST, &body).into()
}

/// The checks before the body: size of the query, origin, content type. The user was found.
pub(crate) fn accept<B>(rest: Rest, request: &Request<B>, is_tls: bool) -> Result<(), Refusal> {
    if request.uri().query().is_some_and(|query| query.len() > MAX_QUERY) {
        return Err(reply::html(StatusCode::URI_TOO_LONG, None).into());
    }
    let changes = rest.access() == Access::Cookie && rest.method() == Method::POST;
    if changes && !credential::is_own_origin(request, is_tls) {
        let refused = json!({"error": "Invalid origin for state-changing request"});
        return Err(reply::json(StatusCode::FORBIDDEN, &refused).into());
    }
    match rest.content_type() {
        Some(expected) if checks::content_type(request.headers()) != expected => {
            Err(reply::unsupported(expected).into())
        }
        Some(_) | None => Ok(()),
    }
}

/// What a call needs to be answered.
struct Asked<'a> {
    query: Form,
    headers: HeaderMap,
    body: Bytes,
    call: &'a Call,
    connection: &'a Connection,
}

impl Asked<'_> {
    /// The body as a JSON object.
    fn object(&self) -> Result<Value, Refusal> {
        let value: Value = serde_json::from_slice(&self.body)
            .map_err(|error| bad_request("invalid_json", error.to_string()))?;
        if value.is_object() { Ok(value) } else { Err(bad_request("invalid_json", "no object")) }
    }

    fn profile(&self, user: &str) -> Profile {
        self.connection.state.profile(user)
    }
}

/// Answers a call that passed [`accept`]. `user` is whose credential it carries; empty for
/// [`Access::Open`].
pub(crate) async fn answer(
    rest: Rest,
    user: &str,
    request: Request<Incoming>,
    call: &Call,
    connection: &Connection,
) -> Result<Reply, Refusal> {
    let (head, body) = request.into_parts();
    let query = Form::read(head.uri.query().unwrap_or_default());
    let asked = Asked { query, headers: head.headers, body: read(body).await?, call, connection };
    let ok = |body: Value| Ok(reply::json(StatusCode::OK, &body));
    let profile = asked.profile(user);
    match rest {
        Rest::UsageSummary => ok(json::usage_summary(&profile)),
        Rest::AuthMe => ok(json::auth_me(&profile)),
        Rest::Stripe | Rest::StripeProfile => ok(json::stripe(&profile, SystemTime::now())),
        // On purpose: the real one was seen to say this of its JSON.
        Rest::FullStripeProfile => {
            let body = json::stripe(&profile, SystemTime::now()).to_string();
            Ok(reply::text("text/plain", body))
        }
        Rest::HasPaymentMethod => ok(json!({"hasValidPaymentMethod": !profile.is_free()})),
        Rest::Sessions => ok(json::active_sessions(&profile)),
        Rest::LegacyUsage => legacy_usage(&asked, &profile),
        Rest::Usage => ok(json::legacy_usage(&profile)),
        Rest::Dashboard(kind) => ok(dashboard(kind, &asked.object()?, &profile)?),
        Rest::Logout => grant::logout(&asked),
        Rest::ExchangeKey | Rest::Refresh => ok(grant::exchange(user, &asked)),
        Rest::OauthToken => grant::oauth(&asked),
        Rest::DeepCallback => web::deep_callback(user, &asked),
        Rest::LoginPage => web::login_page(&asked),
        Rest::Approve => web::approve(&asked),
        Rest::Poll => web::poll(&asked),
    }
}

fn legacy_usage(asked: &Asked<'_>, profile: &Profile) -> Result<Reply, Refusal> {
    match asked.query.get("user") {
        Some(user) if user == profile.user => {
            Ok(reply::json(StatusCode::OK, &json::legacy_usage(profile)))
        }
        Some(_) => Err(reply::json(StatusCode::FORBIDDEN, &json!({"error": "forbidden"})).into()),
        None => Err(bad_request("invalid_request", "user is missing")),
    }
}

fn dashboard(kind: Dashboard, request: &Value, profile: &Profile) -> Result<Value, Refusal> {
    let filter = || {
        Filter::read(request)
            .map_err(|field| bad_request("invalid_argument", format!("{field} is not valid")))
    };
    Ok(match kind {
        Dashboard::GetMe => json::get_me(profile),
        Dashboard::PrivacyMode => json::privacy(profile),
        Dashboard::NewPricing => json::new_pricing(),
        Dashboard::CurrentPeriod => json::current_period(profile),
        Dashboard::FilteredEvents => json::filtered_events(profile, &filter()?),
        Dashboard::AggregatedEvents => json::aggregated_events(profile, &filter()?),
        Dashboard::Teams => json::teams(profile),
        Dashboard::HardLimit => json::hard_limit(profile),
    })
}

/// The whole request body.
async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(reply::html(StatusCode::PAYLOAD_TOO_LARGE, None).into())
        }
        Err(_) => Err(bad_request("invalid_request", "the body was cut")),
    }
}
