"""The choice of the local Asset Management System; loads no stack, as `local` does."""

from __future__ import annotations

from adapters.local_aws.asset_system.behaviours import AssetSystem

__all__ = ["AssetSystem"]
