"""Looking for keys by pages of a listing: the answer for each key, and few requests."""

from __future__ import annotations

from random import Random

import pytest

from adapters.memory.buckets import MemoryBuckets
from adapters.memory.object_store import MemoryObjectStore
from application.engine.find_objects import ObjectFinder
from domain.connector import Bucket
from entrypoints.wiring.memory import memory_world

BUCKET = Bucket(name="media")
LETTERS = "ab/\x00\x01 ~é\ud7ff\ue000\uffff\U00010000"


def store(keys: list[str], page_object_count: int) -> MemoryObjectStore:
    buckets = MemoryBuckets(memory_world().ports.clock)
    buckets.create(BUCKET.name)
    for key in keys:
        buckets.put(BUCKET.name, key, b"content")
    return MemoryObjectStore(buckets, page_object_count=page_object_count)


@pytest.mark.parametrize("seed", range(300))
async def test_the_answer_is_that_of_the_bucket(seed: int) -> None:
    rng = Random(f"{seed}-find")
    prefixes = rng.choice([(), ("a",), ("a/", "b")])
    keys = sorted({"".join(rng.choices(LETTERS, k=rng.randint(1, 5))) for _ in range(80)})
    within = [key for key in keys if key.startswith(prefixes or "")]
    there = [key for key in keys if rng.random() < 0.5]
    objects = store(there, rng.choice([1, 2, 7, 1_000]))
    finder = ObjectFinder(objects, BUCKET, prefixes, in_flight=rng.choice([1, 4]))
    asked = [key for key in within if rng.random() < 0.7]
    found = await finder.find(asked)
    assert sorted(found) == [key for key in asked if key in there]
    assert all(found[key].key == key for key in found)


async def test_one_page_answers_for_a_removed_folder() -> None:
    objects = store(["a/1", "c/1"], 1_000)
    counted = []
    listed = objects.list_objects

    def counting(*args: object, **named: object) -> object:
        counted.append(named)
        return listed(*args, **named)  # type: ignore[arg-type] # passed on

    objects.list_objects = counting  # type: ignore[method-assign, assignment] # a test's own
    finder = ObjectFinder(objects, BUCKET, (), in_flight=1)
    assert await finder.find([f"b/{number:04d}" for number in range(1_000)]) == {}
    assert len(counted) == 1
