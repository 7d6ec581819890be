"""What a request of a sync means for a connector; the same for a plan and for a job."""

from __future__ import annotations

from dataclasses import replace

from domain import prefixes as prefix_rules
from domain.connector import Connector
from domain.errors import FieldIssue, InvalidRequest
from domain.filters import nothing_passes
from domain.item_sizes import option_issues
from domain.removal_rules import removals_of
from domain.shown import shown
from domain.sync_request import SyncOptions, SyncRequest


def sync_request(connector: Connector, options: SyncOptions) -> SyncRequest:
    """Return the request with what the connector decides where the options do not.

    Raises:
        InvalidRequest: prefixes are invalid or not within the connector's, or options are too large
            to store.
    """
    _check_prefixes(options, connector)
    scope = prefix_rules.normalise(options.prefixes or connector.prefixes)
    options = replace(options, prefixes=scope, verify=options.verify or connector.verify)
    issues = option_issues(options, connector.ingest, connector.filters)
    issues += _filter_issues(options, connector)
    if issues:
        raise InvalidRequest(*issues)
    return SyncRequest(
        connector_id=connector.connector_id,
        bucket=connector.bucket,
        ingest=connector.ingest,
        options=options,
        filters=connector.filters,
        connector_created_at=connector.created_at,
        removals=removals_of(connector, options),
    )


def _filter_issues(options: SyncOptions, connector: Connector) -> list[FieldIssue]:
    """Return an error if no object can pass, or a source cannot give what the filters need.

    The connector's filters alone were checked before.
    """
    all_of = (connector.filters, options.filters)
    if options.source is not None and not all(each.by_key for each in all_of):
        message = (
            "replaces the listing, which the filters on size, time, age or storage class need"
            " (the connector's or those of this request); use filters on keys, or no source"
        )
        return [FieldIssue(path="source", message=message)]
    field = nothing_passes(all_of)
    if field is None or not options.filters.given:
        return []
    message = "lets no object pass, together with the other filters and those of the connector"
    return [FieldIssue(path=f"filters.{field}", message=message)]


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
