//! Account, usage, sessions and configuration.
use crate::messages::check;

vectors!(
    "account_proto",
    check,
    [
        get_server_config_request,
        get_server_config_response,
        get_me,
        get_user_privacy_mode,
        privacy_unspecified,
        privacy_no_storage,
        privacy_no_training,
        privacy_usage_data_training_allowed,
        privacy_usage_codebase_training_allowed,
        is_on_new_pricing,
        list_sessions,
        current_period_usage,
        filtered_usage_request,
        filtered_usage_response,
        aggregated_usage_response,
        token_usage_request,
        token_usage_response,
        teams,
        hard_limit,
        usage_limit_status,
    ]
);
