"""The tables of docs/scaling.md, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bench.scaling import quotas
from bench.scaling.design import design_limits, manifest_objects
from bench.scaling.flow import Limit
from bench.scaling.sync import Choices, Result, Workload, listing_s, simulate, stages

from application.execution.tuning import Tuning
from domain.connector import Verify
from domain.discovery import Discovery

FIRST: Final = "first sync: all objects are put"
LATER: Final = "later sync: all are known"
WORKERS: Final = (1, 8, 32, 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A size of bucket, with what we recommend for it.

    `partitions` is over how many partitioned prefixes S3 has spread the keys by then.
    """

    objects: int
    partitions: int
    recommended: Choices
    text: str


SIZES: Final = (
    Size(
        objects=1_000_000,
        partitions=1,
        recommended=Choices(),
        text="the defaults; discovery `direct`",
    ),
    Size(
        objects=100_000_000,
        partitions=10,
        recommended=Choices(
            chunk_concurrency=200,
            discovery_concurrency=500,
            jobs=2,
            catalog_units=quotas.DYNAMODB_TABLE_READS.value,
        ),
        text="discovery `direct`; `processor_concurrency=205` (200 chunks at once); two jobs of"
        " disjoint prefixes at once; the catalog's table warmed to 40,000 read units a second; for"
        " `batch`, `discovery_concurrency=500`",
    ),
    Size(
        objects=10_000_000_000,
        partitions=100,
        recommended=Choices(
            chunk_concurrency=400,
            discovery_concurrency=400,
            jobs=10,
            catalog_units=quotas.DYNAMODB_TABLE_READS.value,
        ),
        text="discovery `direct`; `processor_concurrency=405` (400 chunks at once); jobs of at most"
        " a billion objects by prefixes, ten at once; the catalog's table warmed to 40,000 read"
        " units a second; for `batch`, `discovery_concurrency=400`",
    ),
)


def workloads(objects: int, partitions: int) -> dict[str, Workload]:
    """Return the syncs that are compared."""
    first = Workload(objects=objects, partitions=partitions)
    later = Workload(objects=objects, partitions=partitions, put_share=0.0)
    return {
        f"{FIRST}, `direct`": first,
        f"{FIRST}, `batch`": _batch(first),
        f"{LATER}, `direct`, `verify: tags`": later,
        f"{LATER}, `direct`, `verify: catalog`": _from_catalog(later),
    }


def limits() -> str:
    """Return what each limit alone allows, with the defaults and one partitioned prefix."""
    compared = [
        ("first sync", Workload(objects=1)),
        ("later, `tags`", Workload(objects=1, put_share=0.0)),
        (
            "later, `catalog`",
            Workload(objects=1, put_share=0.0, verify=Verify.CATALOG),
        ),
    ]
    columns = [_named(workload) for _, workload in compared]
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = [(name, *(_rate(column.get(name)) for column in columns)) for name in names]
    return _table(("objects a second", *(title for title, _ in compared)), rows)


def sizes() -> str:
    """Return a table for each size."""
    lines = []
    for size in SIZES:
        where = f"{size.partitions} partitioned prefix{'es' if size.partitions > 1 else ''}"
        text = f"Keys in {where} of S3. Recommended: {size.text}."
        lines += [f"### {_count(size.objects)} objects", "", text, ""]
        compared = workloads(size.objects, size.partitions)
        rows = [
            (name, title, *_times(workload, choices))
            for name, workload in compared.items()
            for title, choices in (("defaults", Choices()), ("recommended", size.recommended))
        ]
        head = ("sync", "settings", "list", "discover", "split", "process", "whole", "limited by")
        facts = [
            (name, *_facts(simulate(workload, size.recommended)))
            for name, workload in compared.items()
        ]
        lines += [
            _table(head, rows),
            _table(("sync, recommended", "first chunk queued after", "requests"), facts),
        ]
    return "\n".join(lines)


def overlap() -> str:
    """Return what it changes that a listing makes chunks, with the recommended settings."""
    rows = []
    for size in SIZES:
        direct = workloads(size.objects, size.partitions)
        for name, workload in direct.items():
            if workload.discovery is Discovery.BATCH:
                continue
            first = simulate(workload, replace(size.recommended, chunks_while_listing=False))
            at_once = simulate(workload, size.recommended)
            times = (first.first_chunk_s, at_once.first_chunk_s, first.seconds, at_once.seconds)
            rows.append((_count(size.objects), name, *map(_duration, times)))
    head = ("first chunk, manifest first", "while listing", "whole, manifest first")
    return _table(("objects", "sync", *head, "while listing"), rows)


def shared() -> str:
    """Return how long the listing alone takes, by the number of invocations at once."""
    rows = []
    for size in SIZES:
        workload = Workload(objects=size.objects, partitions=size.partitions)
        times = [
            listing_s(workload, Choices(tuning=Tuning(listing_workers=count))) for count in WORKERS
        ]
        rows.append((_count(size.objects), *map(_duration, times)))
    return _table(("objects", *(f"{count} at once" for count in WORKERS)), rows)


def designs() -> str:
    """Return where our design is the limit."""
    rows = [
        (_count(each.objects), each.what, each.effect, f"`{each.place}`")
        for each in design_limits(Tuning())
    ]
    return _table(("objects of one job", "what", "beyond that", "where"), rows)


def documented() -> str:
    """Return the quotas that the model uses."""
    rows = [
        (
            each.name,
            f"{each.value:,g} {each.unit}" if each.value < 1 else f"{each.value:,.0f} {each.unit}",
            "can be raised" if each.soft else "",
            each.source,
        )
        for each in quotas.ALL
    ]
    return _table(("what", "value", "", "source"), rows)


def whole() -> str:
    """Return what `make bench-scale` prints."""
    parts = [
        ("What each limit alone allows", limits()),
        ("Sizes", sizes()),
        ("Chunks while listing", overlap()),
        ("Listing by several invocations", shared()),
        ("Where our design is the limit", designs()),
    ]
    return "\n".join(f"## {title}\n\n{text}" for title, text in parts)


def _batch(workload: Workload) -> Workload:
    return Workload(
        objects=workload.objects, partitions=workload.partitions, discovery=Discovery.BATCH
    )


def _from_catalog(workload: Workload) -> Workload:
    return Workload(
        objects=workload.objects,
        partitions=workload.partitions,
        put_share=0.0,
        verify=Verify.CATALOG,
    )


def _named(workload: Workload) -> dict[str, float]:
    def last(limit: Limit) -> float:
        return limit.steps[-1][1]

    return {
        f"{stage.name}: {_kind(limit.name)}": last(limit)
        for stage in stages(workload, Choices())
        for limit in stage.limits
    }


def _kind(name: str) -> str:
    return "workers" if name in ("CPU of workers", "workers that wait") else name


def _times(workload: Workload, choices: Choices) -> tuple[str, ...]:
    result = simulate(workload, choices)
    by_name = {run.stage: run for run in result.runs}
    stage_cells = (
        _duration(by_name[name].seconds) if name in by_name else ""
        for name in ("list", "discover", "split", "process")
    )
    slowest = result.slowest
    limited_by = f"{slowest.stage}: {slowest.bottleneck}"
    has_manifest = workload.discovery is Discovery.BATCH or not choices.chunks_while_listing
    if has_manifest and workload.objects / choices.jobs > manifest_objects(choices.tuning):
        limited_by += "; fails in one job, with ManifestTooLarge"
    return (*stage_cells, _duration(result.seconds), limited_by)


def _facts(result: Result) -> tuple[str, ...]:
    groups = {
        "S3": ("GetObjectTagging", "HeadObject", "CopyObject", "ListObjectsV2", "chunks: files"),
        "catalog": ("BatchGetItem", "Query"),
        "state": ("chunks: requests of DynamoDB",),
        "SQS": ("chunks: requests of SQS",),
        "EventBridge": ("PutEvents",),
    }
    counts = {
        group: sum(n for name, n in result.requests.items() if name.startswith(names))
        for group, names in groups.items()
    }
    shown = ", ".join(f"{group} {_count(n)}" for group, n in counts.items() if n >= 1)
    return (_duration(result.first_chunk_s), shown)


def _rate(per_s: float | None) -> str:
    if per_s is None:
        return ""
    return "no limit" if per_s >= 1e11 else f"{_round(per_s):,.0f}"


def _count(number: float) -> str:
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= size:
            return f"{float(f'{number / size:.2g}'):g}{unit}"
    return f"{number:.0f}"


def _round(number: float) -> float:
    """Return a number with three figures: more would look more exact than the model is."""
    return float(f"{number:.3g}")


def _duration(seconds: float) -> str:
    for size, unit in ((86_400.0, "days"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{float(f'{seconds / size:.2g}'):g} {unit}"
    return f"{float(f'{seconds:.2g}'):g} s"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], f"|{'---|' * len(head)}", *lines[1:]]) + "\n"
