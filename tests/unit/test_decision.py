"""SKIP, COPY or PUT by the table; the ids; the tags."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from domain.catalog import CatalogAnswer, CatalogQuestion, CatalogRecord, Seen, seen_version
from domain.connector import IdSource
from domain.customer_object import ObjectHead
from domain.decision import (
    RULES,
    Case,
    Decision,
    Minting,
    Reason,
    Standing,
    decide,
    known,
    resume,
)
from domain.errors import TagLimitExceeded
from domain.identity import (
    Identity,
    event_id,
    identity_of,
    job_id_for,
    media_kind,
    mint_inventory_id,
    mint_plain_asset_id,
    mint_typed_asset_id,
)
from domain.profile import GENERIC, MEDIALAKE
from domain.tagging import tags_after
from domain.trigger_mark import History

BOTH = Identity(asset_id="a", inventory_id="i")
ASSET = Identity(asset_id="a")
INVENTORY = Identity(inventory_id="i")
NONE = Identity()

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HEAD = ObjectHead(
    key="k.jpg",
    size_bytes=3,
    e_tag="e",
    last_modified=NOW,
    system_metadata={"ContentType": "image/jpeg"},
)
PATH = "b:k.jpg"
MINTED_ASSET = "asset:img:" + mint_plain_asset_id("b", "k.jpg", kind=None)
MINTED_INVENTORY = mint_inventory_id("b", "k.jpg")

SAME = {"e_tag": "e", "size_bytes": 3, "storage_path": PATH}
OTHER = {"e_tag": "f", "size_bytes": 3, "storage_path": PATH}


def record(inventory_id: str, asset_id: str | None = None, **facts: object) -> CatalogRecord:
    return CatalogRecord(inventory_id=inventory_id, asset_id=asset_id, **facts)  # type: ignore[arg-type]


TAGGED = record("i", "b", **SAME)
TAGGED_CHANGED = record("i", "b", **OTHER)
ANOTHERS = record("i", "b", **(SAME | {"storage_path": "b:other.jpg"}))
ANOTHERS_CHANGED = record("i", "b", **(OTHER | {"storage_path": "b:other.jpg"}))
AT_PATH = record("p", "q", **SAME)
AT_PATH_CHANGED = record("p", "q", **OTHER)
BARE = record("i")
BARE_OTHER = record("m", "n")


@pytest.mark.parametrize(
    ("identity", "answer", "decision", "reason", "ids"),
    [
        # The specification's three rules, on a catalog that keeps ids alone.
        (BOTH, {"asset_known": True, "record": BARE}, "SKIP", "ASSET_KNOWN", ("a", "i")),
        (BOTH, {"asset_known": True}, "SKIP", "ASSET_KNOWN", ("a", "i")),
        (BOTH, {"record": BARE}, "COPY", "INVENTORY_KNOWN", ("a", "i")),
        (BOTH, {}, "PUT", "IDS_UNKNOWN", ("a", "i")),
        (ASSET, {"asset_known": True}, "SKIP", "ASSET_KNOWN", ("a", None)),
        (ASSET, {}, "PUT", "IDS_UNKNOWN", ("a", MINTED_INVENTORY)),
        (INVENTORY, {"record": BARE}, "COPY", "INVENTORY_KNOWN", (MINTED_ASSET, "i")),
        (INVENTORY, {}, "PUT", "IDS_UNKNOWN", (MINTED_ASSET, "i")),
        (NONE, {}, "PUT", "NO_IDS", (MINTED_ASSET, MINTED_INVENTORY)),
        # A record with its own asset id: it is adopted, or COPY would be repeated forever.
        (INVENTORY, {"record": TAGGED}, "COPY", "INVENTORY_KNOWN", ("b", "i")),
        (BOTH, {"record": TAGGED}, "COPY", "INVENTORY_KNOWN", ("b", "i")),
        # Known under ids that the tags do not name.
        (NONE, {"others": (AT_PATH,)}, "SKIP", "TAGS_RESTORED", ("q", "p")),
        (BOTH, {"others": (AT_PATH,)}, "SKIP", "TAGS_RESTORED", ("q", "p")),
        (NONE, {"others": (record("p", **SAME),)}, "COPY", "INVENTORY_KNOWN", (MINTED_ASSET, "p")),
        (NONE, {"others": (BARE_OTHER,)}, "PUT", "NO_IDS", ("n", "m")),
        (ASSET, {"others": (BARE_OTHER,)}, "PUT", "IDS_UNKNOWN", ("n", "m")),
        # Other content: the system must replace its own asset.
        (NONE, {"others": (AT_PATH_CHANGED,)}, "PUT", "REPLACED", (None, None)),
        (BOTH, {"others": (AT_PATH_CHANGED,)}, "PUT", "REPLACED", (None, None)),
        (INVENTORY, {"record": TAGGED_CHANGED}, "PUT", "REPLACED", (None, None)),
        # The InventoryID was copied with another object's tags.
        (INVENTORY, {"record": ANOTHERS}, "COPY", "INVENTORY_KNOWN", ("b", "i")),
        (INVENTORY, {"record": ANOTHERS_CHANGED}, "PUT", "IDS_OF_ANOTHER", (None, None)),
        (
            INVENTORY,
            {"record": ANOTHERS_CHANGED, "others": (AT_PATH,)},
            "SKIP",
            "TAGS_RESTORED",
            ("q", "p"),
        ),
        # Two records of one object: the one of this version counts, whatever the order.
        (
            NONE,
            {"others": (AT_PATH_CHANGED, record("z", "y", **SAME))},
            "SKIP",
            "TAGS_RESTORED",
            ("y", "z"),
        ),
    ],
)
def test_decision_table(
    identity: Identity,
    answer: dict[str, object],
    decision: str,
    reason: str,
    ids: tuple[str | None, str | None],
) -> None:
    verdict = verdict_on(identity, CatalogAnswer(**answer))  # type: ignore[arg-type]
    assert (verdict.decision, verdict.reason) == (decision, reason)
    assert (verdict.identity.asset_id, verdict.identity.inventory_id) == ids


def verdict_on(
    identity: Identity,
    answer: CatalogAnswer,
    *,
    history: History = History.NEW,
    taken: bool = True,
    ids: IdSource = IdSource.MINTED,
):  # type: ignore[no-untyped-def]
    question = CatalogQuestion(bucket_name="b", key="k.jpg", identity=identity)
    minting = Minting(profile=MEDIALAKE, ids=ids)
    return decide(question, answer, HEAD, history=history, taken=taken, minting=minting)


@pytest.mark.parametrize(
    ("answer", "history", "taken", "reason"),
    [
        # A known object needs no grace period, and no check of its type.
        (CatalogAnswer(asset_known=True), History.EXHAUSTED, False, "ASSET_KNOWN"),
        (CatalogAnswer(others=(AT_PATH,)), History.EXHAUSTED, True, "TAGS_RESTORED"),
        (CatalogAnswer(others=(AT_PATH,)), History.WAITING, False, "NOT_MEDIA"),
        (CatalogAnswer(), History.WAITING, True, "INGESTING"),
        (CatalogAnswer(), History.EXHAUSTED, True, "NOT_TAKEN"),
        (CatalogAnswer(), History.EXHAUSTED, False, "NOT_MEDIA"),
        (CatalogAnswer(), History.DUE, True, "NO_IDS"),
        (CatalogAnswer(others=(AT_PATH_CHANGED,)), History.WAITING, True, "INGESTING"),
        (CatalogAnswer(others=(AT_PATH_CHANGED,)), History.DUE, True, "REPLACED"),
        (CatalogAnswer(record=BARE), History.EXHAUSTED, True, "NOT_TAKEN"),
    ],
)
def test_a_triggered_object_is_waited_for(
    answer: CatalogAnswer, history: History, taken: bool, reason: str
) -> None:
    identity = NONE if answer.record is None else INVENTORY
    verdict = verdict_on(identity, answer, history=history, taken=taken)
    assert verdict.reason == reason
    assert verdict.triggers is (reason in ("NO_IDS", "REPLACED"))


def test_ids_are_left_to_a_system_that_assigns_them_but_not_a_missing_asset_id() -> None:
    assigned = IdSource.ASSIGNED
    assert verdict_on(NONE, CatalogAnswer(), ids=assigned).identity == NONE
    assert verdict_on(BOTH, CatalogAnswer(), ids=assigned).identity == BOTH
    copied = verdict_on(INVENTORY, CatalogAnswer(record=BARE), ids=assigned)
    assert copied.identity == Identity(asset_id=MINTED_ASSET, inventory_id="i")


def test_every_case_has_a_row_and_every_row_a_case() -> None:
    cases = [
        Case(standing=standing, seen=seen, history=history, taken=taken, tagged=tagged)
        for standing, seen, history, taken, tagged in product(
            Standing, Seen, History, (True, False), (True, False)
        )
    ]
    used = {next(rule for rule in RULES if rule.fits(case)) for case in cases}
    assert used == set(RULES)


def test_a_known_asset_needs_no_head() -> None:
    question = CatalogQuestion(bucket_name="b", key="k.jpg", identity=BOTH)
    verdict = known(question)
    assert (verdict.decision, verdict.reason, verdict.identity) == (
        Decision.SKIP,
        Reason.ASSET_KNOWN,
        BOTH,
    )
    assert verdict == verdict_on(BOTH, CatalogAnswer(asset_known=True))


@pytest.mark.parametrize(
    ("action", "decision"),
    [("COPY", Decision.COPY), ("PUT", Decision.PUT), (None, Decision.PUT)],
)
def test_a_repetition_announces_what_was_written(action: str | None, decision: Decision) -> None:
    verdict = resume(CatalogQuestion(bucket_name="b", key="k.jpg", identity=BOTH), action)
    assert (verdict.decision, verdict.reason) == (decision, Reason.ALREADY_TRIGGERED)
    assert verdict.identity == BOTH


@pytest.mark.parametrize(
    ("facts", "seen"),
    [
        ({}, Seen.UNKNOWN),
        ({"storage_path": PATH}, Seen.UNKNOWN),
        (SAME, Seen.THIS_VERSION),
        (OTHER, Seen.ANOTHER_VERSION),
        ({**SAME, "size_bytes": 4}, Seen.ANOTHER_VERSION),
        # A copy changed the ETag, and the system ingested it after that.
        ({**OTHER, "last_modified": NOW}, Seen.THIS_VERSION),
        ({**OTHER, "last_modified": NOW + timedelta(milliseconds=900)}, Seen.THIS_VERSION),
        ({**OTHER, "last_modified": NOW + timedelta(seconds=1)}, Seen.ANOTHER_VERSION),
        # It was replaced in the second in which the system ingested it.
        ({**OTHER, "size_bytes": 4, "last_modified": NOW}, Seen.ANOTHER_VERSION),
        ({**SAME, "last_modified": NOW - timedelta(days=1)}, Seen.THIS_VERSION),
        ({"last_modified": NOW}, Seen.THIS_VERSION),
        ({"last_modified": NOW - timedelta(days=1)}, Seen.ANOTHER_VERSION),
        # Of another object only the content is compared, never the time.
        ({**OTHER, "storage_path": "b:x", "last_modified": NOW}, Seen.ANOTHER_VERSION),
        ({**SAME, "storage_path": "b:x"}, Seen.THIS_VERSION),
        ({"storage_path": "b:x", "last_modified": NOW}, Seen.UNKNOWN),
        ({"e_tag": "e"}, Seen.UNKNOWN),
    ],
)
def test_which_version_a_record_is_about(facts: dict[str, object], seen: Seen) -> None:
    assert seen_version(record("i", **facts), HEAD, PATH) is seen


@pytest.mark.parametrize(
    ("key", "content_type", "asset_id"),
    [
        ("k.mov", "", "asset:vid:{}"),
        ("k.pcm", "application/octet-stream", "asset:aud:{}"),
        # The system goes by content type first.
        ("k.mov", "audio/mp4", "asset:aud:{}"),
        ("k", "image/png; charset=x", "asset:img:{}"),
        # Without a colon in the id it determines the type; with one it would record Image.
        ("k.pdf", "application/pdf", "{}"),
        ("k", "", "{}"),
    ],
)
def test_media_lakes_asset_ids_name_a_type_only_where_it_is_one(
    key: str, content_type: str, asset_id: str
) -> None:
    plain = mint_plain_asset_id("b", key, kind=None)
    assert MEDIALAKE.mint_asset_id("b", key, content_type) == asset_id.format(plain)
    assert GENERIC.mint_asset_id("b", key, content_type) == mint_typed_asset_id("b", key)
    head = replace(HEAD, key=key, system_metadata={"ContentType": content_type})
    question = CatalogQuestion(bucket_name="b", key=key)
    verdict = decide(
        question,
        CatalogAnswer(),
        head,
        history=History.NEW,
        taken=True,
        minting=Minting(profile=MEDIALAKE, ids=IdSource.MINTED),
    )
    assert verdict.identity.asset_id == asset_id.format(plain)


def test_an_empty_tag_is_not_an_id() -> None:
    assert identity_of({"AssetID": "", "InventoryID": "i", "other": "x"}) == INVENTORY
    assert identity_of({}) == NONE


def test_ids_never_change() -> None:
    """Golden values: a change would give every object of every archive a second identity."""
    assert (
        mint_typed_asset_id("media", "a/b.jpg") == "asset:img:3b294477-59c8-56aa-a44c-b6f318c2c808"
    )
    assert (
        mint_inventory_id("media", "a/b.jpg") == "asset:uuid:c1741eca-e035-5ab5-bcac-426a2c83720f"
    )
    assert (
        event_id("job-1", "media", "a/b.jpg", e_tag="e1", version_id=None)
        == "82984982-a559-5653-9c27-5cdbbece9781"
    )
    assert (
        event_id("job-1", "media", "a/b.jpg", e_tag="e1", version_id="v1")
        == "717ba061-34db-56f9-9aab-07c89dfa62c2"
    )
    assert job_id_for("c1", "key-1") == "job-557640c6-f11d-5aed-922e-27a5f1c62958"


def test_ids_depend_on_bucket_and_key() -> None:
    assert mint_inventory_id("ab", "c") != mint_inventory_id("a", "bc")
    assert mint_typed_asset_id("b", "k") != mint_inventory_id("b", "k")


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("a/b.JPG", "img"),
        ("x.mxf", "vid"),
        ("x.wav", "aud"),
        ("x.pdf", "doc"),
        ("x.zip", "oth"),
        ("x", "oth"),
        ("folder.jpg/x", "oth"),
        (".jpg", "img"),
        ("", "oth"),
    ],
)
def test_the_kind_follows_the_extension(key: str, kind: str) -> None:
    assert media_kind(key) == kind


def test_tags_after_contain_the_owners_tags_before() -> None:
    tags = {"project": "x", "SyncJobID": "job-0"}
    merged = tags_after(tags, Identity(asset_id="a", inventory_id="i"), "job-1")
    assert merged == {"project": "x", "SyncJobID": "job-1", "AssetID": "a", "InventoryID": "i"}
    assert tags == {"project": "x", "SyncJobID": "job-0"}


@pytest.mark.parametrize(("owned", "fits"), [(7, True), (8, False), (10, False)])
def test_ten_tags_are_the_limit(owned: int, fits: bool) -> None:
    tags = {f"t{number}": "v" for number in range(owned)}
    if fits:
        assert len(tags_after(tags, BOTH, "job-1")) == 10
    else:
        with pytest.raises(TagLimitExceeded, match=f"{owned} tags and needs {owned + 3}"):
            tags_after(tags, BOTH, "job-1")


def test_tags_that_are_replaced_need_no_room() -> None:
    tags = {f"t{number}": "v" for number in range(7)}
    tags |= {"AssetID": "a", "InventoryID": "i", "SyncJobID": "old"}
    assert len(tags_after(tags, BOTH, "job-1")) == 10


def test_id_tags_become_those_of_the_verdict() -> None:
    tags = {"project": "x", "AssetID": "old", "InventoryID": "old", "SyncJobID": "mark"}
    assert tags_after(tags, NONE, "new") == {"project": "x", "SyncJobID": "new"}
    assert tags_after(tags, BOTH) == {
        "project": "x",
        "AssetID": "a",
        "InventoryID": "i",
        "SyncJobID": "mark",
    }
