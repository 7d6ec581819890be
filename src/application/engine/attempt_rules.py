"""Which error ends work of the engine: the job's steps, a share, a comparison, a search.

An error that no retry can help ends it at once. Others are tried again, by Lambda and by the sweep,
until there were too many attempts without progress, or too many that ended in an unknown error.
"""

from __future__ import annotations

from application.execution.tuning import Tuning
from application.results.failure_records import is_final
from domain.engine_work import Attempts


def is_last(attempts: Attempts, error: Exception, tuning: Tuning) -> bool:
    """Return whether the last of the attempts, which ended in `error`, ends the work."""
    return (
        is_final(error)
        or attempts.count >= tuning.engine_attempt_count_max
        or attempts.unknown_count >= tuning.engine_unknown_count_max
    )


def have_died(attempts: Attempts, tuning: Tuning) -> bool:
    """Return whether, at the begin of an attempt, too many before it reported no error."""
    return attempts.count > tuning.engine_attempt_count_max
