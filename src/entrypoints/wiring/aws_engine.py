"""The engine's app over AWS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.aws.batch_jobs import S3BatchJobs
from adapters.aws.chunk_queue import SqsChunkQueue
from adapters.aws.ingest_queue import SqsIngestQueue
from entrypoints.wiring.apps import EngineApp, engine_app
from entrypoints.wiring.aws import OnRequest, open_aws_services
from entrypoints.wiring.aws_objects import role_object_store


@asynccontextmanager
async def open_engine_app(on_request: OnRequest | None = None) -> AsyncIterator[EngineApp]:
    """Open what the engine needs; `on_request` is told of every call to AWS."""
    async with open_aws_services(on_request) as base:
        settings, clients, container = base.settings, base.clients, base.container
        container.objects.override(role_object_store(clients, container.clock()))
        container.queue.override(
            SqsChunkQueue(await clients.sqs(), queue_url=settings.processor_queue_url)
        )
        container.ingest_queue.override(SqsIngestQueue(clients.sqs, clock=container.clock()))
        container.batch_jobs.override(
            S3BatchJobs(
                await clients.s3control(),
                account_id=settings.account_id,
                results_bucket=settings.results_bucket_name,
                processor_arn=settings.processor_function_arn,
                role_arn=settings.batch_operations_role_arn,
            )
        )
        yield engine_app(container)
