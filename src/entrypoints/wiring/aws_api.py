"""The API's app over AWS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from entrypoints.wiring.apps import ApiApp, api_app
from entrypoints.wiring.aws import OnRequest, open_aws_services


@asynccontextmanager
async def open_api_app(on_request: OnRequest | None = None) -> AsyncIterator[ApiApp]:
    """Open what the API needs; `on_request` is told of every call to AWS."""
    async with open_aws_services(on_request) as base:
        yield api_app(base.container, default_discovery=base.settings.default_discovery)
