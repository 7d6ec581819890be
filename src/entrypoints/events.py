"""The events that invoke the engine and the processor, validated at the edge.

Only the fields that are used are declared. AWS adds fields to its events, so unknown fields are
ignored there. This service's own messages are strict.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from domain.chunk import ChunkLife
from domain.errors import InvalidMessage

ID_CHARS_MAX: Final = 128
# The names of a job's files have eight digits for the number of a chunk.
_CHUNK_INDEX_MAX: Final = 99_999_999
_COUNT_MAX: Final = 2**53 - 1

JobId = Annotated[str, Field(min_length=1, max_length=ID_CHARS_MAX)]

# Validation errors show the input by default, and logs must not hold bodies.
_HIDDEN: Final = ConfigDict(hide_input_in_errors=True)


class _StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _AwsModel(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Advance(_StrictModel):
    """Continue a job."""

    action: Literal["advance"] = "advance"
    jobId: JobId  # noqa: N815 - the field's name on the wire


class RunSweep(_StrictModel):
    """The schedule's constant input."""

    action: Literal["sweep"]


class BatchStatusDetails(_AwsModel):
    """`serviceEventDetails` of a batch job event."""

    jobId: Annotated[str, Field(min_length=1)]  # noqa: N815 - AWS's name
    status: str


class BatchStatusDetail(_AwsModel):
    """`detail` of a batch job event."""

    eventName: Literal["JobCreated", "JobStatusChanged"]  # noqa: N815 - AWS's name
    serviceEventDetails: BatchStatusDetails  # noqa: N815 - AWS's name


class BatchStatusEvent(_AwsModel):
    """S3's event on a batch job, as EventBridge delivers it.

    Source: S3 User Guide, "Example: Tracking an S3 Batch Operations job in EventBridge".
    """

    source: Literal["aws.s3"]
    detail_type: Annotated[Literal["AWS Service Event via CloudTrail"], Field(alias="detail-type")]
    detail: BatchStatusDetail


EngineEvent = Advance | RunSweep | BatchStatusEvent
_ENGINE_EVENT: TypeAdapter[EngineEvent] = TypeAdapter(EngineEvent, config=_HIDDEN)


def parse_engine_event(event: Any) -> EngineEvent:
    """Return the event that the engine was invoked with.

    Raises:
        InvalidMessage: The event is unknown.
    """
    with _invalid("unknown event for the engine"):
        return _ENGINE_EVENT.validate_python(event)


_Count = Annotated[int, Field(ge=0, le=_COUNT_MAX, strict=True)]


class ChunkMessage(_StrictModel):
    """The body of a message on the processor queue; missing numbers are 0."""

    jobId: JobId  # noqa: N815 - the field's name on the wire
    chunkIndex: Annotated[  # noqa: N815 - the field's name on the wire
        int, Field(ge=0, le=_CHUNK_INDEX_MAX, strict=True)
    ]
    redriveNumber: _Count = 0  # noqa: N815 - the field's name on the wire
    attempt: _Count = 0

    @property
    def life(self) -> ChunkLife:
        """The life of the chunk when the message was sent."""
        return ChunkLife(redrive_number=self.redriveNumber, released_count=self.attempt)


def parse_chunk_message(body: str) -> ChunkMessage:
    """Parse the body of a chunk message.

    Raises:
        InvalidMessage: The body is not valid.
    """
    with _invalid("not a chunk message"):
        return ChunkMessage.model_validate_json(body)


class _JobReference(_AwsModel):
    jobId: JobId  # noqa: N815 - the field's name on the wire


def named_job(body: str) -> str | None:
    """Return the job that a message names, even if the rest of it is invalid; None without one."""
    try:
        return _JobReference.model_validate_json(body).jobId
    except ValidationError:
        return None


class SqsRecord(_AwsModel):
    """One record of an SQS event."""

    messageId: str  # noqa: N815 - AWS's name
    body: str
    eventSource: Literal["aws:sqs"]  # noqa: N815 - AWS's name
    eventSourceARN: str  # noqa: N815 - AWS's name
    attributes: dict[str, str] = {}

    @property
    def queue_name(self) -> str:
        """The queue that the message is from."""
        return self.eventSourceARN.rsplit(":", 1)[-1]


class SqsEvent(_AwsModel):
    """The event of an event source mapping."""

    Records: Annotated[list[SqsRecord], Field(min_length=1)]


class BatchTask(_AwsModel):
    """One task of S3 Batch Operations; schema 1.0 has the bucket's ARN, 2.0 its name."""

    taskId: str  # noqa: N815 - AWS's name
    s3Key: str  # noqa: N815 - AWS's name
    s3VersionId: str | None = None  # noqa: N815 - AWS's name
    s3Bucket: str | None = None  # noqa: N815 - AWS's name
    s3BucketArn: str | None = None  # noqa: N815 - AWS's name

    @property
    def bucket_name(self) -> str:
        """The bucket's name; AWS's samples have ARNs with and without region and account."""
        return self.s3Bucket or (self.s3BucketArn or "").split(":")[-1]


class BatchInvocationJob(_AwsModel):
    """The batch job that the tasks belong to."""

    id: str
    userArguments: dict[str, str] | None = None  # noqa: N815 - AWS's name


class BatchInvocation(_AwsModel):
    """The event of S3 Batch Operations (schemas 1.0 and 2.0).

    Source: S3 User Guide, "Invoke AWS Lambda function".
    """

    invocationSchemaVersion: Literal["1.0", "2.0"]  # noqa: N815 - AWS's name
    invocationId: str  # noqa: N815 - AWS's name
    job: BatchInvocationJob
    tasks: Annotated[list[BatchTask], Field(min_length=1)]


ProcessorEvent = SqsEvent | BatchInvocation
_PROCESSOR_EVENT: TypeAdapter[ProcessorEvent] = TypeAdapter(ProcessorEvent, config=_HIDDEN)


def parse_processor_event(event: Any) -> ProcessorEvent:
    """Return the event that the processor was invoked with.

    Raises:
        InvalidMessage: The event is unknown.
    """
    with _invalid("unknown event for the processor"):
        return _PROCESSOR_EVENT.validate_python(event)


@contextmanager
def _invalid(what: str) -> Iterator[None]:
    """Convert a validation error to InvalidMessage, without values: logs must not hold bodies."""
    try:
        yield
    except ValidationError as error:
        details = "; ".join(
            f"{'.'.join(map(str, detail['loc'])) or 'it'}: {detail['msg']}"
            for detail in error.errors(include_input=False, include_url=False)
        )
        raise InvalidMessage(f"{what}: {details}") from error
