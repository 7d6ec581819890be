"""Which Asset Management System runs with the local service; imports nothing else."""

from enum import StrEnum


class AssetSystem(StrEnum):
    """How the local Asset Management System behaves."""

    MEDIALAKE = "medialake"
    EVERYTHING = "everything"

    @property
    def catalog_profile(self) -> str:
        """The `CATALOG_PROFILE` of a deployment that works with it."""
        return "medialake" if self is AssetSystem.MEDIALAKE else "generic"
