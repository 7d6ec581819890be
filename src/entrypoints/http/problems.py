"""What is answered when a request cannot be fulfilled: problem details (RFC 9457).

`type` is stable and is what programs branch on; `detail` is for people and says what, why and
what to do next. What went wrong inside is told to the log, never to the caller, who gets the
request's id to ask with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from application.jobs.start_sync import IdempotencyKeyReused
from domain.errors import ConnectorDisabled, FieldIssue, InvalidRequest, NotRedrivable
from entrypoints.http.exchange import Reply, Request
from ports.errors import AlreadyExists, Conflict, Fatal, NotFound, Retryable, TimedOut
from ports.job_store import OverlappingJob, TooManyPrefixes
from ports.paging import InvalidCursor

CONTENT_TYPE: Final = "application/problem+json"
# What is shown in the detail and in `errors`: a request can be wrong in thousands of places, and
# the use cases quote prefixes, of 1,024 bytes each.
_DETAIL_FAULT_COUNT: Final = 3
_ERROR_COUNT: Final = 100
_SHOWN_CHARS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemKind:
    """One type of problem. `next_step` is added to what the error itself says."""

    slug: str
    status: int
    title: str
    retry_after_s: int | None = None
    next_step: str = ""

    @property
    def type(self) -> str:
        """The stable URI reference."""
        return f"/problems/{self.slug}"


VALIDATION: Final = ProblemKind(
    slug="validation", status=400, title="The request breaks a rule of the API"
)
INVALID_JSON: Final = ProblemKind(
    slug="invalid-json", status=400, title="The request's body is not JSON"
)
INVALID_CURSOR: Final = ProblemKind(
    slug="invalid-cursor",
    status=400,
    title="The cursor is not one of this list",
    next_step="take nextCursor of the page before, with the same filters, or leave it out",
)
UNKNOWN_PATH: Final = ProblemKind(
    slug="unknown-path",
    status=404,
    title="There is nothing at this path",
    next_step="GET /openapi.json describes all paths",
)
NOT_FOUND: Final = ProblemKind(
    slug="not-found",
    status=404,
    title="The thing asked for does not exist",
    next_step="check the id; GET /connectors and GET /jobs list what there is",
)
METHOD_NOT_ALLOWED: Final = ProblemKind(
    slug="method-not-allowed", status=405, title="The path does not take this method"
)
ALREADY_EXISTS: Final = ProblemKind(
    slug="already-exists",
    status=409,
    title="The id is taken",
    next_step="use what is there, or choose another id",
)
CONNECTOR_DISABLED: Final = ProblemKind(
    slug="connector-disabled", status=409, title="The connector is switched off"
)
OVERLAPPING_JOB: Final = ProblemKind(
    slug="overlapping-job",
    status=409,
    title="Another job is active on the same objects",
    next_step="wait until it has ended, or cancel it",
)
TOO_MANY_PREFIXES: Final = ProblemKind(
    slug="too-many-prefixes",
    status=409,
    title="The active jobs of the bucket hold too many prefixes",
    next_step="wait until one of them has ended, or name fewer or shorter prefixes",
)
KEY_REUSED: Final = ProblemKind(
    slug="idempotency-key-reused",
    status=409,
    title="The idempotency key belongs to another request",
    next_step="choose a new key for a new request",
)
NOT_REDRIVABLE: Final = ProblemKind(
    slug="not-redrivable", status=409, title="There is nothing to redrive"
)
CONFLICT: Final = ProblemKind(
    slug="conflict",
    status=409,
    title="Others changed it at the same time",
    retry_after_s=1,
    next_step="nothing was written; send the request again",
)
UNSUPPORTED_MEDIA_TYPE: Final = ProblemKind(
    slug="unsupported-media-type",
    status=415,
    title="The body's content type is not understood",
    next_step="send application/json in UTF-8",
)
INTERNAL: Final = ProblemKind(slug="internal", status=500, title="The service failed")
SERVICE_FAULT: Final = ProblemKind(
    slug="service-fault", status=500, title="The service cannot do this as it is set up"
)
UNAVAILABLE: Final = ProblemKind(
    slug="unavailable", status=503, title="The service is not available now", retry_after_s=5
)

ALL_KINDS: Final = tuple(kind for kind in vars().copy().values() if isinstance(kind, ProblemKind))

_KIND_OF: Final[Mapping[type[BaseException], ProblemKind]] = {
    InvalidRequest: VALIDATION,
    InvalidCursor: INVALID_CURSOR,
    NotFound: NOT_FOUND,
    AlreadyExists: ALREADY_EXISTS,
    ConnectorDisabled: CONNECTOR_DISABLED,
    OverlappingJob: OVERLAPPING_JOB,
    TooManyPrefixes: TOO_MANY_PREFIXES,
    IdempotencyKeyReused: KEY_REUSED,
    NotRedrivable: NOT_REDRIVABLE,
    Conflict: CONFLICT,
    Retryable: UNAVAILABLE,
    Fatal: SERVICE_FAULT,
}


class RequestFault(Exception):
    """The request fails before any use case; says with which kind of problem."""

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


def problem_reply(error: Exception, request: Request) -> Reply:
    """Return the reply that tells the caller of `error`."""
    kind = kind_of(error)
    body: dict[str, Any] = {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": _detail(kind, error, request.request_id),
        "instance": quote(request.link(request.path), safe="/:@!$&'()*+,;=-._~"),
        "retryable": kind.retry_after_s is not None,
        "requestId": request.request_id,
    }
    if isinstance(error, InvalidRequest | RequestFault) and error.issues:
        body["errors"] = [
            {"path": fault.path[:_SHOWN_CHARS], "message": fault.message[:_SHOWN_CHARS]}
            for fault in error.issues[:_ERROR_COUNT]
        ]
    if isinstance(error, OverlappingJob | IdempotencyKeyReused):
        body["jobId"] = error.job_id
    headers = dict(error.headers) if isinstance(error, RequestFault) else {}
    if kind.retry_after_s is not None:
        headers["Retry-After"] = str(kind.retry_after_s)
    return Reply(status=kind.status, body=body, headers=headers, content_type=CONTENT_TYPE)


def _detail(kind: ProblemKind, error: Exception, request_id: str) -> str:
    if isinstance(error, InvalidRequest):
        shown = [
            f"{fault.path}: {fault.message}"[:_SHOWN_CHARS]
            for fault in error.issues[:_DETAIL_FAULT_COUNT]
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
