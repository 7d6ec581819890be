"""Whole jobs of which a handler is killed during its work: others resume and complete them."""

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
        # The first page of the listing arrived, and nothing of it is recorded.
        "page": ("engine", _operation("PUT object"), 1, False),
        # The same, and its rows are in a file that no record references.
        "rows": ("engine", _operation("PUT object"), 1, True),
        # Two of three prefixes are listed and recorded.
        "listing": ("engine", _operation("GET bucket list-type"), 3, False),
        # One of two chunks is recorded and has no message; the other is not created yet.
        "split": ("engine", _operation("TransactWriteItems"), 1, True),
        # Objects are written and not announced.
        "chunk": ("processor", _operation("PUT object copy"), 2, True),
        # Two parts of a large object are copied, and at least one of them is not recorded.
        "parts": ("processor", _operation("PUT object partNumber uploadId copy"), 2, True),
        # Its multipart copy is completed, and it is not announced.
        "join": ("processor", _operation("POST object uploadId"), 1, True),
        # The chunk is settled, and its message is redelivered.
        "settlement": ("processor", _operation("TransactWriteItems"), 1, True),
    }[place]
    return Killing(function, kind, count, after_effect)


PLACES = ("page", "rows", "listing", "split", "chunk", "parts", "join", "settlement")
JOBS = [
    SufferingJob(f"killed-{place}", each, large=place in ("parts", "join"))
    for place in PLACES
    for each in DISCOVERIES
]


@pytest.fixture(scope="module")
def killed(system: Any, killings: Killings) -> dict[SufferingJob, Killing]:
    """All jobs, which have ended, and the kills of their processes."""
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
