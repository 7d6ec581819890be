"""The apps over AWS: opens the clients that each function needs, and no others."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from adapters.aws.batch_jobs import S3BatchJobs
from adapters.aws.catalog import DynamoCatalog
from adapters.aws.chunk_queue import SqsChunkQueue
from adapters.aws.chunk_store import DynamoChunkStore
from adapters.aws.clients import Clients, ClientSettings, open_clients
from adapters.aws.connector_store import DynamoConnectorStore
from adapters.aws.engine_invoker import LambdaEngineInvoker
from adapters.aws.error_log import DynamoErrorLog
from adapters.aws.ingest_bus import EventBridgeIngestBus
from adapters.aws.job_store import DynamoJobStore
from adapters.aws.object_store import S3ObjectStore
from adapters.aws.powertools_telemetry import SERVICE, PowertoolsTelemetry
from adapters.aws.results_store import S3ResultsStore
from adapters.aws.status_notifier import SnsStatusNotifier
from adapters.aws.system import RandomIds, SystemClock
from entrypoints.settings import Settings, load_settings
from entrypoints.wiring.apps import (
    ApiApp,
    EngineApp,
    ProcessorApp,
    api_app,
    engine_app,
    processor_app,
)
from entrypoints.wiring.container import UseCases

OnRequest = Callable[[str, str, Mapping[str, Any]], None]

LOG_FILE_VARIABLE = "ASSET_SYNC_LOG_FILE"

_LOGGERS_LOCK = threading.Lock()


@asynccontextmanager
async def open_api_app(on_request: OnRequest | None = None) -> AsyncIterator[ApiApp]:
    """Open what the API needs; `on_request` is told of every call to AWS."""
    settings = load_settings()
    async with _clients(settings, on_request) as clients:
        container = _basics(settings)
        await _add_stores(container, settings, clients)
        await _add_announcing(container, settings, clients)
        yield api_app(container, default_discovery=settings.default_discovery)


@asynccontextmanager
async def open_engine_app(on_request: OnRequest | None = None) -> AsyncIterator[EngineApp]:
    """Open what the engine needs; `on_request` is told of every call to AWS."""
    settings = load_settings()
    async with _clients(settings, on_request) as clients:
        container = _basics(settings)
        await _add_stores(container, settings, clients)
        await _add_announcing(container, settings, clients)
        container.objects.override(S3ObjectStore(await clients.s3(), clock=container.clock()))
        container.queue.override(
            SqsChunkQueue(await clients.sqs(), queue_url=settings.processor_queue_url)
        )
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


@asynccontextmanager
async def open_processor_app(on_request: OnRequest | None = None) -> AsyncIterator[ProcessorApp]:
    """Open what the processor needs; `on_request` is told of every call to AWS."""
    settings = load_settings()
    async with _clients(settings, on_request) as clients:
        container = _basics(settings)
        await _add_stores(container, settings, clients)
        await _add_announcing(container, settings, clients)
        container.objects.override(S3ObjectStore(await clients.s3(), clock=container.clock()))
        container.queue.override(
            SqsChunkQueue(await clients.sqs(), queue_url=settings.processor_queue_url)
        )
        container.catalog.override(
            DynamoCatalog(
                await clients.dynamodb(),
                settings.assets_table_name,
                asset_id_attribute=settings.assets_asset_id_attribute,
                index_name=settings.assets_asset_id_index,
                index_key_attribute=settings.assets_asset_id_index_key,
            )
        )
        container.bus.override(
            EventBridgeIngestBus(await clients.events(), bus_name=settings.ingest_event_bus_name)
        )
        yield processor_app(container, queue_name=settings.queue_name)


def _clients(settings: Settings, on_request: OnRequest | None) -> Any:
    policy = settings.policy
    in_flight = policy.windows_in_flight * policy.calls_in_flight
    return open_clients(ClientSettings(pool_connection_count=in_flight), on_request=on_request)


def _basics(settings: Settings) -> UseCases:
    clock = SystemClock()
    return UseCases(
        policy=settings.policy,
        clock=clock,
        ids=RandomIds(clock),
        telemetry=PowertoolsTelemetry(_logger()),
    )


def _logger() -> Logger:
    """Log to standard output, as Lambda wants it, or to a file where a person uses the output."""
    with _LOGGERS_LOCK:
        return _logger_to(os.environ.get(LOG_FILE_VARIABLE, ""))


@cache
def _logger_to(path: str) -> Logger:
    # One per process: a second Logger of the same name would share the first one's handler and
    # have no formatter of its own.
    if not path:
        return Logger(service=SERVICE)
    return Logger(service=f"{SERVICE}-to-file", logger_handler=logging.FileHandler(path))


async def _add_stores(container: UseCases, settings: Settings, clients: Clients) -> None:
    dynamodb = await clients.dynamodb()
    container.jobs.override(DynamoJobStore(dynamodb, settings.job_table_name))
    container.chunks.override(
        DynamoChunkStore(
            dynamodb, settings.chunk_table_name, job_table_name=settings.job_table_name
        )
    )
    container.connector_store.override(
        DynamoConnectorStore(dynamodb, settings.connector_table_name)
    )
    container.errors.override(
        DynamoErrorLog(dynamodb, settings.error_table_name, container.clock())
    )
    container.results.override(
        S3ResultsStore(await clients.s3(), bucket_name=settings.results_bucket_name)
    )


async def _add_announcing(container: UseCases, settings: Settings, clients: Clients) -> None:
    container.invoker.override(
        LambdaEngineInvoker(await clients.lambda_(), function_arn=settings.engine_function_arn)
    )
    container.notifier.override(
        SnsStatusNotifier(await clients.sns(), topic_arn=settings.status_topic_arn)
    )
