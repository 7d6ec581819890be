"""Runs the whole service on this machine, with the handlers that Lambda runs."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from entrypoints import api, engine, processor
from entrypoints.settings import tuning_name
from entrypoints.wiring.aws import LOG_FILE_VARIABLE, Observers
from entrypoints.wiring.aws_api import open_api_app
from entrypoints.wiring.aws_engine import open_engine_app
from entrypoints.wiring.aws_processor import open_processor_app
from entrypoints.wiring.local import LocalStack, StackSettings, local_stack
from entrypoints.wiring.log_file import logging_to

# Smaller chunks and shorter waits than in a deployment, so that progress is visible. The
# environment overrides all of them.
_TUNING = {
    "object_count_max": "100",
    "windows_in_flight": "2",
    "calls_in_flight": "8",
    "stuck_after_s": "20",
    "queued_again_after_s": "120",
    "retry_delay_s": "1",
    "engine_attempt_count_max": "9",
    "ending_poll_s": "1",
    "stop_margin_s": "5",
    "lease_margin_s": "5",
}

# The user's AWS configuration must not apply: with their AWS_ENDPOINT_URL_S3, for example, the demo
# would write to their bucket.
_AWS_VARIABLES = "AWS_"


@asynccontextmanager
async def run_local_service(
    settings: StackSettings,
    *,
    log_path: Path,
    observers: Observers,
    variables: Mapping[str, str] | None = None,
) -> AsyncIterator[LocalStack]:
    """Run the service inside the context; the process's environment variables point to it.

    The observers see engine and processor. Requests of the API depend on how often its clients
    poll. `variables` are further environment variables.
    """
    api.RUNTIME.open_app = open_api_app
    engine.RUNTIME.open_app = partial(open_engine_app, observers)
    processor.RUNTIME.open_app = partial(open_processor_app, observers)
    handlers = {"api": api.handler, "engine": engine.handler, "processor": processor.handler}
    before = dict(os.environ)
    for name in [name for name in before if name.startswith(_AWS_VARIABLES)]:
        del os.environ[name]
    os.environ.update(
        {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "POWERTOOLS_METRICS_DISABLED": "true",
            LOG_FILE_VARIABLE: str(log_path),
            **(variables or {}),
        }
    )
    for field, value in _TUNING.items():
        os.environ.setdefault(tuning_name(field), value)
    try:
        with logging_to(log_path):
            async with local_stack(handlers, settings, on_environment_shutdown=_close) as stack:
                os.environ.update(stack.environment)
                yield stack
    finally:
        os.environ.clear()
        os.environ.update(before)


def _close() -> None:
    """Close the resources of a thread that ends; it was the environment of one function."""
    api.RUNTIME.close()
    engine.RUNTIME.close()
    processor.RUNTIME.close()
