"""The Asset Management Systems of the simulated worlds: one takes everything, one is a Media Lake.

They depend only on what the service writes to objects, events and the ingest queue.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

from simulator.faults import Fault
from simulator.media_lake import MediaLake
from simulator.scenery import BUCKET, QUEUE_URL

from adapters.local_aws.asset_system.medialake.values import IngestOutcome
from domain.connector import Trigger
from domain.message import IngestEvent
from domain.profile import GENERIC, Profile

if TYPE_CHECKING:
    from simulator.simulation import Simulation


class System(Protocol):
    """The interface of a system in the simulation.

    `lost_at` is when a message about an object was lost last, `outcomes` those of the other
    messages.
    """

    profile: Profile
    lost_at: dict[str, datetime]
    outcomes: Counter[IngestOutcome]

    def begin(self) -> None:
        """Subscribe to the events of the bucket."""

    def collect(self) -> None:
        """Process what was sent since the last step."""

    def lose_a_record(self) -> None:
        """Lose the record of some object."""

    def object_deleted(self, key: str) -> None:
        """Get the event that the owner deleted an object."""

    def can_take(self, key: str, trigger: Trigger) -> bool:
        """Return whether an existing object is ever ingested, if it is triggered in this way."""


class TakesEverything:
    """Records every object that an ingest event announces, under the ids of the event.

    It generates what the event leaves open, and adds that to the object's tags.
    """

    profile = GENERIC

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._event_count = 0
        self._made_count = 0
        self._delays_s = sim.rng.choice([(0.1,), (0.1, 2.0, 60.0), (600.0, 2_000.0)])
        self._in_two_steps = sim.rng.random() < 0.3
        self.lost_at: dict[str, datetime] = {}
        self.outcomes: Counter[IngestOutcome] = Counter()

    def begin(self) -> None:
        """See System."""

    def collect(self) -> None:
        """See System; a subscriber of the bus does not need the queue."""
        ports = self._sim.world.ports
        ports.ingest_queue.drain(QUEUE_URL)
        for event in ports.bus.events[self._event_count :]:
            self._plan(event)
        self._event_count = len(ports.bus.events)

    def lose_a_record(self) -> None:
        """See System; this one never does."""

    def object_deleted(self, key: str) -> None:
        """See System; its record stays."""

    def can_take(self, key: str, trigger: Trigger) -> bool:
        """See System."""
        return True

    def _plan(self, event: IngestEvent) -> None:
        for _ in range(1 + self._sim.faults.happens(Fault.DOUBLED)):
            delay_s = self._sim.rng.choice(self._delays_s) + self._sim.services.late_s()
            if self._in_two_steps and event.inventory_id is not None:
                self._sim.at(delay_s / 2, partial(self._take_in, event, event.inventory_id))
            self._sim.at(delay_s, partial(self._ingest, event))

    def _take_in(self, event: IngestEvent, inventory_id: str) -> None:
        if inventory_id not in self._sim.world.database.assets:
            self._sim.world.ports.catalog.ingest(inventory_id=inventory_id, asset_id=None)
            self._sim.observer.ingested(event)

    def _ingest(self, event: IngestEvent) -> None:
        catalog = self._sim.world.ports.catalog
        if event.inventory_id is not None and event.asset_id is not None:
            catalog.ingest(inventory_id=event.inventory_id, asset_id=event.asset_id)
        else:
            self._complete(event)
        self._sim.observer.ingested(event)

    def _complete(self, event: IngestEvent) -> None:
        """Generate what the event leaves open, once for each object."""
        key, buckets = event.object_key, self._sim.world.buckets
        if key not in buckets.keys(BUCKET):
            return
        stored = buckets.get(BUCKET, key)
        path = f"{BUCKET}:{key}"
        assets = self._sim.world.database.assets
        known = next((each for each in assets.values() if each.storage_path == path), None)
        self._made_count += 1
        inventory_id = event.inventory_id or (
            known.inventory_id if known else f"made inv {self._made_count}"
        )
        asset_id = event.asset_id or (known and known.asset_id) or f"made {self._made_count}"
        self._sim.world.ports.catalog.ingest(
            inventory_id=inventory_id,
            asset_id=asset_id,
            storage_path=path,
            e_tag=stored.head.e_tag,
            size_bytes=stored.head.size_bytes,
            last_modified=stored.head.last_modified,
        )
        tags = {**stored.tags, "AssetID": asset_id, "InventoryID": inventory_id}
        if len(tags) <= 10:
            buckets.set_tags(BUCKET, stored.head, tags)
            self._sim.observer.system_tagged(key)


def draw_system(sim: Simulation) -> System:
    """Return the system of this world."""
    return MediaLake(sim) if sim.rng.random() < 0.6 else TakesEverything(sim)
