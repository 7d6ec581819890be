"""Whole jobs of which a handler is killed in mid-work: others take them up, and they end right."""

from collections.abc import Callable
from typing import Any

import pytest
from faults.exchange import Request
from faults.jobs import DISCOVERIES, PREFIXES, SufferingJob, wait_for_ends
from faults.killing import Killing, Killings

pytestmark = pytest.mark.slow


def _operation(name: str) -> Callable[[Request], bool]:
    return lambda request: request.operation == name


def _killing(place: str) -> Killing:
    function, kind, count, after_effect = {
        # Two of three prefixes are listed and on record.
        "listing": ("engine", _operation("GET bucket list-type"), 3, False),
        # One of two chunks is recorded and has no message; the other is not cut yet.
        "split": ("engine", _operation("TransactWriteItems"), 1, True),
        # Objects are written and not announced.
        "chunk": ("processor", _operation("PUT object copy"), 2, True),
        # The chunk is settled, and its message comes again.
        "settlement": ("processor", _operation("TransactWriteItems"), 1, True),
    }[place]
    return Killing(function, kind, count, after_effect)


PLACES = ("listing", "split", "chunk", "settlement")
JOBS = [SufferingJob(f"killed-{place}", each) for place in PLACES for each in DISCOVERIES]


@pytest.fixture(scope="module")
def killed(system: Any, killings: Killings) -> dict[SufferingJob, Killing]:
    """All jobs, which have ended, and what was done to them."""
    planned = {}
    for job in JOBS:
        job.prepare(system)
        planned[job] = _killing(job.suffers.removeprefix("killed-"))
        killings.plan(system, job.job_id, planned[job])
    for job in JOBS:
        job.order(system, prefixes=PREFIXES)
    wait_for_ends(system, JOBS)
    system.idle()
    return planned


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
class TestEachJob:
    def test_lost_a_process(self, killed: dict[SufferingJob, Killing], job: SufferingJob) -> None:
        assert killed[job].done.is_set()

    @pytest.mark.usefixtures("killed")
    def test_completes_with_each_object_put(self, system: Any, job: SufferingJob) -> None:
        job.check_counts(system)

    @pytest.mark.usefixtures("killed")
    def test_announces_each_object_under_one_id(self, system: Any, job: SufferingJob) -> None:
        job.check_events(system)

    @pytest.mark.usefixtures("killed")
    def test_tags_each_object_and_changes_nothing_else(
        self, system: Any, job: SufferingJob
    ) -> None:
        job.check_objects(system)

    @pytest.mark.usefixtures("killed")
    def test_leaves_its_files_whole(self, system: Any, job: SufferingJob) -> None:
        job.check_files(system)
