"""Whole jobs while requests fail on the network: every job ends correctly.

All jobs run concurrently, each with its own failure mode: most of their time is waiting.
"""

import logging
from typing import Any

import pytest
from faults.jobs import DISCOVERIES, SufferingJob, wait_for_ends
from faults.modes import Mode
from faults.plans import Plans, plan_of

pytestmark = pytest.mark.slow

SERVICES = {"dynamodb", "events", "lambda", "s3", "sns", "sqs"}
JOBS = [SufferingJob(mode, discovery) for mode in Mode for discovery in DISCOVERIES]

logger = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def suffered(system: Any, plans: Plans) -> Plans:
    """The counts of the requests of all jobs, which have ended."""
    for job in JOBS:
        job.prepare(system)
    for mode in Mode:
        plan = plan_of(mode, seed="1")
        for job in JOBS:
            if job.suffers == mode:
                plans.add(mode, (job.name, job.job_id), plan)
    for job in JOBS:
        job.order(system)
    took_s = wait_for_ends(system, JOBS)
    plans.clear()
    system.idle()
    for mode in Mode:
        slowest_s = max(took_s[job] for job in JOBS if job.suffers == mode)
        logger.info("%s: %d requests, %d harmed, %.0f s", mode, *plans.count_of(mode), slowest_s)
    return plans


@pytest.mark.parametrize("mode", list(Mode), ids=str)
def test_every_service_was_hit_and_only_a_share_of_its_requests(
    suffered: Plans, mode: Mode
) -> None:
    assert suffered.hit_services(mode) >= SERVICES
    requests, hits = suffered.count_of(mode)
    assert hits < requests / 2


@pytest.mark.parametrize("mode", list(Mode), ids=str)
def test_requests_to_s3_batch_operations_were_hit(suffered: Plans, mode: Mode) -> None:
    assert "s3control" in suffered.hit_services(mode)


@pytest.mark.usefixtures("suffered")
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
class TestEachJob:
    def test_completes_with_each_object_put(self, system: Any, job: SufferingJob) -> None:
        job.check_counts(system)

    def test_announces_each_object_under_one_id(self, system: Any, job: SufferingJob) -> None:
        job.check_events(system)

    def test_tags_each_object_and_changes_nothing_else(
        self, system: Any, job: SufferingJob
    ) -> None:
        job.check_objects(system)

    def test_leaves_its_files_whole(self, system: Any, job: SufferingJob) -> None:
        job.check_files(system)
