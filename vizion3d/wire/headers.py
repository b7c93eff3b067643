"""Names of headers (and, in lower case, of gRPC metadata) that do not depend on the task."""

API_KEY = "X-API-Key"
REQUEST_ID = "X-Request-ID"
