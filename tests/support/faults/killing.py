"""Handlers in separate processes, which are killed when they send a certain request.

A process that gets SIGKILL runs no `finally`, as an environment of Lambda at its timeout or when it
runs out of memory. A thread cannot be killed like that.
"""

import importlib
import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from types import SimpleNamespace
from typing import Any

from faults.detour import detour
from faults.exchange import Exchange, Request
from faults.lives import Handler, ShortLife
from faults.proxy import Fault
from whole_system import System

# Its server loads the service once; each process is a fork of that, and starts at once.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["faults.killing", "entrypoints.engine", "entrypoints.processor"])

# Smaller steps are recorded, so that a process can die between two of them.
_TUNING = {"ASSET_SYNC_ADDED_CHUNK_COUNT": "1", "ASSET_SYNC_CHECKPOINT_AFTER_S": "0.001"}


class Killed(Exception):
    """The process of an invocation was killed; Lambda reports Runtime.ExitError."""


@dataclass(eq=False)
class Killing:
    """The point at which the processes of one job die: before or after the n-th request of a kind.

    Attributes:
        function: Whose processes.
        place: Whether a request is of the kind.
        count: How many of them are left until then.
        after_effect: Whether the request is forwarded first; its response is lost.
    """

    function: str
    place: Callable[[Request], bool]
    count: int
    after_effect: bool
    done: threading.Event = field(default_factory=threading.Event)

    def is_due(self, request: Request) -> bool:
        """Count a request of a process; return whether it is the one."""
        if self.done.is_set() or not self.place(request):
            return False
        self.count -= 1
        return self.count == 0


class Killings:
    """The plans for the jobs' processes, and the handlers that run those jobs in processes."""

    def __init__(self) -> None:
        self._system: System | None = None
        self._by_job: dict[str, Killing] = {}

    def plan(self, system: System, job_id: str, killing: Killing) -> None:
        """Plan to kill a process of the job."""
        self._system = system
        self._by_job[job_id] = killing

    def threaten(self, function: str, handler: Handler, life_s: float) -> Handler:
        """Return a handler that runs invocations in processes until one of them was killed."""

        def threatened(event: Any, context: Any) -> Any:
            killing = self._due(function, event)
            if killing is None:
                return handler(event, context)
            return self._run(killing, event, context.aws_request_id, life_s)

        return threatened

    def _due(self, function: str, event: Any) -> Killing | None:
        waiting = {
            job_id: killing
            for job_id, killing in self._by_job.items()
            if killing.function == function and not killing.done.is_set()
        }
        return waiting.get(self._job_of(event) or "") if waiting else None

    def _job_of(self, event: Any) -> str | None:
        if "Records" in event:
            return str(json.loads(event["Records"][0]["body"])["jobId"])
        if "detail" in event:
            return self._job_of_batch_job(event["detail"]["serviceEventDetails"]["jobId"])
        return event.get("jobId")

    def _job_of_batch_job(self, batch_job_id: str) -> str | None:
        """Find the job that recorded the batch job, or is about to."""
        assert self._system is not None
        for _ in range(40):
            for job_id in self._by_job:
                if self._system.api.get(f"/jobs/{job_id}").get("batchJobId") == batch_job_id:
                    return job_id
            time.sleep(0.05)
        return None

    def _run(self, killing: Killing, event: Any, request_id: str, life_s: float) -> Any:
        """Run an invocation in a separate process, whose requests go through its own proxies."""
        started: list[int] = []

        async def kill(exchange: Exchange) -> None:
            if killing.after_effect:
                await exchange.carry_out()
            os.kill(started[0], signal.SIGKILL)
            killing.done.set()
            await exchange.stall()

        def decide(request: Request) -> Fault | None:
            return kill if killing.is_due(request) else None

        assert self._system is not None
        receiver, sender = _processes.Pipe(duplex=False)
        with detour(self._system, decide) as endpoints, receiver:
            environment = {**os.environ, **endpoints, **_TUNING}
            process = _processes.Process(
                target=_live,
                args=(sender, killing.function, event, request_id, life_s, environment),
            )
            process.start()
            started.append(process.pid or 0)
            sender.close()
            try:
                error, answer = receiver.recv()
            except EOFError:
                error, answer = "signal: killed", None
            process.join()
            process.close()
        if error is not None:
            raise Killed(error)
        return answer


def _live(
    sender: Connection,
    function: str,
    event: Any,
    request_id: str,
    life_s: float,
    environment: dict[str, str],
) -> None:
    """Run one invocation, in a process."""
    os.environ.clear()
    os.environ.update(environment)
    module = importlib.import_module(f"entrypoints.{function}")
    context = ShortLife(SimpleNamespace(aws_request_id=request_id), life_s)
    try:
        answer = module.handler(event, context)
    except Exception as error:  # noqa: BLE001  # whatever a handler raises is its result
        sender.send((f"{type(error).__name__}: {error}", None))
    else:
        sender.send((None, answer))
