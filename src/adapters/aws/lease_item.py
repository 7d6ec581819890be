"""A lease as a map in the item of a job or a chunk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.aws.attributes import Value, to_timestamp
from domain.lease import Lease


def lease_values(lease: Lease | None) -> dict[str, Value | None] | None:
    """Return the map; None for a lease that does not exist."""
    return None if lease is None else {"token": lease.token, "expiresAt": lease.expires_at}


def to_lease(values: Mapping[str, Any] | None) -> Lease | None:
    """Return the lease of a map."""
    if values is None:
        return None
    return Lease(token=values["token"], expires_at=to_timestamp(values["expiresAt"]))
