"""The engine's app on AWS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.aws.batch_jobs import S3BatchJobs
from adapters.aws.ingest_bus import EventBridgeIngestBus
from adapters.aws.share_store import DynamoShareStore
from adapters.aws.source_files import S3SourceFiles
from adapters.parquet.duckdb_reader import DuckdbParquetReader
from entrypoints.wiring.aws import UNOBSERVED, AwsServices, Observers, open_aws_services
from entrypoints.wiring.aws_jobs import open_job_ports
from entrypoints.wiring.aws_objects import open_object_ports
from entrypoints.wiring.engine_app import EngineApp, EngineUseCases, engine_app
from entrypoints.wiring.ports import EnginePorts, container_over


@asynccontextmanager
async def open_engine_app(observers: Observers = UNOBSERVED) -> AsyncIterator[EngineApp]:
    """Open what the engine needs."""
    async with (
        open_aws_services(observers) as services,
        open_object_ports(services) as object_ports,
    ):
        container = container_over(
            EngineUseCases,
            services.configuration,
            services.ports,
            await open_job_ports(services),
            object_ports,
            await _engine_ports(services),
        )
        yield engine_app(container)


async def _engine_ports(services: AwsServices) -> EnginePorts:
    settings = services.settings
    return EnginePorts(
        batch_jobs=S3BatchJobs(
            await services.clients.s3control(),
            account_id=settings.account_id,
            results_bucket=settings.results_bucket_name,
            processor_arn=settings.processor_function_arn,
            role_arn=settings.batch_operations_role_arn,
        ),
        source_files=S3SourceFiles(services.clients.s3),
        parquet_reader=DuckdbParquetReader(),
        shares=DynamoShareStore(
            await services.clients.dynamodb(),
            settings.job_table_name,
            chunk_table_name=settings.chunk_table_name,
        ),
        # Opened when removed objects are announced: a cold start of most invocations needs none.
        bus=EventBridgeIngestBus(services.clients.events, bus_name=settings.ingest_event_bus_name),
    )
