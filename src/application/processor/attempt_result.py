"""The result of one attempt at a chunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """The result of one attempt at a chunk.

    Attributes:
        outcomes: By key, those that earlier attempts recorded included.
        outcome_count_before: How many of them earlier attempts recorded; all of those are final.
        copies_advanced: Whether a multipart copy made progress.
        job_ending: Whether the attempt stopped because its job is ending.
        job_held: Whether the attempt stopped because its job is held.
        error: What ended the attempt before its last object.
    """

    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    outcome_count_before: int = 0
    copies_advanced: bool = False
    job_ending: bool = False
    job_held: bool = False
    error: Exception | None = None

    @property
    def final(self) -> dict[str, Outcome]:
        """The outcomes that no other attempt can change."""
        return {key: outcome for key, outcome in self.outcomes.items() if not outcome.retryable}

    @property
    def has_more_final(self) -> bool:
        """Whether more objects have a final outcome than before the attempt."""
        return len(self.final) > self.outcome_count_before

    @property
    def retryable_count(self) -> int:
        """How many failures another attempt may fix."""
        return len(self.outcomes) - len(self.final)

    def settles(self, entry_count: int, *, last_attempt: bool) -> bool:
        """Return whether a chunk of so many entries needs no other attempt.

        Each entry must have an outcome; in the last attempt, a retryable failure is final too.
        """
        complete = entry_count <= len(self.outcomes)
        return complete and (last_attempt or not self.retryable_count)
