"""The metrics of the local runtime, as Prometheus reads them."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from entrypoints.cli.local.metrics_page import MetricsPage, snake_case
from ports.telemetry import MEANINGS, Metric

Sample = tuple[str, tuple[tuple[str, str], ...]]


def samples(page: bytes) -> dict[Sample, float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def test_every_metric_is_there_before_it_is_counted() -> None:
    found = samples(MetricsPage().text())
    assert found == {(f"asset_sync_{snake_case(m)}_total", ()): 0.0 for m in Metric}


def test_counts_and_requests_add_up() -> None:
    page = MetricsPage()
    page.add(Metric.OBJECTS_PUT, 2)
    page.add(Metric.OBJECTS_PUT, 3)
    page.add_request("s3", "CopyObject", {"Bucket": "media"})
    page.add_request("s3", "CopyObject", {"Bucket": "other"})
    found = samples(page.text())
    assert found["asset_sync_objects_put_total", ()] == 5
    calls = (("operation", "CopyObject"), ("service", "s3"))
    assert found["asset_sync_aws_requests_total", calls] == 2


def test_names_are_in_prometheus_style() -> None:
    assert snake_case("ObjectsNotTaken") == "objects_not_taken"


def test_every_metric_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Metric)
