"""Planted bugs of connectors that are edited, disabled and removed while jobs start."""

from __future__ import annotations

from simulator.planted import bug

_STARTS = "a_removed_connector_starts_nothing"

CONNECTOR_BUGS = (
    bug(
        "recording a job of a connector as it was read before",
        68,
        "application.jobs.start_sync:StartSync._record",
        "self._jobs.create(job, connector=connector, runs=runs)",
        "self._jobs.create(job)",
        _STARTS,
    ),
    bug(
        "redriving a job of a connector that had the id before",
        240,
        "domain.job_control:is_of",
        "in (None, connector.created_at)",
        "is not ...",
        _STARTS,
    ),
    bug(
        "removing a connector whose job is active",
        4,
        "adapters.memory.connector_store:MemoryConnectorStore.remove",
        "and not job.terminal",
        "and False",
        "an_active_job_has_its_connector",
    ),
)
