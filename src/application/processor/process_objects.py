"""Processing objects: decide, write, publish their events.

Objects are processed in windows, so that one catalog query serves a hundred of them and an object's
tags are read shortly before they are written: only a change that its owner makes in between can be
lost. An object that is written costs two reads of S3 and one write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from application.execution.fanout import AdaptiveLimit, fan_out
from application.execution.stop_signal import StopRequested
from application.execution.tuning import Tuning
from application.processor.announce_objects import ObjectAnnouncements, Triggered
from application.processor.attempt_context import AttemptContext
from application.processor.decide_objects import Candidate, ObjectDecisions, gone_outcome
from application.processor.write_object import ObjectWriter, preview
from application.results.failure_records import failed_outcome
from domain.job import Job
from domain.manifest import ManifestEntry
from domain.outcome import Outcome
from ports.clock import Clock
from ports.errors import Conflict, NotFound, Retryable

# How often an object is processed that changes between the read and the write, or that fails for an
# unknown reason.
_MAX_ROUNDS: Final = 3

# S3 timestamps have a resolution of one second: after that time, the timestamp of an object that
# did not change is conclusive. Each further pause is twice as long.
_ROUND_PAUSE_S: Final = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Applied:
    """Objects whose event must be published, and the outcomes of the others."""

    triggered: Sequence[Triggered]
    outcomes: Mapping[str, Outcome]


class ObjectProcessor:
    """Processes the objects of one job at a time."""

    def __init__(
        self,
        *,
        decisions: ObjectDecisions,
        writer: ObjectWriter,
        announcements: ObjectAnnouncements,
        clock: Clock,
        tuning: Tuning,
    ) -> None:
        self._decisions = decisions
        self._writer = writer
        self._announcements = announcements
        self._clock = clock
        self._tuning = tuning

    async def process(
        self, job: Job, entries: Sequence[ManifestEntry], context: AttemptContext
    ) -> list[Outcome]:
        """Process one window of objects; objects not done when the attempt stops have no outcome.

        An object that changed while it was read, or that failed for an unknown reason, is processed
        again in a bounded number of rounds. The others are done in the first round.

        Raises:
            Fatal: the catalog cannot be queried; manual intervention is required.
        """
        outcomes = await self._decisions.known(job, entries)
        repeated: dict[str, Outcome] = {}
        keys = [entry.key for entry in entries if entry.key not in outcomes]
        for round_index in range(_MAX_ROUNDS):
            if not keys or await context.stop_signal.should_stop():
                break
            if round_index:
                await self._clock.sleep(_pause_s(round_index))
            outcomes |= await self._process_once(job, keys, context)
            keys = [key for key in keys if key in outcomes and outcomes[key].again]
            repeated = {key: outcomes.pop(key) for key in dict.fromkeys(keys)}
        else:
            outcomes |= repeated
        return list(outcomes.values())

    async def discover(self, job: Job, key: str) -> Outcome:
        """Decide about one object without writing: the task of S3 Batch Operations.

        The outcome of an object to copy or put has its size, so that chunks can be packed.

        Raises:
            Retryable: the object cannot be read now; the task must be retried.
            Fatal: the catalog cannot be queried.
        """
        outcome = await self._discover(job, key)
        for round_index in range(1, _MAX_ROUNDS):
            if not outcome.again:
                break
            await self._clock.sleep(_pause_s(round_index))
            outcome = await self._discover(job, key)
        return outcome

    async def _discover(self, job: Job, key: str) -> Outcome:
        limit = AdaptiveLimit(1)
        found = await self._decisions.candidates(job, [key], limit)
        for item in found.objects:
            try:
                return preview(job, await self._decisions.decide(job, item, limit))
            except NotFound:
                return gone_outcome(key)
            except Retryable:
                raise
            except Exception as error:  # noqa: BLE001 - any error concerns only its object
                return failed_outcome(key, error)
        return found.outcomes[key]

    async def _process_once(
        self, job: Job, keys: Sequence[str], context: AttemptContext
    ) -> dict[str, Outcome]:
        found = await self._decisions.candidates(job, keys, context.limit)
        applied = await self._apply(job, found.objects, context)
        announced = await self._announcements.announce(job, applied.triggered)
        return {**found.outcomes, **applied.outcomes, **announced}

    async def _apply(
        self, job: Job, candidates: Sequence[Candidate], context: AttemptContext
    ) -> _Applied:
        """Decide about each candidate, and write what the decision requires."""
        triggered: list[Triggered] = []
        outcomes: dict[str, Outcome] = {}

        async def apply(item: Candidate) -> None:
            if not await context.pace.may_start():
                return
            try:
                result = await self._decide_and_write(job, item, context)
            except StopRequested:
                return
            if isinstance(result, Triggered):
                triggered.append(result)
            else:
                outcomes[item.key] = result

        await fan_out(candidates, apply, limit=self._tuning.calls_in_flight)
        return _Applied(triggered=triggered, outcomes=outcomes)

    async def _decide_and_write(
        self, job: Job, item: Candidate, context: AttemptContext
    ) -> Triggered | Outcome:
        try:
            decided = await self._decisions.decide(job, item, context.limit)
            if job.request.options.dry_run:
                return preview(job, decided)
            return await self._writer.write(job, decided, context)
        except StopRequested:
            raise
        except Conflict as error:
            # The state is uncertain even in the last round: another attempt may find it stable.
            return replace(failed_outcome(item.key, error), retryable=True, again=True)
        except NotFound:
            return gone_outcome(item.key)
        except Exception as error:  # noqa: BLE001 - any error concerns only its object
            return failed_outcome(item.key, error)


def _pause_s(round_index: int) -> float:
    pause_s: float = _ROUND_PAUSE_S * 2 ** (round_index - 1)
    return pause_s
