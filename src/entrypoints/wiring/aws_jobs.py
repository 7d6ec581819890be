"""Ports on AWS that API and engine share: the connectors, and the engine's invocation."""

from __future__ import annotations

from adapters.aws.connector_store import DynamoConnectorStore
from adapters.aws.engine_invoker import LambdaEngineInvoker
from entrypoints.wiring.aws import AwsServices
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
    )
