"""What bodies of requests may carry: strictly typed, bounded, nothing unknown.

Where a field may be left out, null means the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from application.jobs.plan_sync import SAMPLE_SIZE, SAMPLE_SIZE_MAX
from domain.connector import Trigger, Verify
from domain.discovery import Discovery
from domain.key_source import KeySource, SourceKind
from domain.sync_request import SyncOptions
from entrypoints.http.filter_bodies import FiltersBody, filters_of
from entrypoints.http.values import (
    WHOLE,
    BucketName,
    Dollars,
    ETag,
    KeyGlobs,
    Prefix,
    Prefixes,
    PriceText,
    Timestamp,
    WholeKey,
)
from entrypoints.http.wire import Wire

# Strictness would require a member of the enum itself; what arrives is its value.
BY_VALUE: Final = Field(strict=False)


class PricesBody(Wire):
    """Changes of the price table, for this plan."""

    region: PriceText | None = Field(None, description="The Region that the prices are of.")
    date: PriceText | None = Field(None, description="The date that the prices are of.")
    prices: Annotated[dict[PriceText, Dollars], Field(max_length=50)] | None = Field(
        None, description="Dollars for one unit, by the name of the price."
    )

    def to_changes(self) -> dict[str, object]:
        """Return what is changed, as in a file of prices."""
        return self.model_dump(exclude_none=True)


_ONE_WAY_TO_NAME_PREFIXES: Final = ConfigDict(
    json_schema_extra={
        "not": {
            "required": ["prefix", "prefixes"],
            "properties": {"prefix": {"type": "string"}, "prefixes": {"type": "array"}},
        }
    }
)


class _SyncOptionsBody(Wire):
    """What a sync and its plan have in common."""

    prefix: Prefix | None = Field(
        None, description="Only objects under this prefix; not together with `prefixes`."
    )
    prefixes: Annotated[Prefixes, Field(min_length=1)] | None = Field(
        None, description="Only objects under one of these prefixes, which must not overlap."
    )
    dry_run: bool = Field(False, description="Find out what would be done, and do nothing.")
    discovery: Annotated[Discovery, BY_VALUE] | None = Field(
        None, description="Who finds out what each object needs; the deployment sets the default."
    )
    modified_since: Timestamp | None = Field(
        None,
        description="Only objects modified at this time or later, or up to a day earlier: S3"
        " dates a multipart upload at its start.",
    )
    include: KeyGlobs | None = Field(None, description="Only keys that match one of these globs.")
    exclude: KeyGlobs | None = Field(
        None, description="No keys that match one of these globs; wins over `include`."
    )
    filters: FiltersBody | None = Field(
        None, description="Filters in addition to the connector's, which they narrow."
    )
    retrigger: bool = Field(
        False,
        description="Trigger unknown objects even if they were triggered before and are waited for,"
        " or were not taken.",
    )
    verify: Annotated[Verify, BY_VALUE] | None = Field(
        None, description="How known objects are recognised; the connector sets the default."
    )

    @model_validator(mode="after")
    def _one_way_to_name_prefixes(self) -> Self:
        if self.prefix is not None and self.prefixes is not None:
            raise PydanticCustomError("either", "give prefix or prefixes, not both")
        return self

    def to_options(self, default_discovery: Discovery) -> SyncOptions:
        """Return the options; prefixes are not yet compared with the connector's."""
        one_prefix = () if self.prefix is None else (self.prefix,)
        return SyncOptions(
            prefixes=tuple(self.prefixes or one_prefix),
            discovery=self.discovery or default_discovery,
            dry_run=self.dry_run,
            modified_since=self.modified_since,
            include=tuple(self.include or ()),
            exclude=tuple(self.exclude or ()),
            filters=filters_of(self.filters),
            retrigger=self.retrigger,
            verify=self.verify,
        )


class SourceBody(Wire):
    """A file that names the keys to sync, instead of a listing of the bucket."""

    kind: Annotated[SourceKind, BY_VALUE] = Field(
        description="A CSV manifest in the format of S3 Batch Operations, or the manifest.json of"
        " an S3 Inventory report in format CSV."
    )
    bucket_name: BucketName = Field(description="The bucket of the file.")
    key: WholeKey = Field(description="The key of the file.")
    e_tag: ETag | None = Field(
        None, description="The ETag that the file must have; without it, any."
    )

    def to_source(self) -> KeySource:
        """Return the source; the ETag may have come with its quotes."""
        return KeySource(
            kind=self.kind,
            bucket_name=self.bucket_name,
            key=self.key,
            e_tag=None if self.e_tag is None else self.e_tag.strip('"'),
        )


class SyncBody(_SyncOptionsBody):
    """What to sync, and how. Everything may be left out: then all of the connector is synced."""

    model_config = _ONE_WAY_TO_NAME_PREFIXES

    max_cost: Dollars | None = Field(
        None,
        description="Do not start if the sync may cost more: US dollars, as a number or a decimal"
        " string. The bucket is looked at first, as by a plan.",
    )
    source: SourceBody | None = Field(
        None, description="Where the keys come from; without it the bucket is listed."
    )

    def to_options(self, default_discovery: Discovery) -> SyncOptions:
        """Return the options, with the source."""
        options = super().to_options(default_discovery)
        return replace(options, source=self.source.to_source() if self.source else None)


class PlanBody(_SyncOptionsBody):
    """The sync to plan, and how. Everything may be left out, as for a sync."""

    model_config = _ONE_WAY_TO_NAME_PREFIXES

    trigger: Annotated[Trigger, BY_VALUE] | None = Field(
        None, description="Another trigger than the connector's."
    )
    sample_size: Annotated[int, Field(ge=0, le=SAMPLE_SIZE_MAX), WHOLE] = Field(
        SAMPLE_SIZE,
        description="How many objects to read; with 0 the bucket is only listed.",
    )
    prices: PricesBody | None = Field(None, description="Prices of your own.")
