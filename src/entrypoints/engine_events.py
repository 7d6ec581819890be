"""The events that invoke the engine."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, TypeAdapter

from domain.listing_share import SHARE_COUNT_MAX
from domain.manifest import parse_timestamp
from entrypoints.events import HIDDEN, AwsModel, JobId, StrictModel, invalid


def _time(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError("is not a timestamp")  # noqa: TRY004 - as pydantic requires
    return parse_timestamp(value)


class Advance(StrictModel):
    """Continue a job."""

    action: Literal["advance"] = "advance"
    jobId: JobId  # noqa: N815 - the field's name on the wire


class ListShareEvent(StrictModel):
    """Continue a share of a job's listing."""

    action: Literal["list"]
    jobId: JobId  # noqa: N815 - the field's name on the wire
    share: Annotated[int, Field(ge=0, lt=SHARE_COUNT_MAX, strict=True)]


class ScheduledSync(StrictModel):
    """A time of a connector's schedule has come."""

    action: Literal["scheduled"]
    connectorId: Annotated[str, Field(min_length=1)]  # noqa: N815 - the field's name on the wire
    timer: Annotated[str, Field(min_length=1)]
    scheduledAt: Annotated[datetime, BeforeValidator(_time)]  # noqa: N815 - the same


class CompareEvent(StrictModel):
    """Continue to compare a job with the sync before."""

    action: Literal["removals"]
    jobId: JobId  # noqa: N815 - the field's name on the wire


class OrphansEvent(StrictModel):
    """Continue to search orphans after a job."""

    action: Literal["orphans"]
    jobId: JobId  # noqa: N815 - the field's name on the wire


class RunSweep(StrictModel):
    """The constant input of the sweep's schedule."""

    action: Literal["sweep"]


class BatchStatusDetails(AwsModel):
    """`serviceEventDetails` of a batch job event."""

    jobId: Annotated[str, Field(min_length=1)]  # noqa: N815 - AWS's name
    status: str


class BatchStatusDetail(AwsModel):
    """`detail` of a batch job event."""

    eventName: Literal["JobCreated", "JobStatusChanged"]  # noqa: N815 - AWS's name
    serviceEventDetails: BatchStatusDetails  # noqa: N815 - AWS's name


class BatchStatusEvent(AwsModel):
    """S3's event on a batch job, as EventBridge delivers it.

    Source: S3 User Guide, "Example: Tracking an S3 Batch Operations job in EventBridge".
    """

    source: Literal["aws.s3"]
    detail_type: Annotated[Literal["AWS Service Event via CloudTrail"], Field(alias="detail-type")]
    detail: BatchStatusDetail


EngineEvent = (
    Advance
    | ListShareEvent
    | CompareEvent
    | OrphansEvent
    | RunSweep
    | ScheduledSync
    | BatchStatusEvent
)
_ENGINE_EVENT: TypeAdapter[EngineEvent] = TypeAdapter(EngineEvent, config=HIDDEN)


def parse_engine_event(event: Any) -> EngineEvent:
    """Return the event that the engine was invoked with.

    Raises:
        InvalidMessage: The event is unknown.
    """
    with invalid("unknown event for the engine"):
        return _ENGINE_EVENT.validate_python(event)
