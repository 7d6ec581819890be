"""What is answered when a request cannot be fulfilled: problem details (RFC 9457).

`type` is stable: programs branch on it. `detail` is for people: it says what, why and what to do
next. The cause of a failure inside goes to the log, never to the caller, who gets the request's id
to search the log for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from aws_lambda_powertools.event_handler.api_gateway import Response

from application.connectors import Outdated
from application.jobs.plan_sync import AboveMaxCost, BucketNotReadable
from application.jobs.start_sync import IdempotencyKeyReused
from domain.errors import (
    ConnectorDisabled,
    ConnectorRemoved,
    FieldIssue,
    InvalidRequest,
    NotConfirmable,
    NotPausable,
    NotRedrivable,
    NotSearchable,
)
from ports.connector_store import ConnectorInUse
from ports.errors import AlreadyExists, Conflict, Fatal, NotFound, Retryable, TimedOut
from ports.job_store import OverlappingJob, TooManyPrefixes
from ports.paging import InvalidCursor

CONTENT_TYPE: Final = "application/problem+json"
# What is shown in the detail and in `errors`: a request can be wrong in thousands of places, and
# the use cases quote prefixes, of 1,024 bytes each.
_DETAIL_FAULT_COUNT: Final = 3
_ERROR_COUNT: Final = 100
_SHOWN_CHARS: Final = 500


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One type of problem. `next_step` is added to what the error itself says."""

    slug: str
    status: int
    title: str
    next_step: str = ""
    retry_after_s: int | None = None

    @property
    def type(self) -> str:
        """The stable URI reference."""
        return f"/problems/{self.slug}"


VALIDATION: Final = ProblemKind("validation", 400, "The request breaks a rule of the API")
INVALID_JSON: Final = ProblemKind("invalid-json", 400, "The request's body is not JSON")
INVALID_CURSOR: Final = ProblemKind(
    "invalid-cursor",
    400,
    "The cursor is not one of this list",
    "take nextCursor of the page before, with the same filters, or leave it out",
)
UNKNOWN_PATH: Final = ProblemKind(
    "unknown-path", 404, "There is nothing at this path", "GET /openapi.json describes all paths"
)
NOT_FOUND: Final = ProblemKind(
    "not-found",
    404,
    "The thing asked for does not exist",
    "check the id; GET /connectors and GET /jobs list what there is",
)
METHOD_NOT_ALLOWED: Final = ProblemKind(
    "method-not-allowed", 405, "The path does not take this method"
)
ALREADY_EXISTS: Final = ProblemKind(
    "already-exists", 409, "The id is taken", "use what is there, or choose another id"
)
CONNECTOR_DISABLED: Final = ProblemKind("connector-disabled", 409, "The connector is switched off")
CONNECTOR_REMOVED: Final = ProblemKind("connector-removed", 409, "The connector was removed")
CONNECTOR_IN_USE: Final = ProblemKind(
    "connector-in-use",
    409,
    "A job of the connector is active",
    "cancel it (POST /jobs/{jobId}/cancel) or wait until it has ended, then send the request again",
)
PRECONDITION_FAILED: Final = ProblemKind(
    "precondition-failed",
    412,
    "The resource was changed since it was read",
    "read it again, and send the change with its new ETag in If-Match",
)
OVERLAPPING_JOB: Final = ProblemKind(
    "overlapping-job",
    409,
    "Another job is active on the same objects",
    "wait until it has ended, or cancel it",
)
TOO_MANY_PREFIXES: Final = ProblemKind(
    "too-many-prefixes",
    409,
    "The active jobs of the bucket hold too many prefixes",
    "wait until one of them has ended, or name fewer or shorter prefixes",
)
KEY_REUSED: Final = ProblemKind(
    "idempotency-key-reused",
    409,
    "The idempotency key belongs to another request",
    "choose a new key for a new request",
)
NOT_REDRIVABLE: Final = ProblemKind("not-redrivable", 409, "There is nothing to redrive")
NOT_CONFIRMABLE: Final = ProblemKind("not-confirmable", 409, "There is nothing to confirm")
NOT_SEARCHABLE: Final = ProblemKind("not-searchable", 409, "There is nothing to search")
NOT_PAUSABLE: Final = ProblemKind("not-pausable", 409, "There is nothing to pause")
CONFLICT: Final = ProblemKind(
    "conflict",
    409,
    "Others changed it at the same time",
    "nothing was written; send the request again",
    retry_after_s=1,
)
ABOVE_MAX_COST: Final = ProblemKind(
    "above-max-cost", 409, "The sync may cost more than maxCost allows"
)
BUCKET_NOT_READABLE: Final = ProblemKind(
    "bucket-not-readable",
    409,
    "The bucket or the catalog cannot be read",
    "correct the connector, the bucket's policy or the service's permissions",
)
UNSUPPORTED_MEDIA_TYPE: Final = ProblemKind(
    "unsupported-media-type",
    415,
    "The body's content type is not understood",
    "send application/json in UTF-8",
)
INTERNAL: Final = ProblemKind("internal", 500, "The service failed")
SERVICE_FAULT: Final = ProblemKind(
    "service-fault", 500, "The service cannot do this as it is set up"
)
UNAVAILABLE: Final = ProblemKind(
    "unavailable", 503, "The service is not available now", retry_after_s=5
)

ALL_KINDS: Final = tuple(kind for kind in vars().copy().values() if isinstance(kind, ProblemKind))

_KIND_OF: Final[Mapping[type[BaseException], ProblemKind]] = {
    InvalidRequest: VALIDATION,
    InvalidCursor: INVALID_CURSOR,
    NotFound: NOT_FOUND,
    AlreadyExists: ALREADY_EXISTS,
    ConnectorDisabled: CONNECTOR_DISABLED,
    ConnectorRemoved: CONNECTOR_REMOVED,
    ConnectorInUse: CONNECTOR_IN_USE,
    Outdated: PRECONDITION_FAILED,
    OverlappingJob: OVERLAPPING_JOB,
    TooManyPrefixes: TOO_MANY_PREFIXES,
    IdempotencyKeyReused: KEY_REUSED,
    NotRedrivable: NOT_REDRIVABLE,
    NotConfirmable: NOT_CONFIRMABLE,
    NotSearchable: NOT_SEARCHABLE,
    NotPausable: NOT_PAUSABLE,
    AboveMaxCost: ABOVE_MAX_COST,
    BucketNotReadable: BUCKET_NOT_READABLE,
    Conflict: CONFLICT,
    Retryable: UNAVAILABLE,
    Fatal: SERVICE_FAULT,
}


class RequestFault(Exception):
    """The request fails before any use case; names the kind of problem."""

    def __init__(
        self,
        kind: ProblemKind,
        message: str,
        *issues: FieldIssue,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.issues = issues
        self.headers = headers or {}


def kind_of(error: Exception) -> ProblemKind:
    """Return the kind of problem that an error is; what is in no table is a bug of ours."""
    if isinstance(error, RequestFault):
        return error.kind
    return next((_KIND_OF[cls] for cls in type(error).__mro__ if cls in _KIND_OF), INTERNAL)


def problem_response(error: Exception, *, instance: str, request_id: str) -> Response[str]:
    """Return the response that describes `error`; `instance` is the request's path."""
    kind = kind_of(error)
    body: dict[str, Any] = {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": _detail(kind, error, request_id),
        "instance": quote(instance, safe="/:@!$&'()*+,;=-._~"),
        "retryable": kind.retry_after_s is not None,
        "requestId": request_id,
    }
    if isinstance(error, InvalidRequest | RequestFault) and error.issues:
        body["errors"] = [
            {"path": issue.path[:_SHOWN_CHARS], "message": issue.message[:_SHOWN_CHARS]}
            for issue in error.issues[:_ERROR_COUNT]
        ]
    if isinstance(error, OverlappingJob | IdempotencyKeyReused | ConnectorInUse):
        body["jobId"] = error.job_id
    headers = dict(error.headers) if isinstance(error, RequestFault) else {}
    if kind.retry_after_s is not None:
        headers["Retry-After"] = str(kind.retry_after_s)
    return Response(kind.status, CONTENT_TYPE, json.dumps(body, separators=(",", ":")), headers)


def _detail(kind: ProblemKind, error: Exception, request_id: str) -> str:
    if isinstance(error, InvalidRequest):
        shown = [
            f"{issue.path}: {issue.message}"[:_SHOWN_CHARS]
            for issue in error.issues[:_DETAIL_FAULT_COUNT]
        ]
        hidden_count = len(error.issues) - len(shown)
        more = [f"and {hidden_count} more, see errors"] if hidden_count else []
        return "; ".join(shown + more)
    # Messages of these may name tables, roles and endpoints: they are for operators.
    if kind is UNAVAILABLE:
        doubt = "It may have been done all the same. " if isinstance(error, TimedOut) else ""
        return (
            f"A service that this one depends on did not answer ({type(error).__name__}). {doubt}"
            f"Send the request again in {kind.retry_after_s} seconds, with the same Idempotency-Key"
            " if it had one"
        )
    if kind is SERVICE_FAULT:
        return (
            f"A service that this one depends on refused ({type(error).__name__}), and repeating"
            " the request will not help. The cause is in the API function's log, request"
            f" {request_id}"
        )
    if kind is INTERNAL:
        return (
            "An error that was not foreseen; the same request may fail again. The cause is in the"
            f" API function's log, request {request_id}"
        )
    return "; ".join(part for part in (str(error), kind.next_step) if part)
