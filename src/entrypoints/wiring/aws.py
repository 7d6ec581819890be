"""What all functions have in common over AWS: settings, clients, telemetry, stores, announcing.

Each function's own module (`aws_api`, `aws_engine`, `aws_processor`) adds what only it needs, so
that a function imports and opens no more than it uses.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.constants import LOGGER_ATTRIBUTE_PRECONFIGURED

from adapters.aws.chunk_store import DynamoChunkStore
from adapters.aws.clients import Clients, ClientSettings, open_clients
from adapters.aws.connector_store import DynamoConnectorStore
from adapters.aws.engine_invoker import LambdaEngineInvoker
from adapters.aws.error_log import DynamoErrorLog
from adapters.aws.job_store import DynamoJobStore
from adapters.aws.powertools_telemetry import SERVICE, PowertoolsTelemetry, to_ascii_json
from adapters.aws.results_store import S3ResultsStore
from adapters.aws.status_notifier import SnsStatusNotifier
from adapters.aws.system import RandomIds, SystemClock
from domain.profile import PROFILES
from entrypoints.settings import Settings, load_settings
from entrypoints.wiring.container import UseCases

OnRequest = Callable[[str, str, Mapping[str, Any]], None]

LOG_FILE_VARIABLE = "ASSET_SYNC_LOG_FILE"

_LOGGERS_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class AwsServices:
    """What a function's wiring starts from: open clients, and a container with the common ports."""

    settings: Settings
    clients: Clients
    container: UseCases


@asynccontextmanager
async def open_aws_services(on_request: OnRequest | None) -> AsyncIterator[AwsServices]:
    """Open what every function needs; `on_request` is told of every call to AWS."""
    settings = load_settings()
    tuning = settings.tuning
    in_flight = tuning.windows_in_flight * tuning.calls_in_flight
    client_settings = ClientSettings(pool_connection_count=in_flight)
    async with open_clients(client_settings, on_request=on_request) as clients:
        clock = SystemClock()
        container = UseCases(
            tuning=tuning,
            clock=clock,
            ids=RandomIds(clock),
            telemetry=PowertoolsTelemetry(_logger()),
            profile=PROFILES[settings.catalog_profile],
            results_bucket_name=settings.results_bucket_name,
        )
        await _add_stores(container, settings, clients)
        await _add_announcing(container, settings, clients)
        yield AwsServices(settings, clients, container)


def _logger() -> Logger:
    """Log to standard output, as Lambda wants it, or to a file where a person uses the output."""
    with _LOGGERS_LOCK:
        return _logger_to(os.environ.get(LOG_FILE_VARIABLE, ""))


@cache
def _logger_to(path: str) -> Logger:
    # One per process: a second Logger of the same name would share the first one's handler and
    # have no formatter of its own.
    if not path:
        return Logger(service=SERVICE, json_serializer=to_ascii_json)
    # It is not needed in Lambda.
    from entrypoints.wiring.log_file import LogFile

    # For another file in the same process, Powertools would leave the new handler out.
    named = logging.getLogger(f"{SERVICE}-to-file")
    named.handlers.clear()
    setattr(named, LOGGER_ATTRIBUTE_PRECONFIGURED, False)
    return Logger(
        service=named.name,
        logger_handler=LogFile(path),
        json_serializer=to_ascii_json,
    )


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
