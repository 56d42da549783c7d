//! `cursor-api logs`.

use super::SettingsArgs;

#[derive(Debug, clap::Args)]
pub(crate) struct LogsArgs {
    /// Only requests with this status.
    #[arg(long, value_name = "STATUS", value_parser = ["pending", "success", "failure"])]
    pub(crate) status: Option<String>,
    /// Only models with this in their name.
    #[arg(long, value_name = "TEXT")]
    pub(crate) model: Option<String>,
    /// Only failures with this in their kind or text.
    #[arg(long, value_name = "TEXT")]
    pub(crate) error: Option<String>,
    /// Only requests of this key: its id, auth_token or shared_token.
    #[arg(long, value_name = "ID")]
    pub(crate) key: Option<String>,
    /// Only requests that this account served, by name or number.
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// Only this client API, such as openai_chat or anthropic.
    #[arg(long, value_name = "DIALECT")]
    pub(crate) dialect: Option<String>,
    /// Only the request with this id, as in the answer's header x-request-id.
    #[arg(long, value_name = "ID")]
    pub(crate) request_id: Option<String>,
    /// Not before this time, such as 2027-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Not after this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// How many to show, the newest.
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    /// Go on with every request that ends from now on, until interrupted.
    #[arg(long)]
    pub(crate) follow: bool,
    /// Print JSON: one object per line, with everything that is known.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}
