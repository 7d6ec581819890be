"""The template has what the code expects and the documents promise."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from infra.parts import alarms, functions
from infra.parts.http_api import ROUTES

from adapters.aws import resources
from adapters.aws.powertools_telemetry import METRIC_NAMESPACE, SERVICE
from domain.profile import CatalogProfile
from entrypoints.http.routes import ROUTES as SERVED
from entrypoints.settings import (
    CATALOG_DEFAULTS,
    REQUIRED,
    CatalogNames,
    Settings,
    load_settings,
)
from ports.telemetry import Metric

Template = dict[str, Any]
OfType = Callable[[Template, str], dict[str, Any]]

ROOT = Path(__file__).resolve().parents[2]


def _function(template: Template, of_type: OfType, name: str) -> dict[str, Any]:
    functions = [f["Properties"] for f in of_type(template, "AWS::Lambda::Function").values()]
    (found,) = (f for f in functions if f["FunctionName"].endswith(f"-{name}"))
    return dict(found)


@pytest.mark.parametrize("shape", resources.TABLES, ids=lambda shape: shape.name)
def test_tables_have_the_shapes_that_the_code_expects(
    plain: Template, of_type: OfType, shape: resources.TableSpec
) -> None:
    tables = [t["Properties"] for t in of_type(plain, "AWS::DynamoDB::Table").values()]
    keys = [
        {"AttributeName": key.name, "KeyType": kind}
        for key, kind in ((shape.partition_key, "HASH"), (shape.sort_key, "RANGE"))
        if key is not None
    ]
    indexes = {index.name for index in shape.indexes}
    (found,) = (
        t
        for t in tables
        if t["KeySchema"] == keys
        and {i["IndexName"] for i in t.get("GlobalSecondaryIndexes", [])} == indexes
    )
    assert found["BillingMode"] == "PAY_PER_REQUEST"
    assert found["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert {(a["AttributeName"], a["AttributeType"]) for a in found["AttributeDefinitions"]} == {
        (key.name, key.type.value) for key in shape.key_attributes()
    }
    for index in shape.indexes:
        (made,) = (i for i in found["GlobalSecondaryIndexes"] if i["IndexName"] == index.name)
        assert made["Projection"] == {"ProjectionType": index.projection.value}
        assert made["KeySchema"][0]["AttributeName"] == index.partition_key.name
    ttl = found.get("TimeToLiveSpecification", {}).get("AttributeName")
    assert ttl == shape.ttl_attribute


def test_the_customers_catalog_is_not_created(full: Template, of_type: OfType) -> None:
    tables = of_type(full, "AWS::DynamoDB::Table").values()
    assert len(tables) == len([shape for shape in resources.TABLES if shape.owned])
    assert "InventoryID" not in json.dumps([*tables])


def test_data_outlives_a_kept_stack_and_no_other(
    plain: Template, full: Template, of_type: OfType
) -> None:
    for kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Logs::LogGroup"):
        assert {r["DeletionPolicy"] for r in of_type(plain, kind).values()} == {"Delete"}
        # The resources of a failed creation are empty, and are not retained.
        kept = {r["DeletionPolicy"] for r in of_type(full, kind).values()}
        assert kept == {"RetainExceptOnCreate"}
        assert {r["UpdateReplacePolicy"] for r in of_type(full, kind).values()} == {"Retain"}
    policies = {r.get("DeletionPolicy", "Delete") for r in full["Resources"].values()}
    assert policies == {"Delete", "RetainExceptOnCreate"}
    for table in of_type(full, "AWS::DynamoDB::Table").values():
        assert table["Properties"]["DeletionProtectionEnabled"] is True


def test_the_results_bucket_is_closed_and_tidied(template: Template, of_type: OfType) -> None:
    (bucket,) = (
        b["Properties"]
        for name, b in of_type(template, "AWS::S3::Bucket").items()
        if name.startswith("ResultsBucket")
    )
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    # Even with a customer managed key: S3 Batch Operations cannot read a manifest under KMS.
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert rules["jobs-expire"]["Prefix"] == "jobs/"
    assert rules["jobs-expire"]["ExpirationInDays"] == 90
    assert rules["uploads-abort"]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 7
    policies = json.dumps([*of_type(template, "AWS::S3::BucketPolicy").values()])
    assert '"aws:SecureTransport": "false"' in policies


def test_queues_and_mappings_are_those_of_the_shapes(template: Template, of_type: OfType) -> None:
    queues = of_type(template, "AWS::SQS::Queue")
    names = {
        "DeadLetters": resources.DEAD_LETTER_QUEUE,
        "ProcessorQueue": resources.PROCESSOR_QUEUE,
    }
    ids = {}
    for prefix, shape in names.items():
        (logical,) = (name for name in queues if name.startswith(prefix))
        ids[shape.name] = logical
        made = queues[logical]["Properties"]
        assert made["VisibilityTimeout"] == shape.visibility_timeout_s
        assert made["MessageRetentionPeriod"] == shape.retention_s
        redrive = made.get("RedrivePolicy", {})
        assert redrive.get("maxReceiveCount") == shape.receive_count_max
    mappings = [
        m["Properties"] for m in of_type(template, "AWS::Lambda::EventSourceMapping").values()
    ]
    assert len(mappings) == len(resources.MAPPINGS)
    for shape in resources.MAPPINGS:
        (made,) = (m for m in mappings if m["EventSourceArn"]["Fn::GetAtt"][0] == ids[shape.queue])
        assert made["BatchSize"] == shape.batch_size
        assert made["ScalingConfig"] == {"MaximumConcurrency": shape.concurrency_max}
        assert "ProcessorFunction" in json.dumps(made["FunctionName"])
        assert made["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize(
    "shape", [*resources.FUNCTIONS, resources.DISCOVERY_FUNCTION], ids=lambda shape: shape.name
)
def test_functions_are_those_of_the_shapes(
    template: Template, of_type: OfType, shape: resources.FunctionSpec
) -> None:
    made = _function(template, of_type, shape.name.removeprefix("asset-sync-"))
    assert made["Handler"] == shape.handler
    assert made["Runtime"] == "python3.13"
    assert made["Architectures"] == ["arm64"]
    assert (made["Timeout"], made["MemorySize"]) == (shape.timeout_s, shape.memory_size_mb)
    assert made["RecursiveLoop"] == ("Allow" if shape.recursion_allowed else "Terminate")
    assert made["TracingConfig"] == {"Mode": "Active"}
    assert set(made["Environment"]["Variables"]) >= set(REQUIRED)
    assert "LogGroup" in made["LoggingConfig"]


def _settings(template: Template, of_type: OfType) -> Settings:
    """Return the processor's settings; references are replaced by their resources."""
    made = _function(template, of_type, "processor")
    variables = made["Environment"]["Variables"]
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:f"
    names = {name: value for name, value in variables.items() if isinstance(value, str)}
    references = {name: arn for name, value in variables.items() if not isinstance(value, str)}
    return load_settings(names | references)


def test_the_catalog_is_that_of_the_profile(
    plain: Template, roles_only: Template, of_type: OfType
) -> None:
    for template, profile in (
        (plain, CatalogProfile.MEDIALAKE),
        (roles_only, CatalogProfile.GENERIC),
    ):
        settings = _settings(template, of_type)
        assert settings.catalog_profile is profile
        assert settings.catalog == CATALOG_DEFAULTS[profile]
        assert settings.assets_table_name


def test_names_in_the_catalog_can_be_chosen(
    synthesize: Callable[..., Template], of_type: OfType
) -> None:
    template = synthesize(
        stage="dev",
        targets="media-a",
        profile="generic",
        catalog="assets",
        catalog_index="ByAsset",
        catalog_index_key="assetKey",
        catalog_path_index="ByPath",
        catalog_path_index_key="pathKey",
        catalog_asset_id="asset.id",
        catalog_storage_path="asset.path",
        catalog_e_tag="asset.etag",
        catalog_size="asset.size",
        catalog_last_modified="asset.changed",
    )
    assert _settings(template, of_type).catalog == CatalogNames(
        asset_id_attribute="asset.id",
        asset_id_index="ByAsset",
        asset_id_index_key="assetKey",
        storage_path_attribute="asset.path",
        storage_path_index="ByPath",
        storage_path_index_key="pathKey",
        e_tag_attribute="asset.etag",
        size_attribute="asset.size",
        last_modified_attribute="asset.changed",
    )


def test_without_a_catalog_there_is_no_table_of_assets(
    no_catalog: Template, of_type: OfType
) -> None:
    settings = _settings(no_catalog, of_type)
    assert settings.catalog_profile is CatalogProfile.NONE
    assert not settings.assets_table_name
    tables = of_type(no_catalog, "AWS::DynamoDB::Table").values()
    assert len(tables) == len([shape for shape in resources.TABLES if shape.owned])
    assert "AssetsTableName" not in no_catalog["Outputs"]
    assert no_catalog["Outputs"]["CatalogProfile"]["Value"] == "none"


def test_a_mapping_never_has_more_concurrency_than_its_function(
    plain: Template, of_type: OfType
) -> None:
    made = _function(plain, of_type, "processor")
    mappings = of_type(plain, "AWS::Lambda::EventSourceMapping").values()
    wanted = sum(m["Properties"]["ScalingConfig"]["MaximumConcurrency"] for m in mappings)
    assert made["ReservedConcurrentExecutions"] > wanted


@pytest.mark.parametrize("count", [7, 25, 400])
def test_as_many_chunks_are_processed_as_the_processors_concurrency_allows(
    synthesize: Callable[..., Template], of_type: OfType, count: int
) -> None:
    made = synthesize(stage="test", targets="media-a", processor_concurrency=str(count))
    mappings = of_type(made, "AWS::Lambda::EventSourceMapping").values()
    found = [m["Properties"]["ScalingConfig"]["MaximumConcurrency"] for m in mappings]
    assert sorted(found) == sorted([count - 5, resources.DEAD_LETTER_MAPPING.concurrency_max])


def test_batch_jobs_take_no_concurrency_from_chunks(plain: Template, of_type: OfType) -> None:
    """They call a separate function, which nothing else invokes."""
    discovery, processor = (_function(plain, of_type, name) for name in ("discovery", "processor"))
    assert discovery["ReservedConcurrentExecutions"] == 100
    for made in (discovery, processor):
        called = made["Environment"]["Variables"]["PROCESSOR_FUNCTION_ARN"]
        assert json.dumps(called).endswith('-discovery"]]}')
    for name in ("Handler", "Role", "Environment", "LoggingConfig", "Runtime", "MemorySize"):
        assert discovery[name] == processor[name]
    for kind in ("AWS::Lambda::EventSourceMapping", "AWS::Events::Rule"):
        assert "DiscoveryFunction" not in json.dumps(of_type(plain, kind))


def test_the_engines_lost_events_are_kept(template: Template, of_type: OfType) -> None:
    (config,) = of_type(template, "AWS::Lambda::EventInvokeConfig").values()
    assert config["Properties"]["MaximumRetryAttempts"] == 2
    assert "FailedEvents" in json.dumps(config["Properties"]["DestinationConfig"])


def test_rules_start_the_engine(template: Template, of_type: OfType) -> None:
    rules = [rule["Properties"] for rule in of_type(template, "AWS::Events::Rule").values()]
    (batch,) = (rule for rule in rules if "EventPattern" in rule)
    assert batch["EventPattern"] == resources.BATCH_JOB_RULE.pattern
    assert "EventBusName" not in batch
    (sweep,) = (rule for rule in rules if "ScheduleExpression" in rule)
    assert sweep["ScheduleExpression"] == resources.SWEEP_SCHEDULE.expression
    (target,) = sweep["Targets"]
    assert json.loads(target["Input"]) == resources.SWEEP_SCHEDULE.input
    for rule in rules:
        (target,) = rule["Targets"]
        assert target["Arn"]["Fn::GetAtt"][0].startswith("EngineFunction")
        assert "FailedEvents" in json.dumps(target["DeadLetterConfig"])


def test_the_routes_are_those_that_the_handler_serves(template: Template, of_type: OfType) -> None:
    served = {f"{route.method} {route.path}" for route in SERVED}
    assert {f"{method} {path}" for method, path in ROUTES} == served
    made = [route["Properties"] for route in of_type(template, "AWS::ApiGatewayV2::Route").values()]
    assert {route["RouteKey"] for route in made} == served


def test_every_route_requires_authorisation(
    plain: Template, full: Template, of_type: OfType
) -> None:
    for template, kind in ((plain, "AWS_IAM"), (full, "JWT")):
        routes = of_type(template, "AWS::ApiGatewayV2::Route").values()
        assert {route["Properties"]["AuthorizationType"] for route in routes} == {kind}


def test_a_key_of_the_customers_covers_tables_queues_and_topics(
    full: Template, of_type: OfType
) -> None:
    for table in of_type(full, "AWS::DynamoDB::Table").values():
        assert table["Properties"]["SSESpecification"]["SSEType"] == "KMS"
    for kind in ("AWS::SQS::Queue", "AWS::SNS::Topic"):
        for made in of_type(full, kind).values():
            assert made["Properties"]["KmsMasterKeyId"]


def test_a_trail_is_created_only_on_request(
    plain: Template, full: Template, of_type: OfType
) -> None:
    assert not of_type(plain, "AWS::CloudTrail::Trail")
    (trail,) = of_type(full, "AWS::CloudTrail::Trail").values()
    assert trail["Properties"]["IsLogging"] is True


def test_the_outputs_name_whom_a_role_of_another_account_must_trust(
    plain: Template, full: Template, roles_only: Template, choices: dict[str, Any]
) -> None:
    for template in (plain, full, roles_only):
        for name in ("Engine", "Processor"):
            role, attribute = template["Outputs"][f"{name}RoleArn"]["Value"]["Fn::GetAtt"]
            assert attribute == "Arn"
            function = next(
                made["Properties"]
                for logical, made in template["Resources"].items()
                if logical.startswith(f"{name}Function") and made["Type"] == "AWS::Lambda::Function"
            )
            assert function["Role"]["Fn::GetAtt"] == [role, "Arn"]
    wanted = choices["roles_only"]["target_roles"]
    assert roles_only["Outputs"]["TargetRoles"]["Value"] == wanted
    assert plain["Outputs"]["Targets"]["Value"] == choices["plain"]["targets"]


def test_no_output_is_empty(plain: Template, full: Template, roles_only: Template) -> None:
    for template in (plain, full, roles_only):
        assert all(output["Value"] for output in template["Outputs"].values())


def test_there_is_no_hidden_function(template: Template, of_type: OfType) -> None:
    """Custom resources would add functions and permissions without a review."""
    assert len(of_type(template, "AWS::Lambda::Function")) == len(resources.FUNCTIONS) + 1
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    assert not {kind for kind in kinds if kind.startswith("Custom::")}
    assert not of_type(template, "AWS::IAM::Policy")


def test_every_log_is_kept_for_a_time(plain: Template, full: Template, of_type: OfType) -> None:
    for template, days in ((plain, 30), (full, 365)):
        groups = of_type(template, "AWS::Logs::LogGroup").values()
        assert {group["Properties"]["RetentionInDays"] for group in groups} == {days}


def test_alarms_look_where_the_service_counts(
    template: Template,
    of_type: OfType,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from adapters.aws.powertools_telemetry import PowertoolsTelemetry

    functions = of_type(template, "AWS::Lambda::Function").values()
    variable = "POWERTOOLS_METRICS_NAMESPACE"
    (namespace,) = {f["Properties"]["Environment"]["Variables"][variable] for f in functions}
    assert namespace.startswith(f"{METRIC_NAMESPACE}/")
    monkeypatch.setenv(variable, namespace)
    telemetry = PowertoolsTelemetry()
    capsys.readouterr()
    with telemetry.invocation("r"):
        telemetry.count(Metric.OBJECTS_FAILED)
    emitted = json.loads(capsys.readouterr().out)
    (described,) = emitted["_aws"]["CloudWatchMetrics"]
    assert described["Namespace"] == namespace
    assert described["Dimensions"] == [[*alarms.DIMENSIONS]]
    assert {name: emitted[name] for name in alarms.DIMENSIONS} == alarms.DIMENSIONS
    assert alarms.DIMENSIONS["service"] == SERVICE
    used = set(_metric_names(of_type(template, "AWS::CloudWatch::Alarm"), namespace))
    assert used
    assert used <= {*Metric, "StuckJobs"}  # the last is read off the engine's log


def _metric_names(found: Any, namespace: str) -> list[str]:
    if isinstance(found, list):
        return [name for each in found for name in _metric_names(each, namespace)]
    if not isinstance(found, dict):
        return []
    if found.get("Namespace") == namespace and "MetricName" in found:
        return [found["MetricName"]]
    return [name for each in found.values() for name in _metric_names(each, namespace)]


def test_every_alarm_notifies_a_topic_and_is_in_the_runbook(
    template: Template, of_type: OfType
) -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    described = {line[4:].strip() for line in runbook.splitlines() if line.startswith("### ")}
    made = [alarm["Properties"] for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()]
    assert {alarm["AlarmName"].rpartition("-")[2] for alarm in made} == described
    assert all(alarm["AlarmActions"] and alarm["OKActions"] for alarm in made)


# Types whose names are unique across all Regions of an account, or all accounts; CloudFormation
# generates a name where none is specified.
_NAMED_ACROSS_REGIONS = {
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::S3::Bucket": "BucketName",
}


def test_a_stage_can_be_deployed_in_two_regions(template: Template, of_type: OfType) -> None:
    for kind, name in _NAMED_ACROSS_REGIONS.items():
        for logical, made in of_type(template, kind).items():
            given = made["Properties"].get(name)
            assert given is None or "AWS::Region" in json.dumps(given), f"{logical}: {given}"


def test_a_retained_log_does_not_block_the_next_stack(template: Template, of_type: OfType) -> None:
    for logical, made in of_type(template, "AWS::Logs::LogGroup").items():
        given = made["Properties"].get("LogGroupName")
        assert given is None or "AWS::StackId" in json.dumps(given), f"{logical}: {given}"


def test_cfn_lint_has_no_finding(template: Template, tmp_path: Path) -> None:
    path = tmp_path / "template.json"
    path.write_text(json.dumps(template))
    found = subprocess.run(
        [
            Path(sys.executable).parent / "cfn-lint",
            # W3005: the CDK orders a function after its role, which a reference does as well.
            "--ignore-checks",
            "W3005",
            "--regions",
            "us-east-1",
            "--",
            str(path),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_only_the_engine_has_what_parquet_needs(
    synthesize: Callable[..., Template], choices: dict[str, dict[str, str]], of_type: OfType
) -> None:
    names = ("api", "engine", "processor", "discovery")
    without = synthesize(**choices["plain"])
    chosen = synthesize(**choices["plain"], parquet="true", parquet_disk_mb="4096")
    for name in names:
        assert "EphemeralStorage" not in _function(without, of_type, name)
        made = _function(chosen, of_type, name)
        assert made.get("EphemeralStorage") == ({"Size": 4096} if name == "engine" else None)


def test_only_the_engine_has_the_package_with_the_library(
    synthesize: Callable[..., Template],
    choices: dict[str, dict[str, str]],
    of_type: OfType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("lambda", "lambda-parquet"):
        (folder := tmp_path / name).mkdir()
        (folder / "code.py").write_text(f"# {name}")
    monkeypatch.setattr(functions, "BUILD", tmp_path)
    packages = {
        parquet: {
            name: _function(template, of_type, name)["Code"]["S3Key"]
            for name in ("api", "engine", "processor", "discovery")
        }
        for parquet in ("false", "true")
        for template in [synthesize(**choices["plain"], code="bundle", parquet=parquet)]
    }
    assert len(set(packages["false"].values())) == 1
    engine = packages["true"].pop("engine")
    assert set(packages["true"].values()) == set(packages["false"].values())
    assert engine not in packages["false"].values()


def test_traces_are_chosen_for_all_functions(
    synthesize: Callable[..., Template],
    choices: dict[str, dict[str, str]],
    of_type: OfType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("lambda-traces", "lambda-parquet-traces"):
        (folder := tmp_path / name).mkdir()
        (folder / "code.py").write_text(f"# {name}")
    monkeypatch.setattr(functions, "BUILD", tmp_path)
    layer = "arn:aws:lambda:eu-west-1:901920570463:layer:collector-arm64:3"
    without = synthesize(**choices["plain"])
    chosen = synthesize(
        **choices["plain"], code="bundle", traces="true", traces_layer=layer, parquet="true"
    )
    for name in ("api", "engine", "processor", "discovery"):
        plain = _function(without, of_type, name)
        assert "Layers" not in plain
        assert "ASSET_SYNC_TRACES" not in plain["Environment"]["Variables"]
        made = _function(chosen, of_type, name)
        assert made["Layers"] == [layer]
        variables = made["Environment"]["Variables"]
        assert variables["ASSET_SYNC_TRACES"] == "otlp"
        assert variables["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://localhost:4318"
    api, engine = (_function(chosen, of_type, name)["Code"]["S3Key"] for name in ("api", "engine"))
    assert api != engine
