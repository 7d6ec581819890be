"""The template, synthesized once per variant; these tests require requirements/infra.txt."""

import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

sys.path.insert(0, str(Path(__file__).parent / "support"))

if importlib.util.find_spec("aws_cdk") is None:
    # `make test` has no environment for the deployment; `make infra-test` has.
    collect_ignore_glob = ["*.py"]
else:
    sys.path.insert(0, str(ROOT))
    from infra.node import path_with_node

    # Set before collection, because importing the CDK starts its Node.
    os.environ["PATH"] = path_with_node()

Template = dict[str, Any]

PLAIN = {"stage": "dev", "targets": "media-a,media-b"}
FULL = {
    "stage": "prod",
    "targets": "archive.example.com",
    "target_roles": "arn:aws:iam::210987654321:role/media/asset-sync",
    "target_keys": "arn:aws:kms:eu-west-1:123456789012:key/aaaaaaaa-0000-0000-0000-000000000001",
    "catalog": "media-lake-assets",
    "catalog_key": "arn:aws:kms:eu-west-1:123456789012:key/aaaaaaaa-0000-0000-0000-000000000002",
    "ingest_queues": (
        "arn:aws:sqs:us-west-2:210987654321:ingest.fifo,"
        "arn:aws:sqs:eu-west-1:123456789012:medialake-connector-*"
    ),
    "ingest_queue_keys": (
        "arn:aws:kms:us-west-2:210987654321:key/aaaaaaaa-0000-0000-0000-000000000003"
    ),
    "bus": "media-lake",
    "trail": "create",
    "auth": "jwt",
    "jwt_issuer": "https://login.example.com/",
    "jwt_audience": "asset-sync",
    "kms": "create",
    "alarm_email": "ops@example.com",
    "discovery": "direct",
    "log_days": "365",
}
# Accessible by roles only: one of another account, and one of this account.
ROLES_ONLY = {
    "stage": "dev",
    "profile": "generic",
    "target_roles": (
        "arn:aws:iam::210987654321:role/media/asset-sync,arn:aws:iam::123456789012:role/own"
    ),
}
# Without a system's table.
NO_CATALOG = {**PLAIN, "profile": "none"}
VARIANTS = {"plain": PLAIN, "full": FULL, "roles_only": ROLES_ONLY, "no_catalog": NO_CATALOG}


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Template]:
    """Synthesize the stack with its rules; raises where a finding is not acknowledged."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]

    def run(**given: str) -> Template:
        import aws_cdk as cdk
        from infra.app import build

        out = tmp_path_factory.mktemp("cdk.out")
        app = cdk.App(context={**context, "code": "stub", **given}, outdir=str(out))
        stack = build(app)
        app.synth()
        template: Template = json.loads((out / f"{stack.stack_name}.template.json").read_text())
        return template

    return run


@pytest.fixture(scope="session")
def plain(synthesize: Callable[..., Template]) -> Template:
    return synthesize(**PLAIN)


@pytest.fixture(scope="session")
def full(synthesize: Callable[..., Template]) -> Template:
    return synthesize(**FULL)


@pytest.fixture(scope="session")
def roles_only(synthesize: Callable[..., Template]) -> Template:
    return synthesize(**ROLES_ONLY)


@pytest.fixture(scope="session")
def no_catalog(synthesize: Callable[..., Template]) -> Template:
    return synthesize(**NO_CATALOG)


@pytest.fixture(scope="session")
def choices() -> dict[str, dict[str, str]]:
    """Return the options of each variant."""
    return VARIANTS


@pytest.fixture(scope="session", params=["plain", "full"])
def template(request: pytest.FixtureRequest) -> Template:
    found: Template = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def of_type() -> Callable[[Template, str], dict[str, Any]]:
    """The resources of a type, by logical id."""

    def find(template: Template, kind: str) -> dict[str, Any]:
        return {
            name: resource
            for name, resource in template["Resources"].items()
            if resource["Type"] == kind
        }

    return find


@pytest.fixture(scope="session")
def host_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Lambda package, built for this machine."""
    from tools.build_lambda import HOST, build

    folder = tmp_path_factory.mktemp("package")
    build(HOST, folder)
    return folder
