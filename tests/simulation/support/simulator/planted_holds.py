"""Planted bugs of pauses."""

from __future__ import annotations

from simulator.planted import bug

_STARTS = "nothing_starts_while_held"
_USED = "a_hold_uses_nothing_up"

HOLD_BUGS = (
    bug(
        "leasing a chunk of a job that is held",
        22,
        "application.processor.process_chunk:ProcessChunk._lease",
        "if hold_of(job, self._clock.now()) is None and (",
        "if True or (",
        _USED,
    ),
    bug(
        "a worker that does not see its job being paused",
        918,
        "application.execution.stop_signal:StopSignal.should_stop",
        "self.job_held = hold_of(job, self._clock.now()) is not None",
        "pass",
        _STARTS,
    ),
    bug(
        "creating a batch job for a job that is held",
        9,
        "domain.job_control:acquire_work_lease",
        "if hold is not None:",
        "if False:",
        _STARTS,
    ),
    bug(
        "counting an attempt that a pause ended",
        22,
        "domain.chunk:evolve",
        "chunk.attempt_count - (chunk.lease is not None)",
        "chunk.attempt_count",
        _USED,
    ),
    bug(
        "a dead letter of a held job that counts",
        459,
        "application.processor.process_chunk:ProcessChunk._lease",
        "if hold_of(job, self._clock.now()) is None and (",
        "if life is not None or hold_of(job, self._clock.now()) is None and (",
        _USED,
    ),
    bug(
        "a resume and a sweep that do not send what was parked",
        9,
        "application.engine.repair_chunks:RepairChunks.repair",
        "elif chunk.parked:\n            if may_send and free != 0:",
        "elif chunk.parked:\n            if held:",
        "i9_faults_end_and_so_do_jobs",
        also=(
            (
                "application.engine.requeue_parked:RequeueParked.run",
                "if chunk.parked:",
                "if False:",
            ),
        ),
    ),
    bug(
        "the stage's pause does not hold",
        9,
        "domain.hold:pause_of",
        "if job.stage_pause is not None:",
        "if False:",
        _STARTS,
        _USED,
    ),
    bug(
        "copying while the ingest queue is too long",
        411,
        "domain.hold:hold_of",
        "and job.backlog is not None",
        "and False",
        _STARTS,
        _USED,
    ),
    bug(
        "waiting for ingest forever",
        411,
        "domain.back_pressure:_above",
        "value > (goes_on_at(limit) if waits else limit)",
        "waits or value > limit",
        "i9_faults_end_and_so_do_jobs",
    ),
)
