"""The settings, clients and ports on AWS that all functions share.

Each function's own module (`aws_api`, `aws_engine`, `aws_processor`) adds the ports that only it
needs, so that a function imports and opens no more than it uses.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.constants import LOGGER_ATTRIBUTE_PRECONFIGURED

from adapters.aws.chunk_store import DynamoChunkStore
from adapters.aws.clients import Clients, ClientSettings, open_clients
from adapters.aws.error_log import DynamoErrorLog
from adapters.aws.job_store import DynamoJobStore
from adapters.aws.powertools_telemetry import SERVICE, PowertoolsTelemetry, to_ascii_json
from adapters.aws.results_store import S3ResultsStore
from adapters.aws.slot_store import DynamoSlotStore
from adapters.aws.status_notifier import SnsStatusNotifier
from adapters.aws.system import RandomIds, SystemClock
from domain.profile import PROFILES
from entrypoints.settings import Settings, load_settings
from entrypoints.wiring.costing import costing_of
from entrypoints.wiring.ports import CommonPorts, Configuration
from entrypoints.wiring.tracing import OnRequest, is_traced, traced
from ports.telemetry import Metric, Telemetry

OnCount = Callable[[Metric, int], None]

LOG_FILE_VARIABLE = "ASSET_SYNC_LOG_FILE"

_LOGGERS_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Observers:
    """What the local runtime watches: `on_request` every AWS request, `on_count` every count."""

    on_request: OnRequest | None = None
    on_count: OnCount | None = None


UNOBSERVED = Observers()


@dataclass(frozen=True, slots=True)
class AwsServices:
    """The settings, open clients and common ports of a function."""

    settings: Settings
    clients: Clients
    configuration: Configuration
    ports: CommonPorts


@asynccontextmanager
async def open_aws_services(observers: Observers) -> AsyncIterator[AwsServices]:
    """Open what every function needs."""
    settings = load_settings()
    tuning = settings.tuning
    in_flight = tuning.windows_in_flight * tuning.calls_in_flight
    client_settings = ClientSettings(
        pool_connection_count=in_flight,
        lean_calls=tuning.lean_calls,
        aioboto3_sessions=tuning.aioboto3_sessions,
    )
    untraced = PowertoolsTelemetry(
        _logger(), on_count=observers.on_count, frames_between=int(is_traced())
    )
    telemetry, on_request = traced(untraced, observers.on_request)
    async with open_clients(client_settings, on_request=on_request) as clients:
        yield AwsServices(
            settings,
            clients,
            Configuration(
                tuning=tuning,
                profile=PROFILES[settings.catalog_profile],
                results_bucket_name=settings.results_bucket_name,
                costing=costing_of(tuning, settings.catalog_shape, settings.prices),
                default_discovery=settings.default_discovery,
            ),
            await _common_ports(settings, clients, telemetry),
        )


async def _common_ports(settings: Settings, clients: Clients, telemetry: Telemetry) -> CommonPorts:
    clock = SystemClock()
    dynamodb = await clients.dynamodb()
    return CommonPorts(
        clock=clock,
        ids=RandomIds(clock),
        telemetry=telemetry,
        jobs=DynamoJobStore(
            dynamodb,
            settings.job_table_name,
            connector_table_name=settings.connector_table_name,
        ),
        chunks=DynamoChunkStore(
            dynamodb, settings.chunk_table_name, job_table_name=settings.job_table_name
        ),
        slots=DynamoSlotStore(dynamodb, settings.job_table_name),
        errors=DynamoErrorLog(dynamodb, settings.error_table_name, clock),
        results=S3ResultsStore(await clients.s3(), bucket_name=settings.results_bucket_name),
        notifier=SnsStatusNotifier(await clients.sns(), topic_arn=settings.status_topic_arn),
    )


def _logger() -> Logger:
    """Log to standard output, as Lambda requires, or to a file where a command uses the output."""
    with _LOGGERS_LOCK:
        return _logger_to(os.environ.get(LOG_FILE_VARIABLE, ""))


@cache
def _logger_to(path: str) -> Logger:
    # One per process: a second Logger of the same name would share the first one's handler and
    # have no formatter.
    if not path:
        return Logger(service=SERVICE, json_serializer=to_ascii_json)
    # It is not needed in Lambda.
    from entrypoints.wiring.log_file import LogFile

    # For a second file in one process, Powertools would not add the new handler.
    named = logging.getLogger(f"{SERVICE}-to-file")
    named.handlers.clear()
    setattr(named, LOGGER_ATTRIBUTE_PRECONFIGURED, False)
    return Logger(
        service=named.name,
        logger_handler=LogFile(path),
        json_serializer=to_ascii_json,
    )
