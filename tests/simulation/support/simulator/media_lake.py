"""A Media Lake in virtual time: late, in an order of its own, and not always.

What it does with a message are the pure rules of the local runtime's Media Lake.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from catalog_records import catalog_record
from medialake_records import react_within, records_after
from simulator.faults import Fault
from simulator.scenery import BUCKET, QUEUE_URL

from adapters.local_aws.asset_system.medialake.file_types import FileFilter, FilterMode
from adapters.local_aws.asset_system.medialake.rules import refusal
from adapters.local_aws.asset_system.medialake.values import (
    IngestObject,
    IngestOutcome,
    IngestSettings,
    NewIds,
    Record,
)
from adapters.memory.buckets import ObjectCreated, StoredObject
from domain.catalog import CatalogRecord
from domain.connector import Trigger
from domain.customer_object import is_archived
from domain.message import IngestMessage
from domain.profile import MEDIALAKE

if TYPE_CHECKING:
    from simulator.simulation import Simulation

_LOCK = timedelta(seconds=300)


class MediaLake:
    """Processes its ingest queue as the published ingest function does: late, and not always.

    S3 sends it an event for every write of an object; trigger `queue` sends to the same queue.
    """

    profile = MEDIALAKE

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        rng = sim.rng
        self._delays_s = rng.choice(
            [(0.1,), (0.1, 2.0), (0.1, 2.0, 60.0), (5.0, 400.0, 4_000.0), (0.1, 100_000.0)]
        )
        # A filter that the connector here does not have.
        hidden = FileFilter(
            mode=FilterMode.DENY, extensions=frozenset({"wav"}), mime_types=frozenset()
        )
        self._settings = IngestSettings(
            file_filter=rng.choice([None, None, hidden]),
            do_not_ingest_duplicates=rng.random() < 0.5,
        )
        self._failing_rate = rng.choice([0.0, 0.0, 0.2])
        self._failing: dict[str, bool] = {}
        self._lock_ends: dict[str, datetime] = {}
        self._id_count = 0
        self.records: dict[str, Record] = {}
        self.made_at: dict[str, datetime] = {}
        self.lost_at: dict[str, datetime] = {}
        self.outcomes: Counter[IngestOutcome] = Counter()

    def begin(self) -> None:
        """See System."""
        self._sim.world.buckets.on_created.append(self._notify)

    def collect(self) -> None:
        """See System."""
        for message in self._sim.world.ports.ingest_queue.receive(QUEUE_URL):
            if self._sim.faults.happens(Fault.DROPPED):
                self._drop(message, "lost")
                self._finish(message)
                continue
            if self._sim.faults.happens(Fault.DOUBLED):
                self._sim.at(self._delay_s(), partial(self._take, message))
            self._sim.at(self._delay_s(), partial(self._take_last, message))

    def lose_a_record(self) -> None:
        """See System."""
        if self.records:
            inventory_id = self._sim.rng.choice(sorted(self.records))
            path = self.records[inventory_id].storage_path or ""
            self._sim.note("media lake", "loses a record", inventory_id)
            remaining = {name: each for name, each in self.records.items() if name != inventory_id}
            self._keep(remaining)
            self._sim.observer.system_changed(path.partition(":")[2], [inventory_id])

    def object_deleted(self, key: str) -> None:
        """See System: its asset is deleted, too."""
        path = f"{BUCKET}:{key}"
        at_path = [name for name, each in self.records.items() if each.storage_path == path]
        self._keep({name: each for name, each in self.records.items() if name not in at_path[:1]})
        self._sim.observer.system_changed(key, at_path[:1])

    def can_take(self, key: str, trigger: Trigger) -> bool:
        """See System; it gets no ingest events, only the other triggers."""
        stored = self._sim.world.buckets.get(BUCKET, key)
        if trigger is Trigger.EVENT or self._fails_on(key) or self._bytes(stored) is None:
            return False
        seen = self._seen(key, stored)
        return refusal(key, seen.content_type, self._settings.file_filter) is None

    def record(self, record: Record) -> None:
        """Have a record from the beginning."""
        self._keep({**self.records, record.inventory_id: record})

    def _delay_s(self) -> float:
        return self._sim.rng.choice(self._delays_s) * (0.5 + self._sim.rng.random())

    def _notify(self, created: ObjectCreated) -> None:
        message = IngestMessage(
            job_id="",
            bucket_name=created.bucket_name,
            object_key=created.key,
            version_id=created.version_id,
            e_tag=created.e_tag,
            size_bytes=created.size_bytes,
        )
        self._sim.world.ports.ingest_queue.notify(QUEUE_URL, message)

    def _drop(self, message: IngestMessage, why: str) -> None:
        self._sim.note("media lake", why, message.object_key)
        self.lost_at[message.object_key] = self._sim.clock.now()

    def _finish(self, message: IngestMessage) -> None:
        self._sim.world.ports.ingest_queue.finish(QUEUE_URL, message)

    def _take_last(self, message: IngestMessage) -> None:
        self._take(message)
        self._finish(message)

    def _take(self, message: IngestMessage) -> None:
        """Process one message: a lock drops it, and an unreadable one is lost."""
        key, now = message.object_key, self._sim.clock.now()
        if key not in self._sim.world.buckets.keys(BUCKET):
            return
        stored = self._sim.world.buckets.get(BUCKET, key)
        if self._lock_ends.get(key, now) > now:
            self._drop(message, "drops (locked)")
            return
        if self._fails_on(key) or stored.customer_key:
            return
        seen = self._seen(key, stored)
        reaction = react_within(
            self.records, seen, settings=self._settings, new_ids=self._ids(), now=now
        )
        self.outcomes[reaction.outcome] += 1
        self._sim.note("media lake", reaction.outcome, f"{key!r} {dict(stored.tags)}")
        before = self.records
        self._keep(records_after(self.records, reaction))
        self._sim.observer.taken(key, before, self.made_at, reaction)
        if reaction.tags is not None:
            self._sim.world.buckets.set_tags(BUCKET, stored.head, reaction.tags)
            self._sim.observer.system_tagged(key)
        if reaction.keeps_lock:
            self._lock_ends[key] = now + _LOCK
            self._keep(self.records)

    def _keep(self, records: dict[str, Record]) -> None:
        """Have these records, and show them to the service, together with the locks."""
        now = self._sim.clock.now()
        for name, record in records.items():
            before = self.records.get(name)
            if before is None or before.file_hash != record.file_hash:
                self.made_at[name] = now
        self.records = records
        assets = self._sim.world.database.assets
        assets.clear()
        assets.update({name: catalog_record(record) for name, record in records.items()})
        for key in self._lock_ends:
            name = f"LOCK#{BUCKET}#{key}"
            assets[name] = CatalogRecord(inventory_id=name, storage_path=f"LOCK::{BUCKET}:{key}")

    def _seen(self, key: str, stored: StoredObject) -> IngestObject:
        content = self._bytes(stored)
        head = stored.head
        return IngestObject(
            bucket=BUCKET,
            key=key,
            size=head.size_bytes,
            etag=head.e_tag,
            md5=None if content is None else hashlib.md5(content).hexdigest(),  # noqa: S324
            last_modified=head.last_modified.replace(microsecond=0),
            content_type=str(head.system_metadata.get("ContentType", "")),
            tags=dict(stored.tags),
        )

    @staticmethod
    def _bytes(stored: StoredObject) -> bytes | None:
        unreadable = is_archived(stored.head) and not stored.head.restored
        return None if unreadable or stored.customer_key else stored.content

    def _fails_on(self, key: str) -> bool:
        if key not in self._failing:
            self._failing[key] = self._sim.rng.random() < self._failing_rate
        return self._failing[key]

    def _ids(self) -> NewIds:
        self._id_count += 1
        return NewIds(inventory_uuid=f"i{self._id_count}", asset_uuid=f"a{self._id_count}")
