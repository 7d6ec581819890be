"""Each fact about S3 holds at the endpoint, or is a known difference."""

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from conformance_page import PAGE, page
from s3_facts import DIFFERENCES, FACTS, SERVERS, Bench


@pytest.mark.parametrize("name", FACTS)
def test_fact(bench: Bench, server: str, name: str) -> None:
    known = DIFFERENCES[server].get(name)
    try:
        FACTS[name].probe(bench)
    except (AssertionError, ClientError, BotoCoreError, KeyError, ValueError) as error:
        if known is None:
            raise AssertionError(f"{FACTS[name].sentence} Here: {error}") from error
    else:
        assert known is None, f"the difference is gone: {known}"


def test_differences_are_of_facts() -> None:
    assert DIFFERENCES.keys() == SERVERS.keys()
    for differences in DIFFERENCES.values():
        assert differences.keys() <= FACTS.keys()


def test_the_page_is_up_to_date_with_the_facts() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
