"""What a request of a sync means for a connector; the same for a plan and for a job."""

from __future__ import annotations

from dataclasses import replace

from domain import prefixes as prefix_rules
from domain.connector import Connector
from domain.errors import FieldIssue, InvalidRequest
from domain.item_sizes import option_issues
from domain.job import SyncOptions, SyncRequest
from domain.shown import shown


def sync_request(connector: Connector, options: SyncOptions) -> SyncRequest:
    """Return the request with what the connector decides where the options do not.

    Raises:
        InvalidRequest: prefixes are invalid or not within the connector's, or options are too large
            to store.
    """
    _check_prefixes(options, connector)
    scope = prefix_rules.normalise(options.prefixes or connector.prefixes)
    options = replace(options, prefixes=scope, verify=options.verify or connector.verify)
    issues = option_issues(options, connector.ingest)
    if issues:
        raise InvalidRequest(*issues)
    return SyncRequest(
        connector_id=connector.connector_id,
        bucket=connector.bucket,
        ingest=connector.ingest,
        options=options,
        connector_created_at=connector.created_at,
    )


def _check_prefixes(options: SyncOptions, connector: Connector) -> None:
    issues = prefix_rules.check(options.prefixes, path="prefixes")
    issues += [
        FieldIssue(
            path=f"prefixes.{index}",
            message=f"'{shown(prefix)}' is not within the connector's prefixes:"
            f" {', '.join(map(shown, connector.prefixes))}",
        )
        for index, prefix in enumerate(options.prefixes)
        if prefix and not prefix_rules.within(prefix, connector.prefixes)
    ]
    if issues:
        raise InvalidRequest(*issues)
