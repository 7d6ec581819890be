"""The choice of the local Asset Management System. Unlike `local`, it does not load the stack."""

from __future__ import annotations

from adapters.local_aws.asset_system.behaviours import AssetSystem

__all__ = ["AssetSystem"]
