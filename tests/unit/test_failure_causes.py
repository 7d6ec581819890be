"""Failures are grouped by cause: what differs from object to object does not make another cause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import domain.errors
import ports.errors
from domain.errors import DomainError
from domain.failure import Failure, error_id_for
from domain.failure_causes import FailureCause, FailureCauses, cause_text
from domain.job import JobStatus
from domain.next_steps import NEXT_STEPS, OTHER_CLASSES, next_step_for
from ports.errors import ExpectedError, Fatal, PortError, Retryable

NOW = datetime(2026, 11, 27, tzinfo=UTC)
KINDS = (PortError, Retryable, ExpectedError, Fatal, DomainError)


def failure(message: str, key: str | None = "2026/a.mov", **fields: Any) -> Failure:
    return Failure(
        **{
            "error_id": error_id_for(chunk_index=0, subject=key or ""),
            "job_id": "job-1",
            "error_class": "AccessDenied",
            "message": message,
            "occurred_at": NOW,
            "chunk_index": 0,
            "key": key,
            **fields,
        }
    )


def grouped(*failures: Failure, **options: Any) -> list[FailureCause]:
    causes = FailureCauses(JobStatus.COMPLETED_WITH_ERRORS, **options)
    causes.add(failures)
    assert causes.failure_count == len(failures)
    return causes.by_count()


@pytest.mark.parametrize(
    ("message", "fields", "text"),
    [
        (
            "s3 PutObjectTagging on media/2026/a.mov: AccessDenied: no",
            {},
            "s3 PutObjectTagging on media/<key>: AccessDenied: no",
        ),
        ("key '2026/a.mov' is gone", {}, "key '<key>' is gone"),
        ("2026/a.mov is encrypted", {}, "<key> is encrypted"),
        ("the object has 8 tags", {}, "the object has <number> tags"),
        ("5,368,709,120 bytes, of 1.5.", {}, "<number> bytes, of <number>."),
        (
            "HTTP 400, an unknown code, request 4YTRK0QXA2T9PZ3B)",
            {},
            "HTTP <number>, an unknown code, request <id>)",
        ),
        ("no job-01M83AKNDFW1QQKQDF607X4KX9", {}, "no job-<id>"),
        ("no 9c8870e7-3529-49b4-9901-d2bac1397f4c.", {}, "no <id>."),
        ("request abc of x", {"request_id": "abc"}, "request <id> of x"),
        # A short key is not looked for in the words of a sentence.
        ("a key is a word: media/a", {"key": "a"}, "<key> key is a word: media/<key>"),
        ("s3://b/a\\nb and b/a\nb", {"key": "a\nb"}, "s3://b/<key> and b/<key>"),
        ("has no key", {"key": None}, "has no key"),
        ("media/a.mov2 is another", {"key": "a.mov"}, "media/a.mov2 is another"),
    ],
)
def test_what_differs_from_object_to_object_is_replaced(
    message: str, fields: dict[str, Any], text: str
) -> None:
    assert cause_text(failure(message, **fields)) == text


@pytest.mark.parametrize("word", ["PutObjectTagging", "UnsupportedBucket", "s3:GetObjectTagging"])
def test_words_are_no_ids(word: str) -> None:
    assert cause_text(failure(f"grant {word}")) == f"grant {word}"


def test_one_cause_is_counted_with_sample_keys() -> None:
    keys = [f"{number}.mov" for number in range(9)]
    [cause] = grouped(
        *(
            failure(
                f"s3 CopyObject on b/{key}: no", key, occurred_at=NOW + timedelta(seconds=place)
            )
            for place, key in enumerate(keys)
        )
    )
    assert (cause.failure_count, cause.object_count) == (9, 9)
    assert cause.sample_keys == keys[:5]
    assert cause.example == "s3 CopyObject on b/0.mov: no"
    assert cause.text == "s3 CopyObject on b/<key>: no"
    assert cause.next_step == "grant the permission that the message names, then redrive the job"
    assert (cause.first_at, cause.last_at) == (NOW, NOW + timedelta(seconds=8))


def test_class_code_and_text_are_different_causes_the_most_frequent_first() -> None:
    found = grouped(
        failure("no"),
        failure("yes"),
        failure("no", vendor_code="AccessDenied"),
        failure("no", error_class="Refused"),
        failure("yes", key="b"),
    )
    assert [cause.failure_count for cause in found] == [2, 1, 1, 1]
    assert len({cause.cause_id for cause in found}) == 4


def test_a_failure_of_a_whole_chunk_is_no_object() -> None:
    [cause] = grouped(failure("no"), failure("no", key=None))
    assert (cause.failure_count, cause.object_count) == (2, 1)


def test_the_number_of_causes_is_bounded_and_nothing_is_lost() -> None:
    texts = ["one", "two", "three", "four"]
    found = grouped(
        *(failure(text) for text in texts),
        failure("five", error_class="Refused"),
        failure("one"),
        cause_count_max=2,
    )
    shown = {(each.error_class, each.text): each.failure_count for each in found}
    assert shown == {
        ("AccessDenied", "one"): 2,
        ("AccessDenied", "two"): 1,
        ("AccessDenied", None): 2,
        ("Refused", None): 1,
    }


@given(st.lists(st.tuples(st.text(max_size=20), st.text(min_size=1, max_size=20))))
def test_every_failure_is_in_one_cause(messages: list[tuple[str, str]]) -> None:
    failures = [failure(text, key) for text, key in messages]
    found = grouped(*failures, cause_count_max=3)
    assert sum(cause.failure_count for cause in found) == len(failures)
    assert len(found) <= 4
    assert all(len(cause.sample_keys) <= 5 for cause in found)


@given(st.text(max_size=2_000), st.text(min_size=1, max_size=30))
def test_any_message_has_a_short_cause(message: str, key: str) -> None:
    assert len(cause_text(failure(message, key))) <= 500


def test_a_long_message_is_read_once() -> None:
    """No expression backtracks over it: 64 KiB are the longest that the error table stores."""
    for message in ("a1" * 32_768, "1," * 32_768, "-" * 65_536, "9c8870e7-" * 8_192):
        assert len(cause_text(failure(message))) <= 500


def test_every_class_has_a_next_step() -> None:
    classes = {
        each.__name__
        for module, base in ((ports.errors, PortError), (domain.errors, DomainError))
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, base) and each not in KINDS
    }
    assert set(NEXT_STEPS) == classes | set(OTHER_CLASSES)


@pytest.mark.parametrize("status", JobStatus)
def test_a_next_step_is_one_that_the_job_allows(status: JobStatus) -> None:
    for name in [*NEXT_STEPS, "KeyError"]:
        advice = next_step_for(name, status)
        assert "{" not in advice
        redrive_now = advice.count("redrive the job") > advice.count("when it has ended")
        assert not redrive_now or status is JobStatus.COMPLETED_WITH_ERRORS, advice
