"""What each error of the backend must become (`crates/simulator/README.md`, error codes)."""

import anthropic
import openai

# Directive code: the HTTP statuses that say it to a client before any output.
EXPECTED = {
    "rate_limit": {429},
    "usage_limit": {402, 403, 429},
    "overloaded": {503},
    "unavailable": {503},
    "internal": {500, 502},
    "deadline": {408, 500, 502, 503, 504},
    "unauthenticated": {401, 403, 500, 502, 503, 504},
    "permission_denied": {401, 403},
    "invalid_argument": {400},
    "context_length": {400, 413},
    "not_found": {400, 404},
}

CLASSES = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
}


def class_for(status):
    """The SDK's own class for a status."""
    fallback = openai.InternalServerError if status >= 500 else openai.APIStatusError
    return CLASSES.get(status, fallback)


# What the Messages API calls an error of each status.
ANTHROPIC_TYPES = {
    400: {"invalid_request_error"},
    401: {"authentication_error"},
    402: {"billing_error"},
    403: {"permission_error"},
    404: {"not_found_error"},
    408: {"timeout_error"},
    413: {"request_too_large"},
    429: {"rate_limit_error"},
    500: {"api_error"},
    502: {"api_error"},
    503: {"overloaded_error", "api_error"},
    504: {"timeout_error", "api_error"},
    529: {"overloaded_error"},
}
ANTHROPIC_CLASSES = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    402: anthropic.PaymentRequiredError,
    403: anthropic.PermissionDeniedError,
    404: anthropic.NotFoundError,
    408: anthropic.RequestTimeoutError,
    413: anthropic.ContentTooLargeError,
    429: anthropic.RateLimitError,
    503: anthropic.ServiceUnavailableError,
    504: anthropic.GatewayTimeoutError,
    529: anthropic.OverloadedError,
}


def anthropic_class_for(status):
    fallback = anthropic.InternalServerError if status >= 500 else anthropic.APIStatusError
    return ANTHROPIC_CLASSES.get(status, fallback)
