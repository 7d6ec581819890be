"""A prefix without objects is reported, also one in another Unicode normal form."""

from typing import Any

import pytest

from domain.discovery import Discovery
from domain.job import JobStatus

NFC, NFD = "caf\u00e9/", "cafe\u0301/"


@pytest.mark.parametrize("discovery", list(Discovery))
@pytest.mark.parametrize(("stored", "asked"), [(NFD, NFC), (NFC, NFD)])
async def test_the_other_normal_form_is_named_if_objects_are_there(
    story: Any, discovery: Discovery, stored: str, asked: str
) -> None:
    story.put(f"{stored}a.jpg", "b/b.jpg")
    job = await story.sync(discovery=discovery, prefixes=("b/", asked))
    assert (job.status, story.kinds(job)) == (JobStatus.COMPLETED, {"b/b.jpg": "PUT"})
    [warning] = job.findings.warnings
    assert f"nothing is listed under the prefix '{asked}'" in warning
    assert f"sync the prefix '{stored.encode('ascii', 'backslashreplace').decode()}'" in warning


@pytest.mark.parametrize("prefix", ["none/", NFC, "none\n\\n/"])
async def test_a_prefix_that_lists_nothing_is_named(story: Any, prefix: str) -> None:
    story.put("a.jpg")
    job = await story.sync(prefixes=(prefix,))
    assert job.status is JobStatus.COMPLETED
    [warning] = job.findings.warnings
    assert warning.startswith("nothing is listed under the prefix '")
    assert "normal form" not in warning
    assert warning.isprintable()


async def test_a_prefix_whose_objects_are_all_left_out_is_not_warned_of(story: Any) -> None:
    story.put(f"{NFC}a.tmp", f"{NFD}b.jpg")
    job = await story.sync(prefixes=(NFC,), exclude=("*.tmp",))
    assert job.findings.warnings == ()


async def test_an_empty_bucket_is_not_warned_of(story: Any) -> None:
    assert (await story.sync()).findings.warnings == ()


async def test_a_continued_listing_reports_it_once(story: Any) -> None:
    story.put(f"{NFD}a.jpg")
    story.time_s = 0.0
    job = await story.start(prefixes=("none/", NFC))
    await story.run_engine()
    story.time_s = 900.0
    job = await story.finish(job.job_id)
    assert len(job.findings.warnings) == len(set(job.findings.warnings)) == 2
