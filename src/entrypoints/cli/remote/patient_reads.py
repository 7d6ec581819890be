"""Reads that are repeated while the API cannot be reached, is throttled or fails for a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Final

from domain.views import Json
from entrypoints.cli.remote.api_client import ApiClient
from entrypoints.cli.terminal.api_problem import ApiProblem

PATIENCE_S: Final = 600.0
_PAUSE_MAX_S: Final = 30.0


class PatientReads:
    """Reads of one API; one that fails is repeated for `patience_s`, with growing pauses.

    `on_trouble` is called with what is wrong when that starts, and with None when it is over. Only
    a problem that may pass is waited for: an id that does not exist, or a request that is denied,
    is reported immediately.
    """

    def __init__(
        self,
        client: ApiClient,
        on_trouble: Callable[[str | None], None],
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._client = client
        self._on_trouble = on_trouble
        self._patience_s = patience_s

    def get(self, path: str, query: Mapping[str, str | int | None] | None = None) -> Json:
        """Read a resource.

        Raises:
            ApiProblem: it cannot be read, and did not become readable in time.
        """
        pause_s, since, reported = 1.0, monotonic(), False
        while True:
            try:
                found = self._client.get(path, query)
            except ApiProblem as problem:
                waited_s = monotonic() - since
                if not problem.passing or waited_s + pause_s > self._patience_s:
                    raise
                if not reported:
                    self._on_trouble(str(problem))
                    reported = True
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, _PAUSE_MAX_S)
            else:
                if reported:
                    self._on_trouble(None)
                return found
