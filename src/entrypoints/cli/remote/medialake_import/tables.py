"""The tables of a Media Lake, read with the operator's own credentials.

Requires the IAM action `dynamodb:Scan` on the tables. Uses the environment variables of the SDK:
AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL_DYNAMODB and others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, Final

from boto3.dynamodb.types import TypeDeserializer  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from domain.medialake_connector import ATTRIBUTES, derived_buckets
from entrypoints.cli.remote.stage_api_client import open_session
from entrypoints.cli.terminal.api_problem import ApiProblem

# A sample is enough: a Media Lake writes all derived files to one bucket.
SAMPLED_RECORD_COUNT: Final = 1000

Item = dict[str, object]


class MediaLakeTables:
    """Reads tables of one account and Region."""

    def __init__(self) -> None:
        self._session = open_session()
        self._deserializer = TypeDeserializer()

    @property
    def region(self) -> str | None:
        """The Region of the session, None if none is set."""
        region: str | None = self._session.region_name
        return region

    def connectors(self, table_name: str) -> list[Item]:
        """Return all items of a connector table, as plain values.

        Raises:
            ApiProblem: the table cannot be read.
        """
        return list(self._scan(table_name, ATTRIBUTES, consistent=True))

    def derived_buckets(self, table_name: str) -> Counter[str]:
        """Return the buckets of derived files in a sample of an assets table.

        Each comes with the number of records, of at most SAMPLED_RECORD_COUNT, that contain it.

        Raises:
            ApiProblem: the table cannot be read.
        """
        found: Counter[str] = Counter()
        limit = SAMPLED_RECORD_COUNT
        for record in self._scan(table_name, ("DerivedRepresentations",), limit=limit):
            found.update(derived_buckets(record))
        return found

    def _scan(
        self,
        table_name: str,
        attributes: Sequence[str],
        *,
        consistent: bool = False,
        limit: int | None = None,
    ) -> Iterator[Item]:
        # Several names are reserved words of DynamoDB, so all of them get an alias.
        names = {f"#a{index}": name for index, name in enumerate(attributes)}
        request: dict[str, Any] = {
            "TableName": table_name,
            "ProjectionExpression": ", ".join(names),
            "ExpressionAttributeNames": names,
            "ConsistentRead": consistent,
        }
        if limit is not None:
            request["Limit"] = limit
        try:
            with closing(self._session.client("dynamodb")) as client:
                scanned = 0
                while limit is None or scanned < limit:
                    page = client.scan(**request)
                    for item in page["Items"]:
                        yield {name: self._deserializer.deserialize(item[name]) for name in item}
                    scanned += page["ScannedCount"]
                    if "LastEvaluatedKey" not in page:
                        return
                    request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
                    if limit is not None:
                        request["Limit"] = limit - scanned
        except (BotoCoreError, ClientError) as error:
            raise self._problem(table_name, error) from error

    def _problem(self, table_name: str, error: BotoCoreError | ClientError) -> ApiProblem:
        detail = f"the table {table_name} cannot be read: {self._cause(error)}"
        return ApiProblem(detail, {"title": "Table not readable", "detail": detail})

    def _cause(self, error: BotoCoreError | ClientError) -> str:
        if isinstance(error, NoCredentialsError):
            return "there are no credentials: set AWS_PROFILE, or sign in"
        if isinstance(error, NoRegionError):
            return "no Region is set: set AWS_REGION to the Region of the Media Lake"
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        if code == "ResourceNotFoundException":
            return (
                f"there is no such table in {self.region} (is AWS_PROFILE the account of the"
                " Media Lake, and AWS_REGION its Region?)"
            )
        if code == "AccessDeniedException":
            return f"{error} (grant yourself dynamodb:Scan on it)"
        return str(error)
