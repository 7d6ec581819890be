"""What bodies of requests may carry as filters."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from domain.filters import Filters, MediaType, StorageClass
from entrypoints.http.values import WHOLE, KeyGlobs, Timestamp
from entrypoints.http.wire import Wire

_SIZE_MAX: Final = 2**53 - 1
_AGE_S_MAX: Final = 100 * 366 * 86_400

StorageClasses = Annotated[
    list[Annotated[StorageClass, Field(strict=False)]], Field(max_length=len(StorageClass))
]
MediaTypes = Annotated[
    list[Annotated[MediaType, Field(strict=False)]], Field(max_length=len(MediaType))
]


class FiltersBody(Wire):
    """What an object must be, as the listing shows it; what is left out lets every object pass."""

    include: KeyGlobs | None = Field(None, description="Only keys that match one of these globs.")
    exclude: KeyGlobs | None = Field(
        None, description="No keys that match one of these globs; wins over `include`."
    )
    min_size_bytes: Annotated[int, Field(ge=0, le=_SIZE_MAX), WHOLE] | None = Field(
        None, description="Only objects of this size or larger."
    )
    max_size_bytes: Annotated[int, Field(ge=0, le=_SIZE_MAX), WHOLE] | None = Field(
        None, description="Only objects of this size or smaller."
    )
    modified_since: Timestamp | None = Field(
        None, description="Only objects modified at this time or later, or up to a day earlier."
    )
    modified_before: Timestamp | None = Field(
        None, description="Only objects modified before this time."
    )
    min_age_seconds: Annotated[int, Field(ge=0, le=_AGE_S_MAX), WHOLE] | None = Field(
        None, description="Only objects modified at least so long before the job was created."
    )
    storage_classes: StorageClasses | None = Field(
        None, description="Only objects in one of these storage classes."
    )
    media_types: MediaTypes | None = Field(
        None, description="Only objects of these types, by the extension of the key."
    )

    def to_filters(self) -> Filters:
        """Return the filters."""
        return Filters(
            include=tuple(self.include or ()),
            exclude=tuple(self.exclude or ()),
            size_min=self.min_size_bytes,
            size_max=self.max_size_bytes,
            modified_since=self.modified_since,
            modified_before=self.modified_before,
            age_min_s=self.min_age_seconds,
            storage_classes=tuple(dict.fromkeys(self.storage_classes or ())),
            media_types=tuple(dict.fromkeys(self.media_types or ())),
        )


def filters_of(body: FiltersBody | None) -> Filters:
    """Return the filters of a body that may have none."""
    return Filters() if body is None else body.to_filters()
