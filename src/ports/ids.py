"""New ids, as a port, so that tests control randomness."""

from __future__ import annotations

from typing import Protocol


class Ids(Protocol):
    """Generates unique ids."""

    def new_job_id(self) -> str:
        """Return a job id; later ones sort after earlier ones."""
        ...

    def new_connector_id(self) -> str:
        """Return a connector id."""
        ...

    def new_token(self) -> str:
        """Return a lease token."""
        ...
