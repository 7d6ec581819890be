"""Objects as S3 may hold them: every attribute and every key, as Hypothesis strategies.

`NOT_CARRIED` is the one place that names what the strategies leave out, and why.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.header import Header
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from hypothesis import strategies as st

# Characters that XML 1.0 cannot represent.
NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

NOT_CARRIED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "lone surrogates in keys, tags and metadata": "they are not UTF-8, so S3 has none",
        "metadata beyond ASCII, unencoded": (
            "the SDK refuses to send it; S3 returns its RFC 2047 form, which is generated"
        ),
        "an Expires that is not a date": (
            "the SDK cannot send one; tests/adapters/test_object_requests.py has it"
        ),
        "spaces at the ends of metadata values": "HTTP does not count them as part of the value",
        "a NUL in the API's parameter `key`": "the API refuses it; the outcomes have the key",
        "keys with characters that XML 1.0 lacks, in multipart copies": (
            "refused with the reason: S3 returns an upload with its key in XML"
        ),
        "ACL grants to an e-mail address": "S3 returns the account's id instead",
        "checksums over several parts (COMPOSITE)": (
            "moto shows no ChecksumType; tests/adapters/test_object_requests.py has it"
        ),
    }
)

IN_FUTURE: Final = datetime(2037, 5, 17, 6, 30, tzinfo=UTC)


class Setting(StrEnum):
    """The configuration of a bucket."""

    PLAIN = "plain"
    KMS_DEFAULT = "kms-default"
    ACLS = "acls"
    VERSIONED = "versioned"
    LOCKS = "locks"


@dataclass(frozen=True, kw_only=True)
class Thing:
    """An object to be put: PutObject's parameters in the SDK's names, and its tags."""

    key: str
    content: bytes = b"content"
    setting: Setting = Setting.PLAIN
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


# --- keys -------------------------------------------------------------------------------------

KEYS_OF_NOTE: Final = (
    "a b+c%20d%2Fe.jpg",
    "100%",
    "%",
    "+",
    " ",
    "\"quoted\", 'and', commas.csv",
    "=HYPERLINK(1)",
    "-1+2",
    "@SUM(A1)",
    "Bucket,Key,Size,LastModified",
    "Bucket",
    "null",
    "\\N",
    "a//b///c",
    "//",
    "./a",
    "../a/../b/.",
    "..",
    ".",
    "/lead",
    "tail/",
    "line\nfeed\r\nand\rreturn",
    "tab\tbell\x07escape\x1bdelete\x7f",
    "nul\x00inside",
    "\u0085\u2028\u2029\ufeff\ufffe\uffff",
    "e\u0301 \u00e9 \u1100\u1161 \ufb01",
    "\u202eright-to-left",
    "😀/👩‍👩‍👧‍👦/🏳️‍🌈.jpg",
    "\U00010348 before \uffee",
    "?x=1&y=2#frag;v=3",
    "back\\slash",
    "<Key>&amp;]]></Key>",
    "${jndi}{{x}}%s%d{0}",
    "http://host/path?query",
    '{"jobId":"x"}',
    "\ud7ff\ue000",
    "x" * 1024,
    "😀" * 256,
    "\u00e9" * 512,
)

_CHARACTERS: Final = st.one_of(
    st.sampled_from("/.+%& ,\"'\n\r\t\\=?#;:@~*|<>{}[]()^`$!-_\x00\x01\x1f\x7f"),
    st.sampled_from("aZ09éß漢字😀\u0301\u200d\ufe0f\u2028\ufffe\U0010ffff"),
    st.characters(exclude_categories=["Cs"]),
)
_PIECES: Final = st.one_of(
    _CHARACTERS,
    st.sampled_from(["%2F", "%00", "%u2028", "..", "./", "//", "&amp;", "+ ", '""', "a/"]),
)


def _cut(key: str) -> str:
    """Cut to S3's 1,024 bytes at a character boundary."""
    return key.encode()[:1024].decode(errors="ignore")


KEYS: Final = st.one_of(
    st.sampled_from(KEYS_OF_NOTE),
    st.lists(_PIECES, min_size=1, max_size=20).map("".join),
    st.lists(_CHARACTERS, min_size=8, max_size=40).map(
        lambda characters: _cut("".join(characters) * 60)
    ),
).filter(lambda key: 1 <= len(key.encode()) <= 1024)

# --- tags -------------------------------------------------------------------------------------

_TAG_SIGNS: Final = st.one_of(
    st.sampled_from("+-=._:/@ aZ09"),
    st.sampled_from("éÄ漢あ٣Ⅷ½\u00a0\u3000\u2028\U0001d518"),
    st.characters(categories=["L", "N", "Z"]),
)


def tag_length(text: str) -> int:
    """The length that S3 counts: UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def _tag_text(longest: int, shortest: int) -> st.SearchStrategy[str]:
    texts = st.one_of(
        st.text(_TAG_SIGNS, min_size=shortest, max_size=12),
        _TAG_SIGNS.map(lambda sign: sign * (longest // tag_length(sign))),
    )
    return texts.filter(
        lambda text: shortest <= tag_length(text) <= longest and not text.lower().startswith("aws:")
    )


def tags(*, most: int = 10) -> st.SearchStrategy[dict[str, str]]:
    """Tag sets of the owner, sometimes with ids that no catalog has."""
    foreign = st.dictionaries(_tag_text(128, 1), _tag_text(256, 0), max_size=most)
    ours = st.sampled_from(
        [
            {},
            {},
            {"AssetID": "mine-1"},
            {"InventoryID": "inv 7"},
            {"AssetID": "", "SyncJobID": "job-of-last-year"},
            {"AssetID": "a", "InventoryID": "b", "SyncJobID": "c"},
        ]
    )
    return st.builds(
        lambda some, known: dict(list({**known, **some}.items())[:most]), foreign, ours
    )


# --- attributes -------------------------------------------------------------------------------

_PRINTABLE: Final = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
_VALUES: Final = st.builds(
    lambda words: " ".join(words).strip(), st.lists(_PRINTABLE, min_size=1, max_size=3)
).filter(bool)


def _mail_safe(text: str) -> str:
    """Return S3's form of metadata beyond ASCII (S3 User Guide, "Working with object metadata")."""
    encoded = base64.b64encode(text.encode()).decode()
    return f"=?UTF-8?B?{encoded}?="


_METADATA: Final = st.dictionaries(
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", min_size=1, max_size=12).filter(
        lambda name: name[0].isalnum()
    ),
    st.one_of(
        _VALUES,
        st.just(""),
        st.text(min_size=1, max_size=8).filter(str.isprintable).map(_mail_safe),
        st.text("äöü ß", min_size=1, max_size=8).map(lambda t: Header(t, "utf-8").encode()),
    ),
    max_size=4,
)
_INSTANTS: Final = st.datetimes(
    min_value=datetime(1971, 1, 1),  # noqa: DTZ001  # Hypothesis wants them without a zone
    max_value=datetime(2199, 1, 1),  # noqa: DTZ001
).map(lambda time: time.replace(microsecond=0, tzinfo=UTC))

_SYSTEM: Final = st.fixed_dictionaries(
    {},
    optional={
        "ContentType": st.one_of(
            st.sampled_from(["image/jpeg", "text/plain; charset=utf-8", "x"]), _VALUES
        ),
        "CacheControl": st.one_of(st.just("max-age=31536000, immutable"), _VALUES),
        "ContentEncoding": st.sampled_from(["gzip", "br", "identity", "gzip, br"]),
        "ContentDisposition": st.one_of(
            st.just("attachment; filename=\"a b.jpg\"; filename*=UTF-8''%E2%82%AC"), _VALUES
        ),
        "ContentLanguage": st.sampled_from(["de", "en-GB, fr", "tlh"]),
        "Expires": _INSTANTS,
        "WebsiteRedirectLocation": st.sampled_from(
            ["/there", "https://example.com/a?b=c", "/a b%20c"]
        ),
    },
)
_CLASSES: Final = st.sampled_from(
    [
        "STANDARD",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER_IR",
        "REDUCED_REDUNDANCY",
    ]
)
_KMS_KEY: Final = "arn:aws:kms:us-east-1:111122223333:key/0a1b"
_ENCRYPTIONS: Final = st.sampled_from(
    [
        {},
        {"ServerSideEncryption": "AES256"},
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": _KMS_KEY, "BucketKeyEnabled": True},
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": _KMS_KEY, "BucketKeyEnabled": False},
        {"ServerSideEncryption": "aws:kms:dsse", "SSEKMSKeyId": f"{_KMS_KEY}-dsse"},
    ]
)
_CHECKSUMS: Final = st.sampled_from([None, "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
_EVERYBODY: Final = 'uri="http://acs.amazonaws.com/groups/global/AllUsers"'
_ACLS: Final = st.sampled_from(
    [
        {},
        {"ACL": "private"},
        {"ACL": "public-read"},
        {"ACL": "public-read-write"},
        {"ACL": "authenticated-read"},
        {"ACL": "bucket-owner-full-control"},
        {"GrantFullControl": 'id="owner"', "GrantRead": _EVERYBODY},
        {"GrantFullControl": 'id="owner", id="partner"', "GrantReadACP": 'id="x"'},
        {"GrantRead": 'id="only-a-reader"', "GrantWriteACP": 'id="partner"'},
    ]
)
_RETENTIONS: Final = st.builds(
    lambda mode, days: {
        "ObjectLockMode": mode,
        "ObjectLockRetainUntilDate": IN_FUTURE + timedelta(days=days),
    },
    st.sampled_from(["GOVERNANCE", "COMPLIANCE"]),
    st.integers(0, 3_000),
)
_LOCKS: Final = st.builds(
    lambda retention, hold: {**retention, **hold},
    st.one_of(st.just({}), _RETENTIONS),
    st.sampled_from(
        [{}, {"ObjectLockLegalHoldStatus": "ON"}, {"ObjectLockLegalHoldStatus": "OFF"}]
    ),
)


@st.composite
def things(
    draw: st.DrawFn,
    *,
    settings: tuple[Setting, ...] = tuple(Setting),
    keys: st.SearchStrategy[str] = KEYS,
    most_tags: int = 7,
) -> Thing:
    """Any object, in a bucket of any of these settings."""
    setting = draw(st.sampled_from(settings))
    parameters: dict[str, Any] = {
        **draw(_SYSTEM),
        "Metadata": draw(_METADATA),
        "StorageClass": draw(_CLASSES),
        **draw(_ENCRYPTIONS),
    }
    if algorithm := draw(_CHECKSUMS):
        parameters["ChecksumAlgorithm"] = algorithm
    if setting is Setting.ACLS:
        parameters |= draw(_ACLS)
    if setting is Setting.LOCKS:
        parameters |= draw(_LOCKS)
    return Thing(
        key=draw(keys),
        content=draw(st.binary(max_size=64)),
        setting=setting,
        parameters=parameters,
        tags=draw(tags(most=most_tags)),
    )
