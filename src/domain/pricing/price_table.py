"""List prices of AWS, with their Region, date and source, and how a user replaces some of them.

They are list prices without free tiers, discounts and taxes. They were not compared with a live
price list: docs/plan.md says how each was found, and which could not be confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from domain.errors import FieldIssue, InvalidRequest

# No price of one unit is above this; larger numbers are a mistake of units, such as per million.
_PRICE_MAX: Final = Decimal(1000)


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one unit in US dollars, what a unit is, and the page that states it."""

    dollars: Decimal
    unit: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """Prices by name, in one Region, at one date (ISO 8601).

    `changed` names the prices that a user replaced.
    """

    region: str
    date: str
    prices: Mapping[str, Price]
    changed: tuple[str, ...] = ()

    def of(self, name: str) -> Decimal:
        """Return the dollars for one unit."""
        return self.prices[name].dollars


_S3: Final = "https://aws.amazon.com/s3/pricing/"
_LAMBDA: Final = "https://aws.amazon.com/lambda/pricing/"
_DYNAMODB: Final = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
_SQS: Final = "https://aws.amazon.com/sqs/pricing/"
_SNS: Final = "https://aws.amazon.com/sns/pricing/"
_EVENTBRIDGE: Final = "https://aws.amazon.com/eventbridge/pricing/"
_KMS: Final = "https://aws.amazon.com/kms/pricing/"
_CLOUDWATCH: Final = "https://aws.amazon.com/cloudwatch/pricing/"


def _price(dollars: str, per: int, unit: str, source: str) -> Price:
    return Price(Decimal(dollars) / per, unit, source)


_THOUSAND: Final = 1_000
_MILLION: Final = 1_000_000

LIST_PRICES: Final = PriceTable(
    region="us-east-1",
    date="2026-11-22",
    prices={
        "s3-write": _price("0.005", _THOUSAND, "PUT, COPY, POST or LIST request", _S3),
        "s3-read": _price("0.0004", _THOUSAND, "GET or other request", _S3),
        "s3-batch-job": _price("0.25", 1, "job of S3 Batch Operations", _S3),
        "s3-batch-object": _price("1.00", _MILLION, "object of S3 Batch Operations", _S3),
        "lambda-request": _price("0.20", _MILLION, "invocation", _LAMBDA),
        "lambda-duration": _price("0.0000133334", 1, "GB-second on arm64", _LAMBDA),
        "dynamodb-read": _price("0.125", _MILLION, "read request unit", _DYNAMODB),
        "dynamodb-write": _price("0.625", _MILLION, "write request unit", _DYNAMODB),
        "sqs-request": _price("0.40", _MILLION, "request of up to 64 KB, standard queue", _SQS),
        "sns-publish": _price("0.50", _MILLION, "publish request of up to 64 KB", _SNS),
        "eventbridge-event": _price("1.00", _MILLION, "event of up to 64 KB", _EVENTBRIDGE),
        "kms-request": _price("0.03", 10_000, "request", _KMS),
        "cloudwatch-metric": _price("0.01", _THOUSAND, "metric of GetMetricData", _CLOUDWATCH),
        "s3-storage-month": _price("0.023", 1, "GB for a month in S3 Standard", _S3),
        "s3-tag-month": _price("0.0065", 10_000, "tag for a month", _S3),
    },
)


def with_changes(table: PriceTable, document: object) -> PriceTable:
    """Return the table with a user's changes: `region`, `date`, and `prices` by name, in dollars.

    All are optional. A price is a number or a decimal string, for one unit.

    Raises:
        InvalidRequest: The document has another form; all problems are listed.
    """
    if not isinstance(document, Mapping):
        raise InvalidRequest(FieldIssue(path="prices", message="is not a JSON object"))
    issues = [
        FieldIssue(path=f"prices.{str(name)[:40]}", message="is none of region, date, prices")
        for name in document.keys() - {"region", "date", "prices"}
    ]
    region, date = document.get("region", table.region), document.get("date", table.date)
    issues += [
        FieldIssue(path=f"prices.{name}", message="is not a text of 1 to 64 characters")
        for name, value in (("region", region), ("date", date))
        if not isinstance(value, str) or not 0 < len(value) <= 64
    ]
    given = document.get("prices", {})
    prices = dict(table.prices)
    if not isinstance(given, Mapping):
        issues.append(FieldIssue(path="prices.prices", message="is not a JSON object"))
        given = {}
    for name, value in given.items():
        dollars = parse_dollars(value)
        path = f"prices.prices.{str(name)[:40]}"
        if name not in prices:
            message = f"is not the name of a price: {', '.join(sorted(table.prices))}"
            issues.append(FieldIssue(path=path, message=message))
        elif dollars is None or dollars > _PRICE_MAX:
            message = f"is not an amount of dollars from 0 to {_PRICE_MAX}, for one unit"
            issues.append(FieldIssue(path=path, message=message))
        else:
            prices[name] = replace(prices[name], dollars=dollars, source="yours")
    if issues:
        raise InvalidRequest(*issues)
    changed = tuple(sorted({*table.changed, *given}))
    return PriceTable(region=str(region), date=str(date), prices=prices, changed=changed)


def parse_dollars(value: Any) -> Decimal | None:
    """Return an amount of zero or more, from a number or a decimal string; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None
