"""When a chunk needs another attempt, and whether an attempt made progress."""

import pytest

from application.processor.attempt_result import AttemptResult
from domain.outcome import Outcome, OutcomeKind

OUTCOMES = {
    "put": Outcome(key="put", kind=OutcomeKind.PUT, reason="NEW"),
    "failed": Outcome(key="failed", kind=OutcomeKind.FAILED, reason="NotFound"),
    "throttled": Outcome(
        key="throttled", kind=OutcomeKind.FAILED, reason="Throttled", retryable=True
    ),
}


@pytest.mark.parametrize(
    ("keys", "entry_count", "last_attempt", "settles"),
    [
        ("put failed", 2, False, True),
        ("put failed", 2, True, True),
        ("put", 2, False, False),
        ("put", 2, True, False),
        ("put throttled", 2, False, False),
        ("put throttled", 2, True, True),
        ("throttled", 2, True, False),
        ("", 0, False, True),
    ],
)
def test_a_chunk_is_settled_when_each_entry_has_a_final_outcome(
    keys: str, entry_count: int, last_attempt: bool, settles: bool
) -> None:
    result = AttemptResult(outcomes={key: OUTCOMES[key] for key in keys.split()})
    assert result.settles(entry_count, last_attempt=last_attempt) is settles


@pytest.mark.parametrize(
    ("keys", "before", "more"),
    [
        ("", 0, False),
        ("put", 0, True),
        ("put", 1, False),
        ("put failed", 1, True),
        ("put throttled", 1, False),
    ],
)
def test_only_new_final_outcomes_are_progress(keys: str, before: int, more: bool) -> None:
    result = AttemptResult(
        outcomes={key: OUTCOMES[key] for key in keys.split()}, outcome_count_before=before
    )
    assert result.has_more_final is more
