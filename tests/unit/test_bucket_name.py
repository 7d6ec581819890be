"""Names of buckets: current ones, old ones, and names of other resources."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bucket_name import BUCKET_NAME_PATTERN, bucket_name_error

NAMES = [
    "abc",
    "a-b.c-1",
    "x" * 63,
    "1.2.3",
    "1.2.3.4.5",
    "300.1.2.3a",
    "xn--media",
    "s3alias",
    "media-x-s3",
    "mrap",
    # Buckets of us-east-1 from before March 2018.
    "LEGACY",
    "My_Archive.2009",
    "_archive_",
    "-Archive-",
    "old_archive",
    "x" * 64,
    "X" * 255,
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_a_bucket_may_have(name: str) -> None:
    assert bucket_name_error(name) is None
    assert re.search(BUCKET_NAME_PATTERN, name)


@given(
    st.text("aZ0.-_", max_size=70)
    | st.text("12.", max_size=9)
    | st.from_regex(r"[a-z]{1,3}(\.mrap|-s3alias|--x-s3|--ol-s3)\Z")
)
def test_the_pattern_of_the_api_description_is_equivalent(name: str) -> None:
    assert (bucket_name_error(name) is None) == bool(re.search(BUCKET_NAME_PATTERN, name))


OTHERS = {
    "": "characters",
    "ab": "characters",
    "x" * 256: "characters",
    "media--usw2-az1--x-s3": "directory bucket",
    "ap--usw2-az1--xa-s3": "directory bucket",
    "63a8--table-s3": "table bucket",
    "ap-metadata-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias": "alias of an access point",
    "my-olap-1a4n8yjrb3kda96f67zwrwiiuse1a--ol-s3": "Object Lambda",
    "mfzwi23gnjvgw.mrap": "Multi-Region",
    "192.168.5.4": "IP address",
    "999.999.999.999": "IP address",
    "a..b": "adjacent dots",
    "Old..Archive": "adjacent dots",
    "-abc": "letter or digit at both ends",
    "abc.": "letter or digit at both ends",
    "a b": "letters, digits",
    "médias": "letters, digits",
    "media/2026": "letters, digits",
    "media\n": "letters, digits",
    "a%62c": "letters, digits",
    "\u0661\u0662\u0663": "letters, digits",
    "arn:aws:s3:::media": "only the bucket's name",
    "arn:aws:s3:us-east-1:123456789012:accesspoint/media": "only the bucket's name",
    "s3://media": "only the bucket's name",
    "https://media.s3.amazonaws.com": "only the bucket's name",
}


@pytest.mark.parametrize("name", OTHERS)
def test_an_invalid_name_is_refused_with_the_cause(name: str) -> None:
    fault = bucket_name_error(name)
    assert fault is not None
    assert OTHERS[name] in fault
    assert not re.fullmatch(BUCKET_NAME_PATTERN, name)
