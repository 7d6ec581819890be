"""The initial world: a bucket of objects in every state, and the settings of the functions."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from adapters.local_aws.asset_system.medialake.values import Record, timestamp_text
from application.execution.tuning import Tuning
from domain.connector import Bucket, Connector, ConnectorStatus, IdSource, Ingest, Trigger
from domain.customer_object import Encryption, ObjectHead
from domain.identity import mint_inventory_id
from domain.packing import ChunkSizing
from domain.profile import GENERIC

if TYPE_CHECKING:
    from simulator.simulation import Simulation

BUCKET = "media"
CONNECTOR_ID = "c1"
OTHER_CONNECTOR_ID = "c2"
QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/ingest.fifo"

_NAMES = (
    "{n}.jpg",
    "Große Datei +{n}%.mov",
    'comma, "quote" {n}.wav',
    "line\nbreak\r{n}.pdf",
    "side car {n}.XML",
    "deep/er/{n}",
    "{n} 100%25.tif",
    "日本 {n}.MXF",
)
_CONTENT_TYPES = ("binary/octet-stream", "image/x", "video/mp4", "text/plain")
_MIB = 1024**2
FOLDERS = ("a/", "b/", "")


_REAL = Tuning()


class Theme(Enum):
    """Themes of some worlds, in addition to all that is drawn for each."""

    NONE = "none"
    LONG_QUEUE = "one worker, throttled for hours, and no faults"
    REPLACED = "an object is replaced, and its worker dies, right after it was announced"
    SHORT_LIVES = "many chunks, which take long to settle, are cancelled or redriven in short lives"
    LATE_UPLOADS = "multipart uploads, and syncs of what changed since the last one"
    CANCELLED = "a cancel comes while the batch job is created"
    FAILED = "batch jobs fail, or have wrong reports, and a cancel comes while the job fails"
    PURGED = "the first messages of jobs of many chunks are lost, and sending takes long"
    RETAGGED = "an object is tagged during its multipart copy, in short lives"
    UNSENT = "the first sends to the system's queue fail"


_THEMES = (
    (Theme.LONG_QUEUE, 0.06),
    (Theme.REPLACED, 0.16),
    (Theme.SHORT_LIVES, 0.24),
    (Theme.LATE_UPLOADS, 0.32),
    (Theme.CANCELLED, 0.38),
    (Theme.FAILED, 0.44),
    (Theme.PURGED, 0.50),
    (Theme.RETAGGED, 0.55),
    (Theme.UNSENT, 0.58),
)


def draw_theme(seed: int) -> Theme:
    """Return the theme of a world; its other draws do not depend on it."""
    share = random.Random(f"theme {seed}").random()
    for theme, most in _THEMES:
        if share < most:
            return theme
    return Theme.NONE


def draw_tuning(rng: random.Random) -> Tuning:
    """Return small sizes, so that a few objects make many chunks, windows, parts and pages; and in
    some seeds those of a deployment.
    """
    return Tuning(
        sizing=ChunkSizing(object_count_max=rng.choice([1, 3, 4, 5, 6, 7])),
        window_object_count=rng.choice([1, 2, 3, 4, 5, _REAL.window_object_count]),
        single_copy_bytes_max=10 * _MIB,
        copy_part_bytes=5 * _MIB,
        copy_parts_in_flight=rng.randint(1, 3),
        windows_in_flight=rng.randint(1, 3),
        calls_in_flight=rng.randint(1, 4),
        chunk_attempt_count_max=rng.choice([1, 2, 5]),
        chunk_dead_letter_count_max=rng.choice([1, 2, 5]),
        lease_margin_s=rng.choice([10.0, 30.0]),
        stop_margin_s=rng.choice([3.0, 20.0]),
        ending_poll_s=rng.choice([0.1, 5.0]),
        manifest_part_bytes=rng.choice([1, 200, _REAL.manifest_part_bytes]),
        checkpoint_after_s=rng.choice([0.5, _REAL.checkpoint_after_s, _REAL.checkpoint_after_s]),
        added_chunk_count=rng.choice([1, 2, 3, 4, _REAL.added_chunk_count]),
        queued_again_after_s=rng.choice([200.0, 600.0, _REAL.queued_again_after_s]),
        queue_retention_s=rng.choice([20_000.0, 100_000.0]),
        report_wait_s=rng.choice([60.0, 3_600.0]),
        ingest_grace_s=rng.choice([300.0, 300.0, 3_600.0, 86_400.0]),
        modified_since_margin_s=rng.choice([600.0, 10_000.0]),
        errors_per_chunk_max=rng.choice([2, _REAL.errors_per_chunk_max]),
    )


def with_streams(seed: int, tuning: Tuning) -> Tuning:
    """Return the tuning with a number of listing streams; the other draws do not depend on it."""
    rng = random.Random(f"listing {seed}")
    return replace(
        tuning,
        listing_streams=rng.choice([1, 2, 3, _REAL.listing_streams]),
        listing_pages_per_probe=rng.choice([1, 1, _REAL.listing_pages_per_probe]),
    )


def with_shares(seed: int, tuning: Tuning) -> Tuning | None:
    """Return the tuning with long listings, in a part of the seeds; None in the others.

    Pages of such a seed have three objects.
    """
    rng = random.Random(f"shares {seed}")
    if rng.random() < 0.6:
        return None
    sizing = replace(tuning.sizing, object_count_max=rng.choice([1, 2, 3]))
    return replace(
        tuning,
        sizing=sizing,
        added_chunk_count=rng.choice([1, 2, 5]),
        listing_streams=rng.choice([2, 3, _REAL.listing_streams]),
        listing_pages_per_probe=1,
        listing_alone_objects=rng.choice([1, 3, 8]),
        listing_workers=rng.choice([2, 3, _REAL.listing_workers]),
    )


def draw_durations(rng: random.Random, tuning: Tuning) -> dict[str, float]:
    """Return how much longer calls take that return much: a page may take a good part of a life."""
    page_s = rng.choice([0.0, 0.1, 0.25]) * tuning.stop_margin_s
    item_s = rng.choice([0.0, 0.0, 0.02, 0.05])
    look_up_s = rng.choice([0.0, 0.0, 0.0, 0.4])
    return {
        "list_objects": page_s,
        "chunks": item_s,
        "settle": 4 * item_s,
        "look_up": look_up_s,
    }


def draw_timeouts(rng: random.Random, tuning: Tuning) -> dict[str, float]:
    """Return how long each function may run; a short one has to hand over again and again."""
    margin_s = tuning.stop_margin_s
    return {
        "engine": margin_s + rng.choice([1.5, 1.5, 30.0, 300.0, 880.0]),
        "processor": margin_s + rng.choice([1.5, 1.5, 30.0, 300.0, 880.0]),
        "sweep": margin_s + rng.choice([10.0, 30.0, 60.0, 880.0]),
        "api": 29.0,
    }


def short_lives(theme: Theme, tuning: Tuning) -> tuple[Tuning, dict[str, float], dict[str, float]]:
    """Return a tuning, timeouts and durations with which no life suffices for a whole job."""
    sizing = ChunkSizing(object_count_max=1)
    short = replace(
        tuning,
        sizing=sizing,
        stop_margin_s=3.0,
        queued_again_after_s=200.0,
        added_chunk_count=_REAL.added_chunk_count,
    )
    timeouts_s = {"engine": 6.0, "processor": 63.0, "sweep": 9.0, "api": 29.0}
    if theme is Theme.RETAGGED:
        short = replace(
            tuning, stop_margin_s=3.0, copy_parts_in_flight=1, chunk_attempt_count_max=5
        )
        return short, timeouts_s | {"processor": 6.0}, {"copy_part": 2.0}
    if theme is Theme.SHORT_LIVES:
        short = replace(short, chunk_attempt_count_max=1)
        return short, timeouts_s, {"settle": 0.5, "send": 0.5}
    return short, timeouts_s | {"engine": 120.0, "sweep": 4.6}, {"send": 1.4}


def furnish(sim: Simulation) -> None:
    """Create the connector, the bucket and the catalog."""
    rng = sim.rng
    sim.world.buckets.create(BUCKET, versioned=rng.random() < 0.3)
    ingest = _draw_ingest(rng)
    if sim.theme is Theme.RETAGGED:
        ingest = replace(ingest, trigger=Trigger.COPY)
    for connector_id, prefixes in ((CONNECTOR_ID, ()), (OTHER_CONNECTOR_ID, ("a/",))):
        sim.world.database.connectors[connector_id] = Connector(
            connector_id=connector_id,
            bucket=Bucket(name=BUCKET),
            prefixes=prefixes,
            status=ConnectorStatus.ENABLED,
            ingest=ingest,
            created_at=sim.clock.now(),
        )
    # The system may have received the events of earlier objects or not.
    heard = rng.random() < 0.3
    if heard:
        sim.services.system.begin()
    states = _STATES if sim.services.system.profile is GENERIC else _MEDIALAKE_STATES
    count = rng.choice([0, 1, 5, 12, 12, 20, 20, 40])
    for number in range({Theme.SHORT_LIVES: 20, Theme.PURGED: 40}.get(sim.theme, count)):
        key = rng.choice(FOLDERS) + rng.choice(_NAMES).format(n=number)
        put_object(sim, key, rng.choice(states))
    if not heard:
        sim.services.system.begin()
    sim.clock.advance(rng.choice([0.0, 3_600.0]))


def _draw_ingest(rng: random.Random) -> Ingest:
    trigger = rng.choice([Trigger.COPY, Trigger.COPY, Trigger.EVENT, Trigger.QUEUE, Trigger.QUEUE])
    return Ingest(
        trigger=trigger,
        ids=rng.choice([IdSource.MINTED, IdSource.MINTED, IdSource.ASSIGNED]),
        restore_tags=rng.random() < 0.75,
        queue_url=QUEUE_URL if trigger is Trigger.QUEUE or rng.random() < 0.4 else None,
    )


_STATES = (
    "untagged",
    "untagged",
    "untagged",
    "owner's tags",
    "asset known",
    "asset known",
    "inventory known",
    "asset lost",
    "own inventory known",
    "ids unknown",
    "archived",
    "too many tags",
    "nine tags",
    "customer key",
    "denied",
    "folder marker",
)


_MEDIALAKE_STATES = (
    "untagged",
    "untagged",
    "owner's tags",
    "taken",
    "taken",
    "taken, AssetID lost",
    "taken, tags lost",
    "taken under other ids",
    "a sibling's asset",
    "taken, then replaced",
    "taken, then replaced, tags kept",
    "ids unknown",
    "archived",
    "too many tags",
    "nine tags",
    "customer key",
    "denied",
    "folder marker",
)


def put_object(
    sim: Simulation,
    key: str,
    state: str,
    tags: Mapping[str, str] | None = None,
    *,
    created_at: datetime | None = None,
) -> None:
    """Put an object, as its owner would, in one of the states that a sync can find.

    `tags` are given where the owner has some; otherwise they are those of the state. A multipart
    upload has the time of its creation.
    """
    rng, buckets = sim.rng, sim.world.buckets
    size = rng.randint(1, 9)
    content = bytes(rng.randrange(256) for _ in range(size))
    storage_class, restored = "STANDARD", False
    match state:
        case "archived":
            storage_class = rng.choice(["GLACIER", "DEEP_ARCHIVE"])
            restored = size % 2 == 0
        case "denied":
            buckets.denied.add((BUCKET, key))
            sim.observer.denied.add(key)
        case "folder marker":
            key, content = key.rstrip("/") + "/", b""
    head = buckets.put(
        BUCKET,
        key,
        content,
        # A third of them gets a multipart copy: of three, five or eight parts.
        size_bytes=4 * size * _MIB if size % 3 == 0 and content else len(content),
        tags=_tags(sim, key, state) if tags is None else tags,
        storage_class=storage_class,
        restored=restored,
        customer_key=state == "customer key",
        encryption=rng.choice(
            [None, Encryption(algorithm="aws:kms", kms_key_id="k", bucket_key_enabled=True)]
        ),
        user_metadata={"camera": str(size)},
        system_metadata={"ContentType": rng.choice(_CONTENT_TYPES), "CacheControl": "no-cache"},
        last_modified=created_at,
    )
    if state.startswith("taken"):
        _record(sim, head, content, state)
    sim.observer.owner_changed(key)


def _tags(sim: Simulation, key: str, state: str) -> dict[str, str]:
    """Return the tags of a state, and create the records that a plain system has for them."""
    catalog, number = sim.world.ports.catalog, len(sim.world.database.assets)
    match state:
        case "owner's tags":
            return {"project": "x", "Owner": "ü@example"}
        case "asset known":
            catalog.ingest(inventory_id=f"inv {number}", asset_id=f"asset {number}")
            return {"AssetID": f"asset {number}", "InventoryID": f"inv {number}"}
        case "inventory known":
            catalog.ingest(inventory_id=f"inv {number}", asset_id=None)
            return {"InventoryID": f"inv {number}", "project": "y"}
        case "asset lost":
            catalog.ingest(inventory_id=f"inv {number}", asset_id=f"asset {number}")
            return {"InventoryID": f"inv {number}", "project": "y"}
        case "own inventory known":
            inventory_id = mint_inventory_id(BUCKET, key)
            catalog.ingest(inventory_id=inventory_id, asset_id=None)
            return {"InventoryID": inventory_id}
        case "ids unknown" | "taken under other ids":
            lost = sim.rng.random()
            return {"AssetID": f"lost {lost}", "InventoryID": f"gone {lost}"}
        case "taken" | "taken, then replaced, tags kept":
            ids = _ids_of(key)
            return {"AssetID": ids[0], "InventoryID": ids[1], "own": "1"}
        case "taken, AssetID lost":
            return {"InventoryID": _ids_of(key)[1], "own": "1"}
        case "a sibling's asset":
            records = [each for each in sim.world.database.assets.values() if each.asset_id]
            asset_id = records[-1].asset_id if records else None
            return {"AssetID": asset_id or "none", "InventoryID": f"gone {sim.rng.random()}"}
        case "too many tags":
            return {f"tag {index}": "v" for index in range(9)}
        case "nine tags":
            return {f"tag {index}": "v" for index in range(7)}
        case _:
            return {}


def _ids_of(key: str) -> tuple[str, str]:
    """Return asset and inventory id of an object that a Media Lake took once."""
    unique = hashlib.sha256(key.encode()).hexdigest()[:12]
    return f"asset:img:{unique}", f"asset:uuid:{unique}"


def _record(sim: Simulation, head: ObjectHead, content: bytes, state: str) -> None:
    """Have the record of an object that a Media Lake took once, as it is or as it was before."""
    asset_id, inventory_id = _ids_of(head.key)
    if "replaced" in state:
        content = b"before " + content
    sim.services.system.record(
        Record(
            inventory_id=inventory_id,
            asset_id=asset_id,
            asset_type="Image",
            file_hash=hashlib.md5(content).hexdigest(),  # noqa: S324
            storage_path=f"{BUCKET}:{head.key}",
            object_key=head.key,
            last_modified=timestamp_text(
                head.last_modified - timedelta(days=9 * ("replaced" in state))
            ),
            etag="before" if "replaced" in state else head.e_tag,
            size=head.size_bytes,
        )
    )
