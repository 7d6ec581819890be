"""The parameters of routes, and what a handler gets besides: the use cases and the request."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final
from urllib.parse import unquote

from aws_lambda_powertools.event_handler.depends import Depends
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from aws_lambda_powertools.event_handler.request import Request as ResolvedRequest
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from domain.decision import Decision
from domain.job import JobStatus
from domain.outcome import OutcomeKind
from entrypoints.http.event import Request
from entrypoints.http.values import ID_CHARS_MAX, Cursor, WholeKey, Word
from entrypoints.wiring.api_app import ApiApp
from ports.errors import NotFound

PAGE_ITEM_COUNT: Final = 20
_PAGE_ITEM_COUNT_MAX: Final = 100
# All are asked within one request.
_JOB_COUNT_MAX: Final = 20
# An outcome has some hundred bytes; a job has millions.
_OUTCOME_COUNT_MAX: Final = 1_000

# Ids that we make or accept are such words; others are of nothing, and no table must be asked
# (DynamoDB refuses keys over 2,048 bytes).
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,127}", re.ASCII)
_ID_SCHEMA: Final = WithJsonSchema({"type": "string", "minLength": 1, "maxLength": ID_CHARS_MAX})
# draft-ietf-httpapi-idempotency-key-header asks for a bound and leaves it to the service.
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_KEY_SCHEMA: Final = WithJsonSchema(
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
)

_TAG: Final = r'(?:W/)?"[\x21\x23-\x7e]*"'
_TAGS: Final = re.compile(rf"{_TAG}(?:\s*,\s*{_TAG})*", re.ASCII)
_TAGS_CHARS_MAX: Final = 1_024
_TAGS_SCHEMA: Final = WithJsonSchema(
    {
        "type": "string",
        "minLength": 1,
        "maxLength": _TAGS_CHARS_MAX,
        "pattern": r"^(\*|(W/)?\"[!#-~]*\"(, *(W/)?\"[!#-~]*\")*)$",
    }
)


def _id_of(thing: str) -> AfterValidator:
    def check(quoted: str) -> str:
        # API Gateway may have decoded it. Our ids hold no percent sign, so once more does no harm.
        thing_id = unquote(quoted)
        if not _ID.fullmatch(thing_id):
            shown = thing_id[:64].encode("utf-8", "replace").decode()
            raise NotFound(f"there is no {thing} {shown!r}")
        return thing_id

    return AfterValidator(check)


def _digits(value: Any) -> int:
    if not re.fullmatch("[0-9]{1,9}", str(value), re.ASCII):
        raise PydanticCustomError("digits", "must be a whole number")
    return int(value)


def _key(value: Any) -> str:
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise PydanticCustomError(
            "key", "must be one value of 1 to 255 visible ASCII characters without spaces"
        )
    return value


def _tags(value: Any) -> frozenset[str] | None:
    """Return the tags of an If-Match header, without quotes; None for `*`, which all match."""
    text = value.strip() if isinstance(value, str) else ""
    if text == "*":
        return None
    if len(text) > _TAGS_CHARS_MAX or not _TAGS.fullmatch(text):
        raise PydanticCustomError("tags", 'must be an ETag as it was received, like "a1-2", or *')
    # A weak tag is never equal to one of ours: If-Match compares strongly (RFC 9110, 13.1.1).
    return frozenset(re.findall(r'(?:^|[\s,])"([^"]*)"', text))


def _flag(value: Any) -> bool:
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise PydanticCustomError("flag", "must be true or false")


def _app(request: ResolvedRequest) -> ApiApp:
    app: ApiApp = request.context["app"]
    return app


def _request(request: ResolvedRequest) -> Request:
    ours: Request = request.context["request"]
    return ours


App = Annotated[ApiApp, Depends(_app)]
OurRequest = Annotated[Request, Depends(_request)]

ConnectorIdInPath = Annotated[str, _id_of("connector"), _ID_SCHEMA, Path(alias="connectorId")]
JobIdInPath = Annotated[str, _id_of("job"), _ID_SCHEMA, Path(alias="jobId")]
IdempotencyKey = Annotated[
    str | None,
    BeforeValidator(_key),
    _KEY_SCHEMA,
    Header(
        alias="Idempotency-Key",
        description="The same key and body: the same job. The same key, another body: a problem.",
    ),
]
IfMatch = Annotated[
    frozenset[str] | None,
    BeforeValidator(_tags),
    _TAGS_SCHEMA,
    Header(
        alias="If-Match",
        description="Only if it still has this `ETag`; without it, as it is now.",
    ),
]
Check = Annotated[
    bool,
    BeforeValidator(_flag),
    Query(description="Whether the bucket is looked at before the connector is saved."),
]
Limit = Annotated[
    int,
    Field(ge=1, le=_PAGE_ITEM_COUNT_MAX),
    BeforeValidator(_digits),
    Query(description="How many items at most."),
]
JobCount = Annotated[
    int,
    Field(ge=1, le=_JOB_COUNT_MAX),
    BeforeValidator(_digits),
    Query(description="How many of the latest jobs are asked."),
]
PageCursor = Annotated[
    Cursor | None,
    Query(description="`nextCursor` of the page before; left out for the first."),
]
ConnectorFilter = Annotated[
    Word | None, Query(alias="connectorId", description="Only jobs of this connector.")
]
StatusFilter = Annotated[JobStatus | None, Query(description="Only jobs in this status.")]
OutcomeLimit = Annotated[
    int,
    Field(ge=1, le=_OUTCOME_COUNT_MAX),
    BeforeValidator(_digits),
    Query(description="How many objects at most."),
]
Outcome = Annotated[OutcomeKind | None, Query(description="Only objects that ended like this.")]
DecisionFilter = Annotated[
    Decision | None, Query(description="Only objects for which this was decided.")
]
KeyPrefix = Annotated[
    WholeKey | None, Query(description="Only keys that begin like this, URL-encoded.")
]
Key = Annotated[WholeKey, Query(description="The object's key, URL-encoded.")]
