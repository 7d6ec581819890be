"""The world at the beginning: a bucket of objects in every state, and how functions are set."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from application.policy import Policy
from domain.connector import Bucket, Connector, ConnectorStatus, Trigger
from domain.customer_object import Encryption
from domain.identity import mint_inventory_id
from domain.packing import ChunkSizing

if TYPE_CHECKING:
    from simulator.simulation import Simulation

BUCKET = "media"
CONNECTOR_ID = "c1"

_NAMES = (
    "{n}.jpg",
    "Große Datei +{n}%.mov",
    'comma, "quote" {n}.wav',
    "line\nbreak\r{n}.pdf",
    "deep/er/{n}",
    "{n} 100%25.tif",
    "日本 {n}.MXF",
)
_MIB = 1024**2
FOLDERS = ("a/", "b/", "")


def draw_policy(rng: random.Random) -> Policy:
    """Return small sizes, so that a few objects make many chunks, windows, parts and pages."""
    return Policy(
        sizing=ChunkSizing(object_count_max=rng.randint(3, 7)),
        window_object_count=rng.randint(1, 5),
        single_copy_bytes_max=10 * _MIB,
        copy_part_bytes=5 * _MIB,
        copy_parts_in_flight=rng.randint(1, 3),
        windows_in_flight=rng.randint(1, 3),
        calls_in_flight=rng.randint(1, 4),
        chunk_attempt_count_max=rng.choice([1, 2, 5]),
        lease_margin_s=rng.choice([10.0, 30.0]),
        stop_margin_s=rng.choice([3.0, 20.0]),
        ending_poll_s=rng.choice([0.1, 5.0]),
        manifest_part_bytes=rng.choice([1, 200]),
        added_chunk_count=rng.randint(1, 4),
        report_wait_s=rng.choice([60.0, 3_600.0]),
    )


def draw_timeouts(rng: random.Random, policy: Policy) -> dict[str, float]:
    """Return how long each function may run; a short one has to hand over again and again."""
    margin_s = policy.stop_margin_s
    return {
        "engine": margin_s + rng.choice([1.5, 30.0, 300.0, 880.0]),
        "processor": margin_s + rng.choice([1.5, 30.0, 300.0, 880.0]),
        "sweep": margin_s + rng.choice([10.0, 60.0, 880.0]),
        "api": 29.0,
    }


def furnish(sim: Simulation) -> None:
    """Put the connector, the bucket and the catalog there."""
    rng = sim.rng
    trigger = rng.choice([Trigger.COPY, Trigger.COPY, Trigger.EVENT])
    sim.world.buckets.create(BUCKET, versioned=rng.random() < 0.3)
    sim.world.database.connectors[CONNECTOR_ID] = Connector(
        connector_id=CONNECTOR_ID,
        bucket=Bucket(name=BUCKET),
        prefixes=(),
        status=ConnectorStatus.ENABLED,
        trigger=trigger,
        created_at=sim.clock.now(),
    )
    for number in range(rng.choice([0, 1, 5, 12, 20, 40])):
        key = rng.choice(FOLDERS) + rng.choice(_NAMES).format(n=number)
        put_object(sim, key, rng.choice(_STATES))


_STATES = (
    "untagged",
    "untagged",
    "untagged",
    "owner's tags",
    "asset known",
    "asset known",
    "inventory known",
    "own inventory known",
    "ids unknown",
    "archived",
    "too many tags",
    "nine tags",
    "customer key",
    "denied",
    "folder marker",
)


def put_object(sim: Simulation, key: str, state: str) -> None:
    """Put an object, as its owner would, in one of the states that a sync can find."""
    buckets, assets = sim.world.buckets, sim.world.database.assets
    tags: dict[str, str] = {}
    size = sim.rng.randint(1, 9)
    content = bytes(sim.rng.randrange(256) for _ in range(size))
    storage_class, restored, customer_key = "STANDARD", False, False
    match state:
        case "owner's tags":
            tags = {"project": "x", "Owner": "ü@example"}
        case "asset known":
            tags = {"AssetID": f"asset {len(assets)}", "InventoryID": f"inv {len(assets)}"}
            assets[tags["InventoryID"]] = tags["AssetID"]
        case "inventory known":
            tags = {"InventoryID": f"inv {len(assets)}", "project": "y"}
            assets[tags["InventoryID"]] = None
        case "own inventory known":
            tags = {"InventoryID": mint_inventory_id(BUCKET, key)}
            assets[tags["InventoryID"]] = None
        case "ids unknown":
            number = sim.rng.random()
            tags = {"AssetID": f"lost {number}", "InventoryID": f"gone {number}"}
        case "archived":
            storage_class = sim.rng.choice(["GLACIER", "DEEP_ARCHIVE"])
            restored = size % 2 == 0
        case "too many tags":
            tags = {f"tag {number}": "v" for number in range(9)}
        case "nine tags":
            tags = {f"tag {number}": "v" for number in range(7)}
        case "customer key":
            customer_key = True
        case "denied":
            buckets.denied.add((BUCKET, key))
            sim.observer.denied.add(key)
        case "folder marker":
            key, content = key.rstrip("/") + "/", b""
    buckets.put(
        BUCKET,
        key,
        content,
        # A third of them is copied in parts: three, five or eight.
        size_bytes=4 * size * _MIB if size % 3 == 0 and content else len(content),
        tags=tags,
        storage_class=storage_class,
        restored=restored,
        customer_key=customer_key,
        encryption=sim.rng.choice(
            [None, Encryption(algorithm="aws:kms", kms_key_id="k", bucket_key_enabled=True)]
        ),
        user_metadata={"camera": str(size)},
        system_metadata={"ContentType": "image/x", "CacheControl": "no-cache"},
    )
    sim.observer.owner_changed(key)
