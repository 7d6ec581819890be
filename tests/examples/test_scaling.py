"""The model of large syncs: objects are conserved, and it names the limit that holds a sync."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from bench.scaling import quotas, report
from bench.scaling.design import design_limits, manifest_objects
from bench.scaling.flow import Along, Limit, Stage, constant, flow
from bench.scaling.sync import (
    Choices,
    Workload,
    chunk_objects,
    object_requests,
    requests,
    simulate,
    stages,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from application.execution.tuning import Tuning
from domain.connector import Trigger, Verify
from domain.discovery import Discovery
from domain.errors import ManifestTooLarge
from domain.item_sizes import MANIFEST_PART_COUNT_MAX, part_bytes
from domain.packing import ChunkSizing

ROOT = Path(__file__).resolve().parents[2]
MILLION = 1_000_000
MANY = Choices(chunk_concurrency=400, catalog_units=1e9)

RATES = st.floats(min_value=1, max_value=50)
STEPS = st.lists(
    st.tuples(st.floats(min_value=1, max_value=500), RATES), max_size=3, unique_by=lambda s: s[0]
)


@st.composite
def limits_of_a_stage(draw: st.DrawFn) -> tuple[Limit, ...]:
    count = draw(st.integers(min_value=1, max_value=3))
    return tuple(
        Limit(
            f"limit {number}",
            ((0.0, draw(RATES)), *sorted(draw(STEPS))),
            draw(st.sampled_from(Along)),
        )
        for number in range(count)
    )


@st.composite
def lines(draw: st.DrawFn) -> list[Stage]:
    count = draw(st.integers(min_value=1, max_value=4))
    return [
        Stage(name=f"stage {n}", limits=draw(limits_of_a_stage()), overlaps=draw(st.booleans()))
        for n in range(count)
    ]


def _in_small_steps(line: Sequence[Stage], objects: float, step_s: float) -> list[float]:
    """Return when each stage ends, computed in another way: in small steps of time."""
    done = [0.0] * len(line)
    began: list[float | None] = [None] * len(line)
    ended = [0.0] * len(line)
    now_s = 0.0
    while done[-1] < objects:
        for index, stage in enumerate(line):
            before = objects if index == 0 else done[index - 1]
            if done[index] >= objects or (before < objects and not stage.overlaps):
                continue
            if before <= done[index]:
                continue
            if began[index] is None:
                began[index] = now_s
            begin_s = began[index] or 0.0
            rate = min(
                limit.rate(done[index] if limit.along is Along.OBJECTS else now_s - begin_s)
                for limit in stage.limits
            )
            done[index] = min(done[index] + rate * step_s, before)
            ended[index] = now_s + step_s
        now_s += step_s
    return ended


@given(line=lines(), objects=st.integers(min_value=1, max_value=500))
def test_every_object_passes_every_stage_and_none_before_the_stage_before(
    line: list[Stage], objects: int
) -> None:
    runs = flow(line, objects)
    assert [run.done for run in runs] == [objects] * len(line)
    for run in runs:
        assert sum(run.held_s.values()) == pytest.approx(run.seconds, abs=1e-6)
    for before, run in pairwise(runs):
        assert before.ended_s <= run.ended_s + 1e-6
        assert (before.began_s or 0.0) <= (run.began_s or 0.0)
        assert 0 <= run.waiting_max <= objects


@settings(max_examples=50)
@given(line=lines(), objects=st.integers(min_value=20, max_value=60))
def test_it_ends_when_a_computation_in_small_steps_ends(line: list[Stage], objects: int) -> None:
    limits = [limit for stage in line for limit in stage.limits]
    rates = [rate for limit in limits for _, rate in limit.steps]
    step_s = min(0.05, 0.2 / max(rates))
    # A step may go beyond a number of objects from which on a limit is lower, by a fifth of one.
    changes = sum(len(limit.steps) - 1 for limit in limits if limit.along is Along.OBJECTS)
    late_s = changes * max(rates) * step_s / min(rates)
    expected = _in_small_steps(line, objects, step_s)
    for run, ended_s in zip(flow(line, objects), expected, strict=True):
        assert run.ended_s == pytest.approx(ended_s, rel=0.1, abs=20 * step_s + late_s)


def test_stages_that_overlap_take_as_long_as_the_slowest() -> None:
    slow, fast = constant("slow", 10), constant("fast", 40)
    apart = [Stage(name="a", limits=(slow,)), Stage(name="b", limits=(fast,))]
    assert flow(apart, 400)[-1].ended_s == pytest.approx(50)
    together = [apart[0], replace(apart[1], overlaps=True)]
    second = flow(together, 400)[-1]
    assert second.ended_s == pytest.approx(40)
    assert second.bottleneck == "a"


def test_limits_rise_with_time_and_with_objects() -> None:
    by_time = Limit("time", ((0.0, 1.0), (10.0, 9.0)))
    by_objects = Limit("objects", ((0.0, 5.0), (60.0, 20.0)), Along.OBJECTS)
    # 10 objects in 10 s, 50 at 5 a second in 10 s, and 90 at 9 a second in 10 s.
    (run,) = flow([Stage(name="a", limits=(by_time, by_objects))], 150)
    assert run.seconds == pytest.approx(30)
    assert run.held_s == {"time": pytest.approx(20), "objects": pytest.approx(10)}


CASES: dict[str, tuple[Workload, Choices, str]] = {
    "a prefix": (Workload(objects=MILLION), MANY, "process: S3 reads"),
    "tags of a prefix": (Workload(objects=MILLION, put_share=0.0), MANY, "process: S3 reads"),
    "a worker": (
        Workload(objects=MILLION),
        Choices(chunk_concurrency=2),
        "process: workers that wait",
    ),
    "small objects": (
        Workload(objects=MILLION, put_share=0.0, partitions=99),
        Choices(
            tuning=Tuning(calls_in_flight=100),
            chunk_concurrency=2,
        ),
        "process: CPU of workers",
    ),
    "the catalog": (
        Workload(objects=MILLION),
        replace(MANY, catalog_units=100.0),
        "process: reads of the catalog",
    ),
    "events": (
        Workload(objects=10 * MILLION, partitions=100),
        replace(MANY, jobs=4),
        "process: invocations by EventBridge",
    ),
    "tiny chunks": (
        Workload(objects=MILLION, partitions=100),
        replace(MANY, tuning=Tuning(sizing=ChunkSizing(object_count_max=10))),
        "list: recording chunks",
    ),
    "the listing": (
        Workload(objects=10 * MILLION, put_share=0.0, verify=Verify.CATALOG),
        MANY,
        "list: waiting for pages of keys",
    ),
    "tasks": (
        Workload(objects=MILLION, discovery=Discovery.BATCH),
        Choices(),
        "discover: tasks at once",
    ),
    "files": (
        Workload(objects=MILLION, put_share=0.0, verify=Verify.CATALOG),
        replace(MANY, chunks_while_listing=False),
        "split: recording chunks",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_names_what_holds_a_sync(case: str) -> None:
    workload, choices, expected = CASES[case]
    slowest = simulate(workload, choices).slowest
    assert f"{slowest.stage}: {slowest.bottleneck}" == expected


@pytest.mark.parametrize("case", CASES)
def test_twice_as_much_of_what_does_not_hold_it_changes_nothing(case: str) -> None:
    workload, choices, _ = CASES[case]
    line = stages(workload, choices)
    before = flow(line, workload.objects)
    held = {(run.stage, name) for run in before for name in run.held_s}
    assert held
    for index, stage in enumerate(line):
        for place, limit in enumerate(stage.limits):
            doubled = replace(limit, steps=tuple((at, 2 * rate) for at, rate in limit.steps))
            changed = list(line)
            changed[index] = replace(
                stage, limits=(*stage.limits[:place], doubled, *stage.limits[place + 1 :])
            )
            after = flow(changed, workload.objects)[-1].ended_s
            if (stage.name, limit.name) in held:
                assert after <= before[-1].ended_s + 1e-6
            else:
                assert after == pytest.approx(before[-1].ended_s)


def test_twice_as_much_of_what_holds_it_makes_it_faster() -> None:
    one = simulate(Workload(objects=MILLION), MANY).seconds
    two = simulate(Workload(objects=MILLION, partitions=2), MANY).seconds
    assert two < 0.6 * one


def test_workers_begin_before_the_listing_ends_if_it_makes_chunks() -> None:
    workload = Workload(objects=100 * MILLION, partitions=10)
    at_the_end = simulate(workload, Choices(chunks_while_listing=False))
    at_once = simulate(workload, Choices())
    assert at_the_end.first_chunk_s > 1_000
    assert at_once.first_chunk_s < 1
    assert at_once.seconds < at_the_end.seconds


@pytest.mark.parametrize("discovery", list(Discovery))
@pytest.mark.parametrize("verify", list(Verify))
@pytest.mark.parametrize("put_share", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("trigger", [Trigger.COPY, Trigger.EVENT])
def test_requests_are_in_proportion_to_objects(
    discovery: Discovery, verify: Verify, put_share: float, trigger: Trigger
) -> None:
    few = Workload(
        objects=MILLION, discovery=discovery, verify=verify, put_share=put_share, trigger=trigger
    )
    many = replace(few, objects=3 * MILLION)
    assert simulate(few, Choices()).seconds > 0
    counts = requests(few, Choices())
    assert requests(many, Choices()) == pytest.approx({k: 3 * n for k, n in counts.items()})
    written = {"CopyObject", "PutObjectTagging"} & counts.keys()
    assert bool(written) == (put_share > 0)


def test_known_objects_are_not_read_if_the_catalog_is_trusted() -> None:
    known = Workload(objects=1, put_share=0.0)
    assert object_requests(known, Choices())["GetObjectTagging"] == 1
    trusting = object_requests(replace(known, verify=Verify.CATALOG), Choices())
    assert trusting == {"BatchGetItem": pytest.approx(0.01)}


def test_chunks_are_packed_by_the_projects_own_rule() -> None:
    sizing = ChunkSizing()
    assert chunk_objects(Workload(objects=1), Tuning()) == sizing.object_count_max
    heavy = Workload(objects=1, mean_bytes=10_000_000_000)
    assert chunk_objects(heavy, Tuning()) == int(sizing.work_target_s / 100.1)


def test_a_manifest_holds_as_many_parts_as_a_record_may() -> None:
    with pytest.raises(ManifestTooLarge):
        part_bytes(Tuning().manifest_part_bytes, MANIFEST_PART_COUNT_MAX)
    assert 1e9 < manifest_objects(Tuning()) < 1e10


def test_each_limit_of_the_design_is_in_a_file_that_exists() -> None:
    found = design_limits(Tuning())
    assert [each.objects for each in found] == sorted(each.objects for each in found)
    for each in found:
        assert (ROOT / each.place).is_file(), each.place


def test_a_setting_moves_a_limit_of_the_design() -> None:
    def of(tuning: Tuning) -> dict[tuple[str, str], float]:
        return {(each.what, each.effect): each.objects for each in design_limits(tuning)}

    larger = of(Tuning(sizing=ChunkSizing(object_count_max=2_000)))
    grown = [name for name, objects in of(Tuning()).items() if larger[name] > 1.5 * objects]
    assert any("sweep" in what for what, _ in grown)


def test_every_quota_has_a_page() -> None:
    for before, quota in zip((None, *quotas.ALL), quotas.ALL, strict=False):
        assert quota.value > 0
        assert '"' in quota.source or before is not None, quota.name


def test_the_page_has_what_the_command_prints() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "bench.scaling"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    for part in (report.limits(), report.sizes(), report.overlap(), report.designs()):
        assert part in printed
        assert part in page
