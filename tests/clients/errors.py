"""What each error of the backend must become (`crates/simulator/README.md`, error codes)."""

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
