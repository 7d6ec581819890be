"""The processor's function: tasks of S3 Batch Operations, chunk messages, dead letters, surveys."""

from __future__ import annotations

import entrypoints.collector  # noqa: F401 - first, for the imports that follow

# isort: split
from typing import Any

from application.results.failure_records import cause_of
from domain.errors import InvalidMessage
from domain.failure import Failure
from domain.object_look import LookRequest
from domain.pricing.survey import SurveyRequest
from domain.pricing.survey_json import from_document, to_document
from entrypoints.invocation import LambdaContext, deadline_of
from entrypoints.processor_events import (
    BatchInvocation,
    CheckEvent,
    LookEvent,
    SqsEvent,
    SqsRecord,
    SurveyEvent,
    named_job,
    parse_chunk_message,
    parse_processor_event,
)
from entrypoints.runtime import Runtime
from entrypoints.wiring.aws_processor import open_processor_app
from entrypoints.wiring.processor_app import ProcessorApp
from ports.errors import PortError
from ports.telemetry import Metric

RUNTIME: Runtime[ProcessorApp] = Runtime(open_processor_app)

# Failures of messages without a job are stored under this one.
UNKNOWN_JOB_ID = "unknown"


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle an event. An unknown event raises."""
    parsed = parse_processor_event(event)

    async def use(app: ProcessorApp) -> dict[str, Any]:
        with app.telemetry.invocation(context.aws_request_id):
            if isinstance(parsed, SqsEvent):
                return await _messages(app, parsed, context)
            if isinstance(parsed, SurveyEvent):
                return await _survey(app, parsed)
            if isinstance(parsed, CheckEvent):
                return await _check(app, parsed)
            if isinstance(parsed, LookEvent):
                look = await app.look_at_object.run(from_document(LookRequest, parsed.survey))
                return {"look": to_document(look)}
            return await _tasks(app, parsed)

    return RUNTIME.run(use)


async def _tasks(app: ProcessorApp, invocation: BatchInvocation) -> dict[str, Any]:
    """Return the exact response for S3 Batch Operations, which retries missing tasks."""
    job_id = (invocation.job.userArguments or {}).get("jobId")
    results = []
    for task in invocation.tasks:
        result = await app.discover_object.answer(
            job_id, task.bucket_name, task.s3Key, version_id=task.s3VersionId
        )
        results.append(
            {"taskId": task.taskId, "resultCode": result.code, "resultString": result.text}
        )
    return {
        "invocationSchemaVersion": invocation.invocationSchemaVersion,
        "treatMissingKeysAs": "TemporaryFailure",
        "invocationId": invocation.invocationId,
        "results": results,
    }


async def _survey(app: ProcessorApp, event: SurveyEvent) -> dict[str, Any]:
    """Return the survey, or the port error that prevented it."""
    try:
        survey = await app.survey_bucket.run(from_document(SurveyRequest, event.survey))
    except PortError as error:
        app.telemetry.warning("survey_failed", cause=cause_of(error))
        return {"error": {"kind": type(error).__name__, "message": str(error)}}
    return {"survey": to_document(survey)}


async def _check(app: ProcessorApp, event: CheckEvent) -> dict[str, Any]:
    """Return the report, or the port error that prevented it."""
    try:
        report = await app.check_bucket.run(from_document(SurveyRequest, event.survey))
    except PortError as error:
        app.telemetry.warning("check_failed", cause=cause_of(error))
        return {"error": {"kind": type(error).__name__, "message": str(error)}}
    return {"check": to_document(report)}


async def _messages(app: ProcessorApp, event: SqsEvent, context: LambdaContext) -> dict[str, Any]:
    """Process chunk messages and dead letters; return those to be redelivered."""
    failed = []
    for record in event.Records:
        try:
            await _handle(app, record, context)
        except Exception as error:  # noqa: BLE001 - any error concerns only its message
            app.telemetry.warning(
                "message_will_be_redelivered", message_id=record.messageId, cause=cause_of(error)
            )
            failed.append({"itemIdentifier": record.messageId})
    return {"batchItemFailures": failed}


async def _handle(app: ProcessorApp, record: SqsRecord, context: LambdaContext) -> None:
    try:
        await _message(app, record, context)
    except InvalidMessage as error:
        await _record_malformed(app, record, error)


async def _message(app: ProcessorApp, record: SqsRecord, context: LambdaContext) -> None:
    message = parse_chunk_message(record.body)
    deadline = deadline_of(context, app.clock)
    count = record.attributes.get("ApproximateReceiveCount")
    with app.telemetry.span(
        "process_chunk",
        job_id=message.jobId,
        chunk_index=message.chunkIndex,
        queue=record.queue_name,
        receive_count=count,
    ) as span:
        if record.queue_name == app.queue_name:
            delivery = await app.process_chunk.process(message.jobId, message.chunkIndex, deadline)
        else:
            times = count or "several"
            reason = f"its message ended in {record.queue_name} (received {times} times there)"
            delivery = await app.process_chunk.process_dead_letter(
                message.jobId, message.chunkIndex, reason, deadline, life=message.life
            )
        span.facts(delivery=delivery.value)
    app.telemetry.event(
        "chunk_message",
        job_id=message.jobId,
        chunk_index=message.chunkIndex,
        delivery=delivery.value,
    )


async def _record_malformed(app: ProcessorApp, record: SqsRecord, error: InvalidMessage) -> None:
    """Record in the error table what no retry can fix, and acknowledge it."""
    app.telemetry.warning("message_malformed", message_id=record.messageId, cause=str(error))
    app.telemetry.count(Metric.MESSAGES_MALFORMED)
    failure = Failure(
        error_id=f"message#{record.messageId}",
        job_id=named_job(record.body) or UNKNOWN_JOB_ID,
        error_class=type(error).__name__,
        message=str(error),
        occurred_at=app.clock.now(),
    )
    await app.errors.record([failure])
