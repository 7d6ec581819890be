"""What all benchmarks share at the end: JSON for programs, or tables for people."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from tables import Table


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", choices=("human", "json"), default="human")


def show(output: str, found: Any, tables: Sequence[Table]) -> None:
    """Print what was found, in the form that was asked for."""
    if output == "json":
        print(json.dumps(found, indent=2))
    else:
        print("\n".join(table.for_terminal() for table in tables), end="")
