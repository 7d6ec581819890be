"""What the API that is called has: a deployed stage may be older than the console."""

from __future__ import annotations

from typing import Final

from entrypoints.console.api import Api

CAUSES: Final = "/jobs/{jobId}/causes"
# With it came the limit of an ingest queue's depth.
STAGE_PAUSE: Final = "/stage/pause"
SCHEDULES: Final = "/connectors/{connectorId}/schedule"
OBJECT_HISTORY: Final = "/connectors/{connectorId}/objects"
REMOVALS: Final = "/jobs/{jobId}/removals"
# When it came, there were limits of connectors.
ORPHANS: Final = "/jobs/{jobId}/orphans"


class Features:
    """Which paths the API describes; read once.

    What is a field of a job or a connector needs no feature: templates look at the field.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._paths: frozenset[str] | None = None

    async def has(self, path: str) -> bool:
        """Return whether the API has the path.

        Raises:
            ApiError: its description cannot be read.
        """
        if self._paths is None:
            self._paths = frozenset((await self._api.get("/openapi.json"))["paths"])
        return path in self._paths
