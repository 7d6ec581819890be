"""TransactWriteItems that rolls back by item, and honours client request tokens.

moto copies every table of the request before each transaction, so the cost grows with the table
(110 ms at 5,000 items). Copying the items of the request keeps it all-or-nothing at a constant
cost. DynamoDB Developer Guide, "Amazon DynamoDB Transactions: How it works":
TransactWriteItems is an all-or-nothing operation, and one with the ClientRequestToken of another
that succeeded in the last 10 minutes succeeds without effect, or fails with
IdempotentParameterMismatch if its parameters differ (checked 2026-11). SDKs send a token with
every transaction and repeat it when they retry; moto ignores it.
"""

import copy
import time
from collections.abc import Callable
from typing import Any, Final

from moto.dynamodb.exceptions import DynamodbException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from adapters.local_aws.aws_emulator.moto_patches.patching import patch

_TOKEN_LIFE_S: Final = 600
_DEEPCOPY: Final = "__deepcopy__"


class TokenMismatch(DynamodbException):
    """A request token came back with another transaction."""

    error_type = "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException"

    def __init__(self) -> None:
        super().__init__(self.error_type, "The token was used for another transaction")


_Snapshot = list[tuple[Table, DynamoType, DynamoType | None, Any]]


def apply() -> None:
    """Copy items instead of tables, and remember tokens."""
    patch(DynamoDBBackend, "transact_write_items", _by_item)
    patch(DynamoHandler, "transact_write_items", _once_per_token)


def _once_per_token(original: Callable[..., Any]) -> Callable[..., Any]:
    # By token: time, request and response.
    completed: dict[str, tuple[float, Any, Any]] = {}

    def transact_write_items(self: DynamoHandler) -> Any:
        now = time.monotonic()
        for old in [token for token, (at, _, _) in completed.items() if now - at > _TOKEN_LIFE_S]:
            del completed[old]
        token, items = self.body.get("ClientRequestToken"), self.body["TransactItems"]
        if token in completed:
            _, earlier_items, response = completed[token]
            if items != earlier_items:
                raise TokenMismatch
            return response
        response = original(self)
        if token is not None:
            completed[token] = (now, copy.deepcopy(items), response)
        return response

    return transact_write_items


def _by_item(original: Callable[..., Any]) -> Callable[..., Any]:
    def transact_write_items(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        snapshot = _named_items(self, transact_items)
        # moto restores the table that it copied: with a shared table both do nothing.
        setattr(Table, _DEEPCOPY, _share)
        try:
            original(self, transact_items)
        except BaseException:
            _restore(snapshot)
            raise
        finally:
            delattr(Table, _DEEPCOPY)

    return transact_write_items


def _share(table: Table, _memo: dict[int, Any]) -> Table:
    return table


def _named_items(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> _Snapshot:
    snapshot: _Snapshot = []
    for action in transact_items:
        for operation in action.values():
            table = backend.tables.get(operation.get("TableName"))
            key = operation.get("Key") or operation.get("Item") or {}
            if table is None or table.hash_key_attr not in key:
                continue
            partition = DynamoType(key[table.hash_key_attr])
            sort = DynamoType(key[table.range_key_attr]) if table.range_key_attr in key else None
            if table.has_range_key and sort is None:
                continue
            before = copy.deepcopy(table.get_item(partition, sort))
            snapshot.append((table, partition, sort, before))
    return snapshot


def _restore(snapshot: _Snapshot) -> None:
    for table, partition, sort, item in snapshot:
        if item is None:
            table.delete_item(partition, sort)
        elif sort is None:
            table.items[partition] = item
        else:
            table.items[partition][sort] = item
