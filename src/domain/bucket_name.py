"""Which bucket names can be synced.

S3 User Guide, "General purpose bucket naming rules", "Directory bucket naming rules", "Access point
aliases" and "Rules for naming Amazon S3 Multi-Region Access Points" (read in 2026-11). The first
page also says that, before March 2018, a bucket in us-east-1 could have a name of up to 255
characters, with upper case letters and underscores. Such buckets still exist. The first sync finds
out whether a bucket exists, so only names that cannot be a bucket's are rejected here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

BUCKET_NAME_CHARS_MIN: Final = 3
BUCKET_NAME_CHARS_MAX: Final = 255

_CHARS_MAX_SINCE_2018: Final = 63
_SINCE_2018: Final = re.compile(r"[a-z0-9][a-z0-9.\-]*[a-z0-9]")
_OF_US_EAST_1: Final = re.compile(r"[A-Za-z0-9._\-]+")
_IP_ADDRESS: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")

# Names of other resources end like this. No bucket name does.
_BEHIND: Final = "register the bucket behind it"
_RESERVED_SUFFIXES: Final[Mapping[str, str]] = {
    # "Differences for directory buckets": no object tags, no StartAfter in listings.
    "--x-s3": "is a directory bucket, whose objects have no tags; only general purpose buckets can"
    " be synced",
    "--xa-s3": "is an access point of a directory bucket; only general purpose buckets can be"
    " synced",
    "--table-s3": "is a table bucket, which holds no objects of yours; register the bucket that"
    " holds your media",
    "-s3alias": f"is the alias of an access point; {_BEHIND}",
    "--ol-s3": f"is the alias of an Object Lambda Access Point; {_BEHIND}",
    ".mrap": f"is the alias of a Multi-Region Access Point; {_BEHIND}",
}


def bucket_name_error(name: str) -> str | None:
    """Return what is wrong with a name from a request, None if it may be a bucket's."""
    if name.startswith(("arn:", "s3://", "http://", "https://")):
        return "is an address; send only the bucket's name"
    if not BUCKET_NAME_CHARS_MIN <= len(name) <= BUCKET_NAME_CHARS_MAX:
        return f"has {len(name)} characters; bucket names have {BUCKET_NAME_CHARS_MIN} to 63"
    for suffix, cause in _RESERVED_SUFFIXES.items():
        if name.endswith(suffix):
            return cause
    if _IP_ADDRESS.fullmatch(name):
        return "is an IP address, which cannot be a bucket name"
    if ".." in name:
        return "has two adjacent dots, which bucket names cannot have"
    if len(name) <= _CHARS_MAX_SINCE_2018 and _SINCE_2018.fullmatch(name):
        return None
    is_old = len(name) > _CHARS_MAX_SINCE_2018 or "_" in name or name != name.lower()
    if is_old and _OF_US_EAST_1.fullmatch(name):
        return None
    return (
        "is not a bucket name: use 3 to 63 lowercase letters, digits, dots and hyphens, with a"
        " letter or digit at both ends; old buckets in us-east-1 can have up to 255 characters,"
        " uppercase letters and underscores"
    )


BUCKET_NAME_PATTERN: Final = (
    rf"^(?!.*\.\.)(?!{_IP_ADDRESS.pattern}$)"
    rf"(?!.*(?:{'|'.join(map(re.escape, _RESERVED_SUFFIXES))})$)"
    rf"(?:(?=.{{3,63}}$){_SINCE_2018.pattern}"
    rf"|(?=.*[A-Z_]|.{{64}})(?=.{{3,255}}$){_OF_US_EAST_1.pattern})$"
)
"""The same rules as one regular expression, for API descriptions."""
