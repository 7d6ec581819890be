"""The option --source, in the API's form."""

from __future__ import annotations

import pytest
import typer

from entrypoints.cli.remote.source_option import source_of


@pytest.mark.parametrize(
    ("url", "kind", "key"),
    [
        ("s3://reports/keys.csv", "manifest", "keys.csv"),
        ("s3://reports/a/b/manifest.json", "inventory", "a/b/manifest.json"),
        ("s3://reports/a b/my-manifest.json", "manifest", "a b/my-manifest.json"),
    ],
)
def test_the_name_of_the_file_decides(url: str, kind: str, key: str) -> None:
    assert source_of(url, "e1") == {
        "kind": kind,
        "bucketName": "reports",
        "key": key,
        "eTag": "e1",
    }


def test_without_a_source_there_is_none() -> None:
    assert source_of(None, None) is None


@pytest.mark.parametrize("url", ["reports/keys.csv", "s3://reports", "s3://reports/", "s3:///k"])
def test_another_url_is_refused(url: str) -> None:
    with pytest.raises(typer.BadParameter, match="s3://bucket/key"):
        source_of(url, None)


def test_an_etag_without_a_file_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="needs --source"):
        source_of(None, "e1")
