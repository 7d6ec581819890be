"""The command `plan`: what a sync would do, cost and take, and which way to sync is cheapest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from application.jobs.plan_sync import SAMPLE_SIZE, SAMPLE_SIZE_MAX
from domain.connector import Trigger, Verify
from domain.discovery import Discovery
from domain.shown import shown
from domain.views import Json
from entrypoints.cli.remote.api_client import connector_path
from entrypoints.cli.remote.connector_option import ConnectorArgument
from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.remote.setting_options import (
    DISCOVERY_OPTION,
    VERIFY_OPTION,
    ExcludeOption,
    FiltersOption,
    IncludeOption,
    PrefixOption,
    read_object,
)
from entrypoints.cli.terminal.api_problem import ApiProblem
from entrypoints.cli.terminal.cost_output import dollars, dollars_range, duration, print_lines
from entrypoints.cli.terminal.output import (
    OUT,
    Format,
    field,
    heading,
    print_json,
    print_table,
    warn,
)

_MONTHLY = {
    "noncurrentVersions": "old versions that copies leave",
    "tags": "tags of the service",
}


@remote_command
def plan(
    remote: Remote,
    connector: ConnectorArgument,
    prefix: PrefixOption = None,
    discovery: Annotated[Discovery | None, DISCOVERY_OPTION] = None,
    trigger: Annotated[
        Trigger | None, typer.Option(help="Another trigger than the connector's.")
    ] = None,
    verify: Annotated[Verify | None, VERIFY_OPTION] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan a dry run.")] = False,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    filters: FiltersOption = None,
    modified_since: Annotated[
        str | None,
        typer.Option(help="Only objects modified since this time, e.g. 2026-01-31T12:00:00Z."),
    ] = None,
    sample: Annotated[
        int,
        typer.Option(min=0, max=SAMPLE_SIZE_MAX, help="Objects to read; 0 only lists the bucket."),
    ] = SAMPLE_SIZE,
    prices: Annotated[
        Path | None,
        typer.Option(help="JSON file with prices of your own.", exists=True, dir_okay=False),
    ] = None,
    details: Annotated[
        bool,
        typer.Option(
            "--details", help="Show every operation, also the cheapest ones, which are one line."
        ),
    ] = False,
) -> None:
    """Show what a sync would do, cost and take, without starting it."""
    options = {
        "prefixes": prefix,
        "discovery": discovery.value if discovery else None,
        "trigger": trigger.value if trigger else None,
        "verify": verify.value if verify else None,
        "dryRun": dry_run,
        "include": include,
        "exclude": exclude,
        "modifiedSince": modified_since,
        "filters": read_object(filters, "--filters"),
        "prices": _read(prices) if prices else None,
    }
    body: Json = {name: value for name, value in options.items() if value}
    body["sampleSize"] = sample
    found = remote.client.post(connector_path(connector, "plan"), body)
    if remote.output is Format.JSON:
        print_json(found)
    else:
        print_plan(found, details=details)


def _read(path: Path) -> object:
    """Return the document of a file.

    Raises:
        ApiProblem: it is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ApiProblem(f"{path} is not a JSON file: {error}") from error


def print_plan(found: Json, *, details: bool = False) -> None:
    """Print a plan as sections; `details` shows every operation."""
    listing, estimate = found["listing"], found["estimate"]
    at_least = "" if listing["complete"] else "at least "
    lines = [
        ("connector", f"{found['connectorId']}  bucket {found['bucketName']}"),
        ("prefixes", ", ".join(map(shown, found["prefixes"])) or "(whole bucket)"),
        (
            "listed",
            (
                f"{at_least}{listing['objects']:,} objects, {listing['bytes']:,} bytes,"
                f" {listing['filtered']:,} filtered out, {listing['notMedia']:,} not media"
            ),
        ),
        ("sample", found["sample"]["text"]),
        (
            "way",
            f"discovery {found['discovery']}, trigger {found['trigger']}, verify {found['verify']}"
            + (", dry run" if found["dryRun"] else ""),
        ),
        ("cost", f"{at_least}{dollars_range(estimate)}"),
        ("time", f"about {duration(estimate['seconds'])}"),
        ("requests", f"{estimate['requests']:,}"),
    ]
    for name, value in lines:
        field(name, value, width=10)
    for warning in found["warnings"]:
        warn("warning:", warning)
    heading("Objects by decision")
    print_table(
        ("OUTCOME", "OBJECTS", "FROM", "TO", "BYTES", "IN SAMPLE"),
        (
            (
                each["outcome"],
                *(f"{each[name]:,}" for name in ("objects", "objectsLow", "objectsHigh", "bytes")),
                f"{each['sampled']:,}",
            )
            for each in found["decisions"]
        ),
    )
    heading("Cost by operation")
    print_lines(found["lines"], every=details)
    monthly = {name: text for name, text in found["monthly"].items() if float(text) > 0}
    if monthly:
        heading("Each month afterwards, in addition")
        print_table(
            ("WHAT", "DOLLARS"), ((_MONTHLY.get(name, name), monthly[name]) for name in monthly)
        )
    heading("Every way to sync")
    _print_alternatives(found)
    _print_prices(found["prices"])


def _print_alternatives(found: Json) -> None:
    def note(way: Json) -> str:
        marks = [name for name in ("cheapest", "fastest") if way[name]]
        chosen = all(way[name] == found[name] for name in ("discovery", "trigger", "verify"))
        return ", ".join((["this plan"] if chosen else []) + marks) or way["unavailable"] or ""

    print_table(
        ("DISCOVERY", "TRIGGER", "VERIFY", "DOLLARS", "FROM", "TO", "TIME", "REQUESTS", ""),
        (
            (
                way["discovery"],
                way["trigger"],
                way["verify"],
                *(dollars(way[name]) for name in ("dollars", "dollarsLow", "dollarsHigh")),
                duration(way["seconds"]),
                f"{way['requests']:,}",
                note(way),
            )
            for way in sorted(found["alternatives"], key=lambda way: float(way["dollars"]))
        ),
    )


def _print_prices(prices: Json) -> None:
    own = f"; yours: {', '.join(prices['changed'])}" if prices["changed"] else ""
    OUT.print(
        f"\nUS dollars at list prices of {prices['region']} of {prices['date']}{own}. Without"
        " free tiers, discounts, retries, and what the system's ingest costs."
    )
