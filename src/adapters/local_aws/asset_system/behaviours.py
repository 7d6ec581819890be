"""Which Asset Management System is beside the service on this machine; loads nothing else."""

from enum import StrEnum


class AssetSystem(StrEnum):
    """How the local Asset Management System behaves."""

    MEDIALAKE = "medialake"
    EVERYTHING = "everything"

    @property
    def catalog_profile(self) -> str:
        """What `CATALOG_PROFILE` is of a deployment beside it."""
        return "medialake" if self is AssetSystem.MEDIALAKE else "generic"
