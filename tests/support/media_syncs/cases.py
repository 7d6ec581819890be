"""The objects of a conformance run: the history of each, and its expected results.

A run has three syncs. Media Lake's ingest processes the waiting events after each, so the first
sync meets objects whose events still wait, and the others meet the results of the ingest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Past(StrEnum):
    """The history of an object before the first sync."""

    OLD = "uploaded before Media Lake watched the bucket"
    OLD_MULTIPART = "uploaded by multipart upload before Media Lake watched the bucket"
    NEW_WAITING = "uploaded, not ingested yet"
    TAKEN = "uploaded and ingested"
    ASSET_TAG_LOST = "ingested; AssetID tag removed"
    TAGS_LOST = "ingested; all tags removed"
    MULTIPART_TAGS_LOST = "uploaded by multipart upload and ingested; all tags removed"
    RECORD_LOST = "ingested; its record deleted"
    RECORD_AND_ASSET_TAG_LOST = "ingested; its record deleted, AssetID tag removed"
    SAME_AGAIN = "ingested; same bytes uploaded again and ingested"
    SAME_AGAIN_WAITING = "ingested; same bytes uploaded again, not ingested yet"
    SAME_AGAIN_LOST = "ingested; same bytes uploaded again, event lost"
    OTHER = "ingested; other bytes uploaded and ingested"
    OTHER_WAITING = "ingested; other bytes uploaded, not ingested yet"
    OTHER_LOST = "ingested; other bytes uploaded, event lost"
    OTHER_WITH_INVENTORY_TAG = "ingested; other bytes uploaded with its InventoryID, event lost"
    OURS = "synced before, ingested under our ids"
    OURS_TAGS_LOST = "synced before, ingested under our ids; all tags removed"
    OURS_SAME_AGAIN_LOST = "ingested under our ids; same bytes uploaded again, event lost"
    OURS_OTHER_WAITING = "ingested under our ids; other bytes uploaded, not ingested yet"
    OURS_OTHER_LOST = "ingested under our ids; other bytes uploaded, event lost"


OURS: Final = frozenset(past for past in Past if past.name.startswith("OURS"))
INGESTED_FIRST: Final = frozenset(Past) - OURS - {Past.OLD, Past.OLD_MULTIPART, Past.NEW_WAITING}
IN_PARTS: Final = frozenset({Past.OLD_MULTIPART, Past.MULTIPART_TAGS_LOST})


class Found(StrEnum):
    """A sync's result for an object: its outcome's reason, or that it was left out at listing."""

    LEFT_OUT = "left out at listing"
    ASSET_KNOWN = "ASSET_KNOWN"
    TAGS_RESTORED = "TAGS_RESTORED"
    INGESTING = "INGESTING"
    NOT_MEDIA = "NOT_MEDIA"
    INVENTORY_KNOWN = "INVENTORY_KNOWN"
    REPLACED = "REPLACED"
    NO_IDS = "NO_IDS"
    IDS_UNKNOWN = "IDS_UNKNOWN"


TRIGGERING: Final = frozenset(
    {Found.INVENTORY_KNOWN, Found.REPLACED, Found.NO_IDS, Found.IDS_UNKNOWN}
)

_FIRST: Final = {
    Past.OLD: Found.NO_IDS,
    Past.OLD_MULTIPART: Found.NO_IDS,
    Past.NEW_WAITING: Found.NO_IDS,
    Past.TAKEN: Found.ASSET_KNOWN,
    Past.ASSET_TAG_LOST: Found.INVENTORY_KNOWN,
    Past.TAGS_LOST: Found.TAGS_RESTORED,
    Past.MULTIPART_TAGS_LOST: Found.TAGS_RESTORED,
    Past.RECORD_LOST: Found.IDS_UNKNOWN,
    Past.RECORD_AND_ASSET_TAG_LOST: Found.IDS_UNKNOWN,
    Past.SAME_AGAIN: Found.TAGS_RESTORED,
    Past.SAME_AGAIN_WAITING: Found.TAGS_RESTORED,
    Past.SAME_AGAIN_LOST: Found.TAGS_RESTORED,
    Past.OTHER: Found.ASSET_KNOWN,
    Past.OTHER_WAITING: Found.REPLACED,
    Past.OTHER_LOST: Found.REPLACED,
    Past.OTHER_WITH_INVENTORY_TAG: Found.REPLACED,
    Past.OURS: Found.ASSET_KNOWN,
    Past.OURS_TAGS_LOST: Found.TAGS_RESTORED,
    Past.OURS_SAME_AGAIN_LOST: Found.TAGS_RESTORED,
    Past.OURS_OTHER_WAITING: Found.REPLACED,
    Past.OURS_OTHER_LOST: Found.REPLACED,
}

# Its ingest replaces all tags with its own, so it removes an owner's tag.
_REPLACED_BY_INGEST: Final = frozenset(
    {
        Past.TAKEN,
        Past.OTHER,
        Past.OTHER_WAITING,
        Past.OTHER_LOST,
        Past.OTHER_WITH_INVENTORY_TAG,
        Past.OURS_OTHER_WAITING,
        Past.OURS_OTHER_LOST,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One object.

    Attributes:
        what: Its description.
        kind: The type of its asset; None for what Media Lake does not take.
        by_content_type: Whether only the content type shows its type.
        body: The seed of its bytes; two cases with the same are duplicates. Default: its key.
        left_out: Whether its extension alone says that it is not media.
        parts_again: Whether it is uploaded again by a multipart upload, after a single PUT.
    """

    what: str
    key: str
    kind: str | None
    past: Past = Past.OLD
    content_type: str | None = None
    owner: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    by_content_type: bool = False
    left_out: bool = False
    parts_again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a bucket is synced."""

    discovery: str
    trigger: str
    ids: str
    integration: str
    versioned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The expected results of a case.

    Attributes:
        syncs: The result of each of the three syncs.
        recorded: Whether it has one record in the end; None: one record, or as a duplicate.
        type: The type in its record.
        keeps_owner_tags: Whether the owner's tags remain in the end; None: not guaranteed.
    """

    syncs: tuple[Found, Found, Found]
    recorded: bool | None
    type: str | None
    keeps_owner_tags: bool | None


def expected(case: Case, run: Run) -> Expected:
    """Return the expected results of a case in a run."""
    if case.kind is None:
        left = Found.LEFT_OUT if case.left_out else Found.NOT_MEDIA
        return Expected(syncs=(left, left, left), recorded=False, type=None, keeps_owner_tags=True)
    first = _FIRST[case.past]
    if case.parts_again:
        # Its content is compared with the record at the next ingest; then they agree.
        return Expected(
            syncs=(Found.REPLACED, Found.TAGS_RESTORED, Found.ASSET_KNOWN),
            recorded=True,
            type=case.kind,
            keeps_owner_tags=True,
        )
    # For an asset under its own ids, its ingest records no content type
    # (lambdas/ingest/s3/index.py, v1.18.3: create_dynamo_entry and _create_asset_metadata name
    # different attributes).
    unknown_type = case.by_content_type and run.ids == "assigned"
    # It does not subscribe to the ingest bus: it gets only the events that were waiting already.
    not_received = run.trigger == "event" and not case.past.name.endswith("_WAITING")
    waits = not_received and first in TRIGGERING and first is not Found.INVENTORY_KNOWN
    then = Found.INGESTING if waits else Found.ASSET_KNOWN
    recorded: bool | None = True
    if waits:
        recorded = first is Found.REPLACED
    elif case.body is not None and (case.past is Past.TAKEN or run.ids == "assigned"):
        recorded = None
    return Expected(
        syncs=(first, then, then),
        recorded=recorded,
        type="Other" if unknown_type else case.kind,
        keeps_owner_tags=_keeps(case, run, waits),
    )


def _keeps(case: Case, run: Run, waits: bool) -> bool | None:
    if waits:
        return True
    if case.past in _REPLACED_BY_INGEST:
        return None
    both_ids = case.past in (INGESTED_FIRST | OURS) - {Past.RECORD_AND_ASSET_TAG_LOST}
    return True if run.ids == "minted" or both_ids else None


_OWNER: Final = {"Owner": "archive@example.com", "project:code": "a/b = c_d+e"}

_AWKWARD_STEMS: Final = (
    "with space",
    " leading and trailing ",
    "plus+plus",
    "percent%",
    "percent%2Bencoded",
    "percent%2Fslash",
    "percent%%20twice%2520",
    "hash#tag",
    "question?mark=1&x=2",
    "ampersand & co",
    "quotes 'single' \"double\" `back`",
    "angle <b>&amp;</b>",
    "brackets [1] {2} (3)",
    "back\\slash|pipe^caret",
    "semi;colon,comma:colon@at$dollar!",
    "star*tilde~equals=",
    "grüße aus münchen",
    "gru\u0308\u00dfe decomposed",
    "日本語 ファイル",
    "мир",
    "emoji 🎬🎞️",
    "double//slash",
    "deep/folder.v1/of.dots/clip.final",
    'CSV,"quoted, field"',
    "UPPER",
)

_MEDIA: Final = (
    ("mov", "Video"),
    ("jpg", "Image"),
    ("wav", "Audio"),
    ("psd", "Image"),
    ("mts", "Video"),
    ("mp3", "Audio"),
)


def _awkward() -> list[Case]:
    found = []
    for number, stem in enumerate(_AWKWARD_STEMS):
        extension, kind = _MEDIA[number % len(_MEDIA)]
        if stem == "UPPER":
            extension = extension.upper()
        found.append(
            Case(
                what=f"awkward key {number}",
                key=f"awkward/{stem}.{extension}",
                kind=kind,
                owner=_OWNER if number % 2 else {},
            )
        )
    return found


def _types() -> list[Case]:
    def case(name: str, kind: str | None, content_type: str | None) -> Case:
        said = content_type or "no content type"
        return Case(
            what=f"{name}, {said}",
            key=f"types/{len(found):02} {said.replace('/', ' ')} {name}",
            kind=kind,
            content_type=content_type,
            by_content_type=kind is not None and name not in known,
            owner=_OWNER,
        )

    known = ("a.pcm", "a.exr", "a.mxf", "a.jpg")
    found: list[Case] = []
    for name, kind, content_type in (
        ("a.pcm", "Audio", None),
        ("a.exr", "Image", None),
        ("a.mxf", "Video", "application/mxf"),
        ("a.jpg", "Image", "application/octet-stream"),
        ("a.vob", None, None),
        ("a.vob", "Video", "video/mpeg"),
        ("a.m2v", None, None),
        ("a.m2v", "Video", "video/mpeg"),
        ("a.amr", "Audio", "audio/amr"),
        ("a.ac3", "Audio", "audio/ac3"),
        ("a.heic", None, None),
        ("a.heic", "Image", "image/heic"),
        ("a.dng", None, None),
        ("a.dng", "Image", "image/x-adobe-dng"),
        ("a.r3d", None, None),
        ("a.r3d", "Video", "VIDEO/X-R3D"),
        ("no extension", None, None),
        ("no extension", None, "application/octet-stream"),
        ("no extension", "Video", "video/mp4"),
        ("no extension", "Audio", "audio/wav"),
        ("folder.mov/no extension", None, None),
        ("a.bin", "Image", "application/photoshop"),
    ):
        found.append(case(name, kind, content_type))  # `case` counts them
    return found


def _besides_media() -> list[Case]:
    return [
        Case(
            what=f"not media: .{extension}",
            key=f"sidecars/clip 01+%.mov.{extension}",
            kind=None,
            content_type=content_type,
            owner=_OWNER,
            left_out=True,
        )
        for extension, content_type in (
            ("xml", "application/xml"),
            ("xmp", None),
            ("srt", None),
            ("pdf", "application/pdf"),
            ("docx", None),
            ("txt", "text/plain"),
            ("json", "application/json"),
            ("zip", "application/zip"),
            ("tar", None),
            ("md5", None),
        )
    ]


def pasts() -> list[Case]:
    """Return two objects with every history except the plain one."""
    found = []
    for past in Past:
        if past is Past.OLD:
            continue
        for number, (stem, extension, kind) in enumerate(
            (("plain", "mov", "Video"), ("é + % & 'x' 🎬", "jpg", "Image"))
        ):
            found.append(
                Case(
                    what=past,
                    key=f"pasts/{past.name.lower()}/{stem}.{extension}",
                    kind=kind,
                    past=past,
                    owner=_OWNER if number else {},
                )
            )
    return found


def _duplicates() -> list[Case]:
    return [
        *(
            Case(
                what=f"duplicate, {past}",
                key=f"{where}/{name}.tif",
                kind="Image",
                past=past,
                body=where,
            )
            for where, past in (("twins", Past.OLD), ("taken twins", Past.TAKEN))
            for name in ("first", "second +")
        ),
        # The content of an asset that Media Lake has, at a key that it has never received.
        Case(
            what="known content at a new key",
            key="copies/clip.tif",
            kind="Image",
            body="taken twins",
        ),
    ]


def uploaded_again_by_multipart() -> tuple[Case, ...]:
    """Return objects whose bytes were uploaded again with an ETag that the record does not have."""
    return tuple(
        Case(
            what=f"{past}, multipart",
            key=f"parts/{past.name.lower()}.mov",
            kind="Video",
            past=past,
            owner=_OWNER,
            parts_again=True,
        )
        for past in (Past.SAME_AGAIN_LOST, Past.OURS_SAME_AGAIN_LOST)
    )


def all_cases() -> tuple[Case, ...]:
    """Return every case; keys are unique."""
    found = (*_awkward(), *_types(), *_besides_media(), *pasts(), *_duplicates())
    assert len({case.key for case in found}) == len(found)
    return found
