"""The processor queue, as SQS keeps it: long at times, and its depth an estimate.

At least once, with a visibility timeout, a retention, and after some receives the dead-letter
queue, whose letters may come days later or twice. So many workers run at once and no more: if they
are few, messages wait. The depth is that of some moment of the last minute.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.faults import Fault
from simulator.scenery import Theme

from domain.chunk import ChunkLife
from domain.errors import ChunkLeaseHeld, InvalidMessage, LeaseLost

if TYPE_CHECKING:
    from simulator.simulation import Simulation

_LETTER_DELAYS_S = (100.0, 5_000.0, 50_000.0)
_PURGED_COUNT = 40


@dataclass(slots=True)
class Message:
    """A chunk message; `forged` ones are not of this service."""

    job_id: str
    index: int
    life: ChunkLife
    sent_at: datetime
    receive_count: int = 0
    forged: bool = False


class WorkerQueue:
    """Takes the messages of the processes, and invokes the processor with them."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        rng = sim.rng
        self._visibility_s = sim.timeouts_s["processor"] * rng.choice([1.1, 6.0])
        self._receive_count_max = rng.choice([1, 2, 5])
        self._worker_count_max = rng.choice([1, 2, 5, 1_000, 1_000, 1_000])
        self._lag_s = rng.choice([0.0, 55.0])
        self._letters_late = rng.random() < 0.3
        self._throttles = rng.random() < 0.4
        if sim.theme is Theme.LONG_QUEUE:
            self._worker_count_max, self._throttles = 1, True
            self._visibility_s, self._receive_count_max = 2_000.0, 5
        self._waiting: deque[Message] = deque()
        self._in_flight = 0
        self._depths: deque[tuple[datetime, int]] = deque()
        self.held_count = 0
        self.returned_count = 0
        self.all: list[Message] = []
        self.letters: list[Message] = []
        self.longest = 0

    def collect(self) -> None:
        """Take the messages that were sent since the last step."""
        queue = self._sim.world.ports.queue
        taken, queue.messages = queue.messages, []
        now = self._sim.clock.now()
        for sent in taken:
            message = Message(sent.job_id, sent.chunk_index, sent.life, now)
            key = (sent.job_id, sent.chunk_index)
            first = not any((each.job_id, each.index) == key for each in self.all)
            self.all.append(message)
            purged = first and self._sim.theme is Theme.PURGED and len(self.all) <= _PURGED_COUNT
            if purged:
                self._sim.faults.note(Fault.MESSAGE_LOST)
            if purged or self._sim.faults.happens(Fault.MESSAGE_LOST):
                self._sim.note("sqs", "loses", f"{message.index} of {message.job_id}")
                continue
            delay_s = max(0.0, (sent.visible_at - now).total_seconds())
            self.put(message, delay_s)
            if self._sim.faults.happens(Fault.DOUBLED):
                self.put(replace(message), delay_s)

    def calm(self) -> None:
        """End the throttling of receives."""
        self._throttles = False

    def put(self, message: Message, delay_s: float) -> None:
        """Put a message into the queue, visible after a delay."""
        self._holds(+1)
        self._later(message, delay_s + self._sim.services.late_s())

    def seen_depth(self) -> int:
        """Return the depth as SQS reports it."""
        at = self._sim.clock.now() - timedelta(seconds=self._lag_s * self._sim.rng.random())
        seen = 0
        for changed_at, depth in self._depths:
            if changed_at > at:
                break
            seen = depth
        return seen

    @property
    def in_flight(self) -> int:
        """The number of messages in flight."""
        return self._in_flight

    def replay_letters(self, job_id: str) -> None:
        """Deliver old dead letters of a job once more."""
        letters = {(each.index, each.life): each for each in self.letters if each.job_id == job_id}
        for letter in letters.values():
            self._sim.at(self._sim.rng.random() * 60, partial(self._bury, replace(letter)))

    def _holds(self, change: int) -> None:
        self.held_count += change
        self.longest = max(self.longest, self.held_count)
        now = self._sim.clock.now()
        self._depths.append((now, self.held_count))
        while len(self._depths) > 1 and self._depths[1][0] < now - timedelta(seconds=60):
            self._depths.popleft()

    def _later(self, message: Message, delay_s: float) -> None:
        self._sim.at(delay_s, partial(self._arrive, message))

    def _arrive(self, message: Message) -> None:
        age_s = (self._sim.clock.now() - message.sent_at).total_seconds()
        if age_s > self._sim.tuning.queue_retention_s:
            self._sim.note("sqs", "expires", f"{message.index} of {message.job_id}")
            self._holds(-1)
            return
        if self._throttles and self._in_flight >= self._worker_count_max:
            # Lambda throttles the mapping: SQS counts a receive that reached no worker.
            message.receive_count += 1
            if message.receive_count > self._receive_count_max:
                self._dies(message)
            else:
                self._later(message, self._visibility_s)
            return
        self._waiting.append(message)
        self._start()

    def _start(self) -> None:
        while self._waiting and self._in_flight < self._worker_count_max:
            if len(self._waiting) > 1 and self._sim.rng.random() < 0.2:
                self._waiting.rotate(-1)
            self._receive(self._waiting.popleft())

    def _receive(self, message: Message) -> None:
        message.receive_count += 1
        if message.receive_count > self._receive_count_max:
            self._dies(message)
            return
        self._in_flight += 1

        def done(result: Any, error: BaseException | None) -> None:
            self._in_flight -= 1
            again = self._sim.faults.happens(Fault.DOUBLED)
            if error is not None and not isinstance(error, InvalidMessage):
                self.returned_count += 1
                self._later(message, self._visibility_s)
            elif again:
                self._later(message, self._sim.services.late_s())
            else:
                self._holds(-1)
            self._sim.at(0, self._start)

        self._sim.spawn(
            f"chunk {message.index}",
            "processor",
            "process_chunk",
            lambda work, deadline: work.process(message.job_id, message.index, deadline),
            done,
            job_id=message.job_id,
            expected=(InvalidMessage,) if message.forged else (),
        )

    def _dies(self, message: Message) -> None:
        self._sim.note("sqs", "dead letter", f"{message.index} of {message.job_id}")
        self._holds(-1)
        self.letters.append(replace(message))
        late = self._letters_late and self._sim.rng.random() < 0.7
        delay_s = self._sim.rng.choice(_LETTER_DELAYS_S) if late else 0.0
        self._sim.at(delay_s, partial(self._bury, message))

    def _bury(self, message: Message) -> None:
        def done(result: Any, error: BaseException | None) -> None:
            if error is not None and not isinstance(error, InvalidMessage):
                # A letter of an unreadable record is redelivered until an operator repairs that.
                stuck = self._sim.lasting.holds_up(message.job_id)
                self._sim.at(self._visibility_s, partial(self._bury, message), idle=stuck)

        reason = f"received {self._receive_count_max} times without success"
        self._sim.spawn(
            f"dead letter {message.index}",
            "processor",
            "process_chunk",
            lambda work, deadline: work.process_dead_letter(
                message.job_id, message.index, reason, deadline, life=message.life
            ),
            done,
            expected=(ChunkLeaseHeld, LeaseLost, *((InvalidMessage,) if message.forged else ())),
            life=message.life,
        )
