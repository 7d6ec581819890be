"""The events that invoke the processor, and the messages in them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from domain.chunk import ChunkLife
from domain.limits import CHUNK_INDEX_MAX
from entrypoints.events import HIDDEN, AwsModel, JobId, StrictModel, invalid

_COUNT_MAX: Final = 2**53 - 1

_Count = Annotated[int, Field(ge=0, le=_COUNT_MAX, strict=True)]


class ChunkMessage(StrictModel):
    """The body of a message on the processor queue; missing numbers are 0."""

    jobId: JobId  # noqa: N815 - the field's name on the wire
    chunkIndex: Annotated[  # noqa: N815 - the field's name on the wire
        int, Field(ge=0, le=CHUNK_INDEX_MAX, strict=True)
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
    with invalid("not a chunk message"):
        return ChunkMessage.model_validate_json(body)


class _JobReference(AwsModel):
    jobId: JobId  # noqa: N815 - the field's name on the wire


def named_job(body: str) -> str | None:
    """Return the job that a message names, even if the rest of it is invalid; None without one."""
    try:
        return _JobReference.model_validate_json(body).jobId
    except ValidationError:
        return None


class SqsRecord(AwsModel):
    """One record of an SQS event."""

    messageId: str  # noqa: N815 - AWS's name
    body: str
    eventSource: Literal["aws:sqs"]  # noqa: N815 - AWS's name
    eventSourceARN: str  # noqa: N815 - AWS's name
    attributes: dict[str, str] = Field(default_factory=dict)

    @property
    def queue_name(self) -> str:
        """The queue that the message is from."""
        return self.eventSourceARN.rsplit(":", 1)[-1]


class SqsEvent(AwsModel):
    """The event of an event source mapping."""

    Records: Annotated[list[SqsRecord], Field(min_length=1)]


class BatchTask(AwsModel):
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


class BatchInvocationJob(AwsModel):
    """The batch job that the tasks belong to."""

    id: str
    userArguments: dict[str, str] | None = None  # noqa: N815 - AWS's name


class BatchInvocation(AwsModel):
    """The event of S3 Batch Operations (schemas 1.0 and 2.0).

    Source: S3 User Guide, "Invoke AWS Lambda function".
    """

    invocationSchemaVersion: Literal["1.0", "2.0"]  # noqa: N815 - AWS's name
    invocationId: str  # noqa: N815 - AWS's name
    job: BatchInvocationJob
    tasks: Annotated[list[BatchTask], Field(min_length=1)]


class SurveyEvent(StrictModel):
    """Look at a bucket, for a plan; `survey` is a SurveyRequest (`domain.pricing.survey_json`)."""

    action: Literal["survey"]
    survey: dict[str, Any]


class CheckEvent(StrictModel):
    """Check a bucket, for its connector; `survey` is a SurveyRequest, as for a survey."""

    action: Literal["check"]
    survey: dict[str, Any]


class LookEvent(StrictModel):
    """Look at an object, to explain it; `survey` is a LookRequest (`domain.object_look`)."""

    action: Literal["look"]
    survey: dict[str, Any]


ProcessorEvent = SqsEvent | BatchInvocation | SurveyEvent | CheckEvent | LookEvent
_PROCESSOR_EVENT: TypeAdapter[ProcessorEvent] = TypeAdapter(ProcessorEvent, config=HIDDEN)


def parse_processor_event(event: Any) -> ProcessorEvent:
    """Return the event that the processor was invoked with.

    Raises:
        InvalidMessage: The event is unknown.
    """
    with invalid("unknown event for the processor"):
        return _PROCESSOR_EVENT.validate_python(event)
