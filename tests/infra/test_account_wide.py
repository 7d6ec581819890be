"""Account-wide resources are in docs/deploy/quotas.md, and no fixed name conflicts unnoticed."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from infra.config import InvalidConfig, read_config

Template = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "deploy" / "quotas.md"

# Names that may be the same in two Regions of an account, since each Region has its own.
PER_REGION = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Scheduler::ScheduleGroup": "Name",
    "AWS::ApiGatewayV2::Api": "Name",
    "AWS::ApiGatewayV2::Authorizer": "Name",
    "AWS::ApiGatewayV2::Stage": "StageName",
}
# Of the whole account: they need the Region in their name, or a random part (no name at all).
ACCOUNT_WIDE = {
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::S3::Bucket": "BucketName",
}


def _types(template: Template) -> set[str]:
    return {resource["Type"] for resource in template["Resources"].values()}


def test_every_created_resource_is_in_the_table(
    plain: Template, full: Template, roles_only: Template
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"`(AWS::\w+::\w+)`", text))
    made = _types(plain) | _types(full) | _types(roles_only)
    assert made <= named
    assert named - made == set()


def test_every_fixed_name_is_per_region_or_known_to_be_account_wide(
    plain: Template, full: Template
) -> None:
    for template in (plain, full):
        for name, resource in template["Resources"].items():
            kind = resource["Type"]
            fixed = {
                key: value
                for key, value in resource.get("Properties", {}).items()
                if key.endswith("Name") and isinstance(value, str)
            }
            ours = {key for key in fixed if key in ("Name", f"{kind.rpartition('::')[2]}Name")}
            ours |= {key for key in fixed if key == PER_REGION.get(kind)}
            if kind in ACCOUNT_WIDE and kind != "AWS::CloudWatch::Dashboard":
                assert not ours, (name, fixed)
            elif ours:
                assert kind in PER_REGION or kind in ACCOUNT_WIDE, (name, fixed)


# Unbounded lists within a bounded resource.


@pytest.mark.parametrize(("count", "fits"), [(50, True), (51, False)])
def test_the_number_of_audiences_of_an_authorizer_is_bounded(count: int, fits: bool) -> None:
    """API Gateway Developer Guide, "Quotas for configuring and running an HTTP API"."""
    given = {
        "stage": "dev",
        "targets": "media-a",
        "auth": "jwt",
        "jwt_issuer": "https://login.example.com/",
        "jwt_audience": ",".join(f"audience-{i}" for i in range(count)),
    }
    if fits:
        read_config(given)
        return
    with pytest.raises(InvalidConfig, match="51 audiences, and API Gateway takes 50"):
        read_config(given)


LONG = {
    "catalog_asset_id": "a",
    "catalog_storage_path": "b",
    "catalog_e_tag": "c",
    "catalog_size": "d",
    "catalog_last_modified": "e",
}


@pytest.mark.parametrize("length", [100, 300])
def test_names_of_the_catalog_fit_into_the_functions_environment(
    synthesize: Callable[..., Template], length: int
) -> None:
    """Lambda Developer Guide, "Lambda quotas": 4 KB for all environment variables of a function."""
    given = {name: letter * length for name, letter in LONG.items()}
    given |= {"stage": "a" * 16, "targets": "media-a", "catalog": "t" * 255, "bus": "b" * 256}
    given |= {"catalog_index": "i" * 255, "catalog_path_index": "p" * 255}
    if length == 300:
        with pytest.raises(InvalidConfig, match="Lambda takes 4,096 for the whole environment"):
            read_config(given)
        return
    template = synthesize(**given)
    functions = [
        resource["Properties"]["Environment"]["Variables"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    ]
    for variables in functions:
        size = sum(
            # A reference is as long as the longest ARN or URL of this service.
            len(name) + (len(value) if isinstance(value, str) else 140)
            for name, value in variables.items()
        )
        assert size <= 4_096
