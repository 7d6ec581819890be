"""Where a design of this project is the limit, and from which number of objects on it hurts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.scaling import measured, quotas
from bench.scaling.flow import Stage
from bench.scaling.sync import Choices, Workload, chunk_bytes, chunk_objects, row_bytes, stages

from adapters.aws.resources import ENGINE_FUNCTION, SWEEP_SCHEDULE
from application.execution.tuning import Tuning
from domain.discovery import Discovery
from domain.item_sizes import MANIFEST_PART_COUNT_MAX, part_bytes

_READ_UNIT_BYTES: Final = 4 * 1024
_CHUNK_INDEX_DIGITS: Final = 8
_HOUR_S: Final = 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignLimit:
    """One limit: what it is, what happens beyond it, where it is, and the number of objects."""

    what: str
    effect: str
    place: str
    objects: float


def design_limits(tuning: Tuning) -> list[DesignLimit]:
    """Return the limits with these settings, the smallest first."""
    workload = Workload(objects=1)
    choices = Choices(tuning=tuning)
    packed = chunk_objects(workload, tuning)
    partition = quotas.DYNAMODB_PARTITION_READS.value
    read_s = chunk_bytes() / _READ_UNIT_BYTES / partition
    swept_s = max(read_s, measured.CPU_S_CHUNK_ITEM)
    sweep_max_s = ENGINE_FUNCTION.timeout_s - tuning.stop_margin_s
    batch = Workload(objects=1, discovery=Discovery.BATCH)
    found = [
        DesignLimit(
            what="with discovery `batch`, and before the job has its index of outcomes, the outcome"
            " files of all chunks are searched for one key, because S3 reports objects in no"
            " order",
            effect=f"`GET /jobs/{{id}}/objects` takes more than one request of {tuning.read_s:g} s",
            place="src/application/jobs/explain_object.py",
            objects=tuning.read_s / measured.CPU_S_OUTCOME_LINE,
        ),
        DesignLimit(
            what="with discovery `direct`, and before the job has its index of outcomes, the"
            " records of all chunks are read for one key, with a filter",
            effect=f"`GET /jobs/{{id}}/objects` takes more than one request of {tuning.read_s:g} s",
            place="src/adapters/aws/chunk_store.py",
            objects=tuning.read_s / read_s * packed,
        ),
        DesignLimit(
            what="with discovery `batch`, one engine records the chunks after the batch job's end",
            effect="splitting takes more than an hour",
            place="src/application/engine/split_into_chunks.py",
            objects=_rate(stages(batch, choices), "split") * _HOUR_S,
        ),
        DesignLimit(
            what=f"{choices.discovery_concurrency} tasks of S3 Batch Operations run at once"
            " (`discovery_concurrency`)",
            effect="discovery `batch` of a first sync takes more than an hour",
            place="infra/config.py",
            objects=_rate(stages(batch, choices), "discover") * _HOUR_S,
        ),
        DesignLimit(
            what=f"with discovery `direct`, {tuning.listing_workers} invocations list a job"
            " (`listing_workers`), and each takes no page while it records chunks: that is nearly"
            " half of its time",
            effect="listing takes more than an hour",
            place="src/application/engine/list_share.py",
            objects=_rate(stages(workload, choices), "list") * _HOUR_S,
        ),
        DesignLimit(
            what="chunks are enqueued as they are recorded, and a message lives"
            f" {tuning.queue_retention_s / 86_400:g} days",
            effect="at the rate of a first sync, messages expire before they are received; the"
            " sweep sends them again, so the job still ends",
            place="src/application/engine/lost_messages.py",
            objects=_rate(stages(workload, choices), "process") * tuning.queue_retention_s,
        ),
        DesignLimit(
            what="with discovery `batch`, a job's record holds the ETags of"
            f" {MANIFEST_PART_COUNT_MAX:,} parts of its manifest",
            effect="the listing fails with ManifestTooLarge",
            place="src/domain/item_sizes.py",
            objects=manifest_objects(tuning),
        ),
        DesignLimit(
            what="each sweep reads all chunks of each open job",
            effect=f"a sweep takes longer than its interval of {SWEEP_SCHEDULE.interval_s} s",
            place="src/application/engine/repair_chunks.py",
            objects=SWEEP_SCHEDULE.interval_s / swept_s * packed,
        ),
        DesignLimit(
            what="the same",
            effect=f"a sweep does not reach the last chunks within {sweep_max_s:g} s, and a message"
            " that is lost there is not found",
            place="src/application/engine/repair_chunks.py",
            objects=sweep_max_s / swept_s * packed,
        ),
        DesignLimit(
            what=f"names of a job's files have {_CHUNK_INDEX_DIGITS} digits for the chunk",
            effect="a message for a later chunk is refused",
            place="src/application/results/files.py",
            objects=10**_CHUNK_INDEX_DIGITS * packed,
        ),
    ]
    return sorted(found, key=lambda each: each.objects)


def _rate(of: Sequence[Stage], name: str) -> float:
    """Return the rate of a stage when its limits have grown."""
    (stage,) = [each for each in of if each.name == name]
    return min(limit.steps[-1][1] for limit in stage.limits)


def manifest_objects(tuning: Tuning) -> float:
    """Return how many ordinary objects one manifest can hold."""
    counts = range(MANIFEST_PART_COUNT_MAX)
    return sum(part_bytes(tuning.manifest_part_bytes, count) for count in counts) / row_bytes()
