"""One stack for each module, with short timeouts and leases."""

import os
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from botocore.retries.standard import ExponentialBackoff
from faults.detour import detour
from faults.killing import Killings
from faults.lives import short_lived
from faults.plans import Plans
from whole_system import running

from adapters.aws.clients import ClientSettings
from entrypoints import engine, processor
from entrypoints.wiring.asset_systems import AssetSystem
from entrypoints.wiring.local import StackSettings

# A handler's time; the lease of a dead one lasts half a second longer.
_LIFE_S = 4

_TUNING = {
    "calls_in_flight": 4,
    "chunk_attempt_count_max": 20,
    "chunk_dead_letter_count_max": 20,
    "copy_part_bytes": 5 * 1024**2,
    "ending_poll_s": 1,
    "lease_margin_s": 0.5,
    "object_count_max": 4,
    "queued_again_after_s": 2,
    "retry_delay_s": 1,
    "single_copy_bytes_max": 1024**2,
    "stop_margin_s": 0.5,
    "stuck_after_s": 1,
    "window_object_count": 3,
}


@pytest.fixture(scope="module")
def killings() -> Killings:
    return Killings()


@pytest.fixture(scope="module")
def plans() -> Plans:
    """The plans of the proxies; at first, none."""
    return Plans()


@pytest.fixture(scope="module")
def system(
    tmp_path_factory: pytest.TempPathFactory, killings: Killings, plans: Plans
) -> Iterator[Any]:
    before = dict(os.environ)
    settings = StackSettings(
        asset_system=AssetSystem.EVERYTHING,
        concurrency={"api": 1, "engine": 3, "processor": 3},
        retry_delays_s=(0.05, 0.05),
        sweep_interval_s=3,
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _TUNING.items():
            patch.setenv(f"ASSET_SYNC_{name.upper()}", str(value))
        impatient = partial(
            ClientSettings,
            attempt_count_max=2,
            connect_timeout_s=1,
            read_timeout_s=2,
            copy_read_timeout_s=2,
        )
        patch.setattr("entrypoints.wiring.aws.ClientSettings", impatient)
        patch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.01)
        # SQS reports its depth a minute late, the emulator immediately.
        patch.setattr("application.engine.lost_messages._DEPTH_LAG", timedelta(seconds=1))
        for name, module in (("engine", engine), ("processor", processor)):
            handler = killings.threaten(name, short_lived(module.handler, _LIFE_S), _LIFE_S)
            patch.setattr(module, "handler", handler)
        log_path = tmp_path_factory.mktemp("faults") / "asset-sync.log"
        # The proxies come first: a handler keeps the clients that its first invocation opened.
        with (
            running(log_path, settings) as system,
            detour(system, plans) as endpoints,
            patch.context() as led,
        ):
            for name, url in endpoints.items():
                led.setenv(name, url)
            yield system
    assert dict(os.environ) == before
