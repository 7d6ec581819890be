"""Whether this process traces its work, and where its spans go."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, Final

from entrypoints.settings import InvalidSettings
from ports.telemetry import Telemetry

OnRequest = Callable[[str, str, Mapping[str, Any]], None]

TRACES_VARIABLE: Final = "ASSET_SYNC_TRACES"

OTLP: Final = "otlp"
"""Spans are sent to a collector; the variables of OpenTelemetry say where."""


def is_traced() -> bool:
    """Return whether the environment asks for traces."""
    return bool(os.environ.get(TRACES_VARIABLE))


def traced(
    telemetry: Telemetry, on_request: OnRequest | None
) -> tuple[Telemetry, OnRequest | None]:
    """Return telemetry with traces, and what must see each request, if the environment asks for it.

    Raises:
        InvalidSettings: The variable's value is neither `otlp` nor an absolute path, or the
            packages for traces are not installed.
    """
    chosen = os.environ.get(TRACES_VARIABLE, "")
    if not chosen:
        return telemetry, on_request
    if chosen != OTLP and not PurePath(chosen).is_absolute():
        raise InvalidSettings(
            f"{TRACES_VARIABLE} is {chosen!r}: `{OTLP}`, or the absolute path of a file, is needed"
        )
    try:
        # Only here: a function without traces does not have these packages.
        from adapters.otel.traced_telemetry import TracedTelemetry, count_request
        from adapters.otel.tracing import tracing_to
    except ImportError as error:
        raise InvalidSettings(
            f"{TRACES_VARIABLE} is set, and {error.name} is not installed: install the extra"
            " `traces` (pip install 'asset-sync[traces]'), or deploy with"
            " CHOICES=traces=true"
        ) from error
    tracing = tracing_to("" if chosen == OTLP else chosen)

    def observe(service: str, operation: str, params: Mapping[str, Any]) -> None:
        count_request(service, operation, params)
        if on_request is not None:
            on_request(service, operation, params)

    return TracedTelemetry(telemetry, tracing), observe
