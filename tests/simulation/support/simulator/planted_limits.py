"""Planted bugs of connectors' limits; their seeds are those of `limiting`."""

from __future__ import annotations

from simulator.planted import bug

LIMIT_BUGS = (
    bug(
        "working without a slot",
        3_000_003,
        "application.processor.worker_slot:WorkerSlot.keep",
        "if number is None:\n        return False",
        "if number is None:\n        return True",
        "no_more_work_at_once",
    ),
    bug(
        "giving a slot that is leased to another worker",
        3_000_003,
        "adapters.memory.slot_store:MemorySlotStore.take",
        "if stored is None or not stored[0].live(now):",
        "if True:",
        "no_more_work_at_once",
    ),
    bug(
        "not waiting for the rate",
        3_000_051,
        "application.processor.attempt_pace:AttemptPace._wait",
        "if not wait_s:",
        "if True:",
        "no_faster",
    ),
    bug(
        "a window that is not looked at",
        3_000_000,
        "domain.hold:pause_of",
        "if closed is None:",
        "if True:",
        "nothing_starts_outside_of_windows",
    ),
    bug(
        "a slot that is not handed over, and a sweep that sends nothing",
        3_000_000,
        "application.engine.repair_chunks:RepairChunks.repair",
        "if may_send and free != 0:",
        "if False:",
        "i9_faults_end_and_so_do_jobs",
        also=(
            (
                "application.processor.hand_over:HandOver.after",
                "if not count:",
                "if True:",
            ),
        ),
    ),
)
