"""Which files a Media Lake ingests, by their key alone and by content type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.local_aws.asset_system.medialake import file_types as documented
from adapters.local_aws.asset_system.medialake.rules import refusal
from domain.file_types import FileFilter, FilterMode, Taken, extension_of
from domain.profile import GENERIC, MEDIALAKE, NO_CATALOG

ALLOW_MOV = FileFilter(extensions=("mov",))
ALLOW_PDF = FileFilter(extensions=("pdf",))
ALLOW_PDF_TYPE = FileFilter(mime_types=("application/pdf",))
ALLOW_IMAGES = FileFilter(mime_types=("image/*",))
DENY_MOV = FileFilter(mode=FilterMode.DENY, extensions=("mov",))
DENY_AUDIO = FileFilter(mode=FilterMode.DENY, mime_types=("audio/*",))


@pytest.mark.parametrize(
    ("key", "file_filter", "taken"),
    [
        ("a.mov", None, Taken.YES),
        ("A.MOV", None, Taken.YES),
        ("a.xml", None, Taken.NO),
        ("a.pdf", None, Taken.NO),
        ("a.zip", None, Taken.NO),
        # Neither supported nor known to be another type: the content type decides.
        ("a.dng", None, Taken.BY_CONTENT_TYPE),
        ("a.heic", None, Taken.BY_CONTENT_TYPE),
        ("a.r3d", None, Taken.BY_CONTENT_TYPE),
        ("a.ts", None, Taken.BY_CONTENT_TYPE),
        ("a", None, Taken.BY_CONTENT_TYPE),
        ("folder.mov/a", None, Taken.BY_CONTENT_TYPE),
        ("a.mov", ALLOW_MOV, Taken.YES),
        ("a.wav", ALLOW_MOV, Taken.NO),
        ("a.dng", ALLOW_MOV, Taken.NO),
        ("a.pdf", ALLOW_PDF, Taken.YES),
        ("a.mov", ALLOW_PDF, Taken.NO),
        ("a.pdf", ALLOW_PDF_TYPE, Taken.BY_CONTENT_TYPE),
        ("a.mov", ALLOW_IMAGES, Taken.BY_CONTENT_TYPE),
        ("a.mov", DENY_MOV, Taken.NO),
        ("a.wav", DENY_MOV, Taken.YES),
        ("a.xml", DENY_MOV, Taken.NO),
        ("a", DENY_MOV, Taken.BY_CONTENT_TYPE),
        ("a.wav", DENY_AUDIO, Taken.BY_CONTENT_TYPE),
        ("a.xml", DENY_AUDIO, Taken.NO),
    ],
)
def test_what_a_listing_shows(key: str, file_filter: FileFilter | None, taken: Taken) -> None:
    assert MEDIALAKE.takes(key, None, file_filter) is taken
    assert GENERIC.takes(key, None, file_filter) is Taken.YES
    assert NO_CATALOG.takes(key, None, file_filter) is Taken.YES


FILTERS = [None, ALLOW_MOV, ALLOW_PDF, ALLOW_PDF_TYPE, ALLOW_IMAGES, DENY_MOV, DENY_AUDIO]
NAMES = st.sampled_from(["a", "b.c/d", "x.y"])
EXTENSIONS = st.sampled_from(
    ["", ".mov", ".MOV", ".pdf", ".xml", ".wav", ".pcm", ".dng", ".heic", ".ts", ".zip", ".jpg"]
)
CONTENT_TYPES = st.sampled_from(
    [
        "",
        "binary/octet-stream",
        "application/octet-stream",
        "Image/JPEG",
        "image/heic",
        "video/mp4; codecs=x",
        "audio/vnd.wave",
        "application/pdf",
        "application/photoshop",
        "text/xml",
        "video",
    ]
)


@given(NAMES, EXTENSIONS, CONTENT_TYPES, st.sampled_from(FILTERS))
def test_with_a_content_type_it_is_what_the_system_does(
    name: str, extension: str, content_type: str, file_filter: FileFilter | None
) -> None:
    key = name + extension
    theirs = None
    if file_filter is not None:
        theirs = documented.FileFilter(
            mode=documented.FilterMode(file_filter.mode.value),
            extensions=file_filter.extensions,
            mime_types=file_filter.mime_types,
        )
    taken = refusal(key, content_type, theirs) is None
    assert MEDIALAKE.takes(key, content_type, file_filter) is (Taken.YES if taken else Taken.NO)


@given(NAMES, EXTENSIONS, CONTENT_TYPES, st.sampled_from(FILTERS))
def test_a_listing_never_contradicts_the_content_type(
    name: str, extension: str, content_type: str, file_filter: FileFilter | None
) -> None:
    """Except for extensions that are known not to be media: those decide alone."""
    key = name + extension
    listed = MEDIALAKE.takes(key, None, file_filter)
    types = MEDIALAKE.file_types
    assert types is not None
    trusted = extension_of(key) in types.never or types.kind(key, content_type) is None
    if listed is Taken.NO and not trusted:
        assert MEDIALAKE.takes(key, content_type, file_filter) is Taken.NO
    if listed is Taken.YES:
        assert MEDIALAKE.takes(key, content_type, file_filter) is Taken.YES


def test_no_extension_is_both_media_and_none() -> None:
    types = MEDIALAKE.file_types
    assert types is not None
    assert not types.never & types.kind_by_extension.keys()


@pytest.mark.parametrize(
    ("key", "extension"),
    [("a.B", "b"), ("a", ""), ("a.b/c", "b/c"), ("a.", ""), (".x", "x"), ("", "")],
)
def test_the_extension_is_all_after_the_last_dot(key: str, extension: str) -> None:
    assert extension_of(key) == extension
