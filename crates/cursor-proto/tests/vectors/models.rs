//! Model lists of both packages.
use crate::messages::check;

vectors!(
    "models",
    check,
    [
        available_models_request,
        available_models_request_ide,
        available_models_response,
        available_models_parameterised,
        available_models_legacy,
        cpp_models,
        agent_usable_models,
        agent_usable_models_request,
        agent_default_model,
    ]
);
