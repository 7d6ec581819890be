"""A Media Lake connector that allows certain files."""

import json
from typing import Any

import pytest
from media_lake import MediaLake
from media_syncs.allowed_files import FILTER, allowed_files_are_taken_and_no_others

VARIABLES = {"CONNECTOR_FILE_FILTER": json.dumps(FILTER)}


@pytest.mark.parametrize("ids", ["minted", "assigned"])
def test_allowed_files_are_taken_and_no_others(system: Any, lake: MediaLake, ids: str) -> None:
    allowed_files_are_taken_and_no_others(system, lake, ids)
