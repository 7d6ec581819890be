"""The API's app on AWS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from entrypoints.wiring.api_app import ApiApp, ApiUseCases, api_app
from entrypoints.wiring.aws import UNOBSERVED, Observers, open_aws_services
from entrypoints.wiring.aws_jobs import open_job_ports
from entrypoints.wiring.ports import container_over


@asynccontextmanager
async def open_api_app(observers: Observers = UNOBSERVED) -> AsyncIterator[ApiApp]:
    """Open what the API needs."""
    async with open_aws_services(observers) as services:
        container = container_over(
            ApiUseCases,
            services.configuration,
            services.ports,
            await open_job_ports(services),
        )
        yield api_app(container, default_discovery=services.settings.default_discovery)
