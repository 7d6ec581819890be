"""SKIP, COPY or PUT; the ids; the tags."""

from __future__ import annotations

import pytest

from domain.decision import CatalogAnswer, Decision, Reason, decide, resume
from domain.errors import TagLimitExceeded
from domain.identity import (
    Identity,
    event_id,
    identity_of,
    job_id_for,
    media_kind,
    mint_asset_id,
    mint_inventory_id,
    mint_missing,
)
from domain.tagging import merge_tags

BOTH = Identity(asset_id="a", inventory_id="i")
ASSET = Identity(asset_id="a")
INVENTORY = Identity(inventory_id="i")
NONE = Identity()


@pytest.mark.parametrize(
    ("identity", "asset_known", "inventory_known", "decision", "reason"),
    [
        (BOTH, True, True, Decision.SKIP, Reason.ASSET_KNOWN),
        (BOTH, True, False, Decision.SKIP, Reason.ASSET_KNOWN),
        (BOTH, False, True, Decision.COPY, Reason.INVENTORY_KNOWN),
        (BOTH, False, False, Decision.PUT, Reason.IDS_UNKNOWN),
        (ASSET, True, False, Decision.SKIP, Reason.ASSET_KNOWN),
        (ASSET, False, False, Decision.PUT, Reason.IDS_UNKNOWN),
        (INVENTORY, False, True, Decision.COPY, Reason.INVENTORY_KNOWN),
        (INVENTORY, False, False, Decision.PUT, Reason.IDS_UNKNOWN),
        (NONE, False, False, Decision.PUT, Reason.NO_IDS),
        # An answer about an id that the object does not have is nobody's answer.
        (NONE, True, True, Decision.PUT, Reason.NO_IDS),
        (ASSET, False, True, Decision.PUT, Reason.IDS_UNKNOWN),
        (INVENTORY, True, False, Decision.PUT, Reason.IDS_UNKNOWN),
    ],
)
def test_decision_table(
    identity: Identity,
    asset_known: bool,
    inventory_known: bool,
    decision: Decision,
    reason: Reason,
) -> None:
    answer = CatalogAnswer(asset_known=asset_known, inventory_known=inventory_known)
    verdict = decide(identity, answer, bucket_name="b", key="k.jpg")
    assert (verdict.decision, verdict.reason) == (decision, reason)
    if decision is Decision.SKIP:
        assert verdict.identity == identity
    else:
        assert verdict.identity == mint_missing(identity, "b", "k.jpg")


def test_copy_keeps_the_inventory_id_and_mints_the_missing_asset_id() -> None:
    answer = CatalogAnswer(inventory_known=True)
    verdict = decide(INVENTORY, answer, bucket_name="b", key="k.jpg")
    assert verdict.identity.inventory_id == "i"
    assert verdict.identity.asset_id == mint_asset_id("b", "k.jpg")


MINTED = mint_missing(NONE, "b", "k")


@pytest.mark.parametrize(
    ("identity", "asset_known", "inventory_known", "decision"),
    [
        (MINTED, False, False, Decision.PUT),
        (MINTED, True, True, Decision.PUT),
        # Our own inventory id without an asset: an earlier job left it, so it was COPY.
        (MINTED, False, True, Decision.COPY),
        (mint_missing(INVENTORY, "b", "k"), False, True, Decision.COPY),
        (mint_missing(INVENTORY, "b", "k"), True, True, Decision.COPY),
        (BOTH, False, False, Decision.PUT),
    ],
)
def test_a_repetition_announces_what_was_done(
    identity: Identity, asset_known: bool, inventory_known: bool, decision: Decision
) -> None:
    answer = CatalogAnswer(asset_known=asset_known, inventory_known=inventory_known)
    verdict = resume(identity, answer, bucket_name="b", key="k")
    assert verdict.decision is decision
    assert verdict.reason is Reason.ALREADY_TRIGGERED
    assert verdict.identity == identity


def test_an_empty_tag_is_no_id() -> None:
    assert identity_of({"AssetID": "", "InventoryID": "i", "other": "x"}) == INVENTORY
    assert identity_of({}) == NONE


def test_ids_never_change() -> None:
    """Golden values: another one would give every object of every archive a second identity."""
    assert mint_asset_id("media", "a/b.jpg") == "asset:img:3b294477-59c8-56aa-a44c-b6f318c2c808"
    assert (
        mint_inventory_id("media", "a/b.jpg") == "asset:uuid:c1741eca-e035-5ab5-bcac-426a2c83720f"
    )
    assert event_id("job-1", "media", "a/b.jpg") == "2014640e-13ed-5d36-9122-94ab5667403c"
    assert job_id_for("c1", "key-1") == "job-557640c6-f11d-5aed-922e-27a5f1c62958"


def test_ids_tell_bucket_and_key_apart() -> None:
    assert mint_inventory_id("ab", "c") != mint_inventory_id("a", "bc")
    assert mint_asset_id("b", "k") != mint_inventory_id("b", "k")


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


def test_tags_after_contain_the_tags_before() -> None:
    tags = {"project": "x", "SyncJobID": "job-0"}
    merged = merge_tags(tags, Identity(asset_id="a", inventory_id="i"), "job-1")
    assert merged == {"project": "x", "SyncJobID": "job-1", "AssetID": "a", "InventoryID": "i"}
    assert tags == {"project": "x", "SyncJobID": "job-0"}


@pytest.mark.parametrize(("owned", "fits"), [(7, True), (8, False), (10, False)])
def test_ten_tags_are_the_limit(owned: int, fits: bool) -> None:
    tags = {f"t{number}": "v" for number in range(owned)}
    if fits:
        assert len(merge_tags(tags, BOTH, "job-1")) == 10
    else:
        with pytest.raises(TagLimitExceeded, match=f"{owned} tags and needs {owned + 3}"):
            merge_tags(tags, BOTH, "job-1")


def test_tags_that_are_replaced_need_no_room() -> None:
    tags = {f"t{number}": "v" for number in range(7)}
    tags |= {"AssetID": "a", "InventoryID": "i", "SyncJobID": "old"}
    assert len(merge_tags(tags, BOTH, "job-1")) == 10
