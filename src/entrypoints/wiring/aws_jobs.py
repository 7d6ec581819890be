"""Ports on AWS that API and engine share: what starts syncs."""

from __future__ import annotations

from adapters.aws.connector_store import DynamoConnectorStore
from adapters.aws.engine_invoker import LambdaEngineInvoker
from adapters.aws.schedule_runs import DynamoScheduleRunStore
from adapters.aws.scheduler import EventBridgeScheduler, SchedulePlace
from adapters.aws.surveyor import LambdaSurveyor
from entrypoints.settings import Settings
from entrypoints.wiring.aws import AwsServices
from entrypoints.wiring.aws_catalog_scan import open_catalog_scan
from entrypoints.wiring.ports import JobPorts


async def open_job_ports(services: AwsServices) -> JobPorts:
    """Return the ports, over the clients of `services`."""
    settings, clients = services.settings, services.clients
    return JobPorts(
        connector_store=DynamoConnectorStore(
            await clients.dynamodb(),
            settings.connector_table_name,
            job_table_name=settings.job_table_name,
        ),
        invoker=LambdaEngineInvoker(
            await clients.lambda_(), function_arn=settings.engine_function_arn
        ),
        scheduler=EventBridgeScheduler(clients.scheduler, _place(settings)),
        schedule_runs=DynamoScheduleRunStore(
            await clients.dynamodb(), settings.connector_table_name
        ),
        surveyor=LambdaSurveyor(
            await clients.lambda_(), function_arn=settings.processor_function_arn
        ),
        catalog_scan=await open_catalog_scan(settings, clients),
    )


def _place(settings: Settings) -> SchedulePlace | None:
    if not settings.schedule_group_name:
        return None
    return SchedulePlace(
        group_name=settings.schedule_group_name,
        function_arn=settings.engine_function_arn,
        role_arn=settings.schedule_role_arn,
        dead_letter_queue_arn=settings.schedule_dead_letter_queue_arn,
    )
