"""What costs are computed with in an installation, from its settings."""

from __future__ import annotations

from application.execution.tuning import Tuning
from domain.pricing.costing import Costing
from domain.pricing.model import Model
from domain.pricing.price_table import LIST_PRICES, PriceTable
from domain.pricing.survey import CatalogShape


def costing_of(tuning: Tuning, catalog: CatalogShape, table: PriceTable = LIST_PRICES) -> Costing:
    """Return it for this tuning and catalog."""
    model = Model(
        sizing=tuning.sizing,
        catalog=catalog,
        window_object_count=tuning.window_object_count,
        added_chunk_count=tuning.added_chunk_count,
        manifest_part_bytes=tuning.manifest_part_bytes,
        listing_streams=tuning.listing_streams,
        outcome_indexes=tuning.outcome_indexes,
        index_run_bytes=tuning.index_run_bytes,
        snapshot_segments=tuning.snapshot_segments,
        snapshot_run_bytes=tuning.snapshot_run_bytes,
        pages_in_flight=tuning.calls_in_flight,
        calls_in_flight=tuning.windows_in_flight * tuning.calls_in_flight,
    )
    return Costing(model=model, table=table)
