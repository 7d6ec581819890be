"""An invalid option is reported before anything is created, with the fix."""

import pytest
from infra.config import InvalidConfig, read_config
from infra.config_checks import PROFILES

from domain.profile import CatalogProfile
from entrypoints.settings import CATALOG_DEFAULTS

GOOD = {"stage": "dev", "targets": "media-a"}
LAYER = "arn:aws:lambda:eu-west-1:901920570463:layer:collector-arm64:3"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:ingest"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/a"
ROLE = "arn:aws:iam::210987654321:role/asset-sync"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"stage": ""}, "STAGE=dev"),
        ({"stage": "Prod_1"}, "small letters"),
        ({"targets": ""}, "TARGETS=bucket"),
        ({"targets": "s3://media"}, "no s3://"),
        ({"targets": "media-a,*"}, "no wildcard"),
        ({"catalog": "a b"}, "table's name"),
        ({"bus": "arn:aws:events:x"}, "event bus's name"),
        ({"kms": "alias/mine"}, "ARN of a KMS key"),
        ({"target_keys": "mine"}, "ARN of a KMS key"),
        ({"targets": ""}, "target_roles=ARN"),
        ({"sources": "media-reports,s3://other"}, "sources: 's3://other' is no bucket's name"),
        ({"target_roles": "asset-sync"}, "role/NAME"),
        ({"target_roles": f"{ROLE},{ROLE}*"}, "no wildcard"),
        ({"target_roles": ROLE.replace("/", "/*/")}, "no wildcard"),
        ({"target_roles": ROLE.replace("/", "/{x}/")}, "role/NAME"),
        ({"target_roles": f"{ROLE}/"}, "role/NAME"),
        ({"target_roles": ROLE.replace("2109", "")}, "role/NAME"),
        ({"target_roles": ROLE.replace("role/", "user/")}, "role/NAME"),
        ({"target_roles": "arn:aws:sts::210987654321:assumed-role/a/b"}, "no assumed role"),
        (
            {
                "targets": "",
                "target_roles": ROLE,
                "target_keys": KEY,
            },
            "target_keys: they are for the buckets of TARGETS",
        ),
        ({"profile": "dam"}, "medialake, generic, none"),
        ({"profile": "none", "catalog": "assets"}, "catalog: profile none reads no table"),
        ({"profile": "none", "catalog_key": KEY}, "catalog_key: profile none reads no table"),
        ({"profile": "none", "catalog_index": "A"}, "catalog_index: profile none reads no table"),
        ({"profile": "none", "catalog_path_index": "A"}, "catalog_path_index: profile none"),
        ({"ingest_queues": "https://sqs.eu-west-1.amazonaws.com/1/q"}, "not its URL"),
        ({"ingest_queues": f"{QUEUE},q"}, "'q' is not the ARN of a queue"),
        ({"ingest_queues": QUEUE.replace("ingest", "*")}, "after three characters"),
        ({"ingest_queues": QUEUE.replace("ingest", "in*")}, "after three characters"),
        ({"ingest_queues": QUEUE.replace("eu-west-1", "*")}, "in the name only"),
        ({"ingest_queues": QUEUE.replace("123456789012", "*")}, "in the name only"),
        ({"ingest_queues": QUEUE.replace("ingest", "i" * 81)}, "not the ARN of a queue"),
        ({"ingest_queues": QUEUE.replace("ingest", "ingest.fif")}, "not the ARN of a queue"),
        ({"ingest_queues": QUEUE.replace("sqs", "sns")}, "not the ARN of a queue"),
        ({"ingest_queue_keys": KEY}, "for ingest_queues=ARN"),
        ({"ingest_queues": QUEUE, "ingest_queue_keys": "alias/a"}, "ARN of a KMS key"),
        ({"auth": "none"}, "iam, jwt"),
        ({"auth": "jwt"}, "jwt_issuer"),
        ({"trail": "yes"}, "existing, create, none"),
        ({"log_days": "31"}, "CloudWatch knows"),
        ({"results_days": "1"}, "at least 7"),
        ({"results_days": "many"}, "no whole number"),
        ({"reserve": "maybe"}, "neither true nor false"),
        ({"processor_concurrency": "6"}, "at least 7"),
        ({"discovery_concurrency": "0"}, "at least 1"),
        ({"parquet": "yes"}, "neither true nor false"),
        ({"traces": "otlp"}, "neither true nor false"),
        ({"traces_layer": LAYER}, "add traces=true"),
        ({"traces": "true", "traces_layer": "collector"}, "ARN of a layer's version"),
        ({"traces": "true", "traces_endpoint": "localhost:4318"}, "no URL of a collector"),
        ({"parquet_disk_mb": "511"}, "from 512 to 10,240"),
        ({"parquet_disk_mb": "10241"}, "from 512 to 10,240"),
        ({"alarm_email": "me"}, "no address"),
        ({"colour": "blue"}, "no such choice"),
    ],
)
def test_an_invalid_option_is_reported(wrong: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        read_config({**GOOD, **wrong})


@pytest.mark.parametrize("targets", ["", "media-a"])
def test_roles_do_with_and_without_targets(targets: str) -> None:
    roles = (ROLE, "arn:aws-cn:iam::210987654321:role/media/lake/a+b=c@d.e_f-g")
    config = read_config({"stage": "dev", "targets": targets, "target_roles": " ,".join(roles)})
    assert config.target_roles == roles
    assert config.targets == ((targets,) if targets else ())


@pytest.mark.parametrize(
    ("given", "asset_index", "path_index"),
    [
        ({}, "", "S3PathIndex"),
        ({"profile": "medialake"}, "", "S3PathIndex"),
        ({"profile": "generic"}, "AssetIDIndex", ""),
        ({"profile": "none"}, "", ""),
        ({"catalog_index": "ByAsset", "catalog_path_index": "none"}, "ByAsset", ""),
        ({"profile": "generic", "catalog_index": "none"}, "", ""),
        ({"profile": "generic", "catalog_path_index": "ByPath"}, "AssetIDIndex", "ByPath"),
    ],
)
def test_the_profile_decides_which_indexes_are_queried(
    given: dict[str, str], asset_index: str, path_index: str
) -> None:
    config = read_config({**GOOD, **given})
    assert (config.catalog_index, config.catalog_path_index) == (asset_index, path_index)


@pytest.mark.parametrize("profile", list(CatalogProfile))
def test_a_deployed_profile_queries_the_same_indexes(profile: CatalogProfile) -> None:
    """Without a table, the indexes of the settings are not queried either."""
    config = read_config({**GOOD, "profile": profile.value})
    names = CATALOG_DEFAULTS[profile]
    assert config.catalog_asset_id == names.asset_id_attribute
    assert config.catalog_index_key == names.asset_id_index_key
    assert config.catalog_path_index_key == names.storage_path_index_key
    if profile is not CatalogProfile.NONE:
        assert config.catalog_index == names.asset_id_index
        assert config.catalog_path_index == names.storage_path_index


def test_the_profiles_are_those_of_the_service() -> None:
    assert set(PROFILES) == set(CatalogProfile)


@pytest.mark.parametrize(
    "name",
    ["ingest", "ingest.fifo", "medialake-connector-*", "medialake-*-eventbridge-*", "a" * 80],
)
def test_an_ingest_queue_may_be_anywhere(name: str) -> None:
    queues = tuple(
        f"arn:{partition}:sqs:{region}:210987654321:{name}"
        for partition, region in (("aws", "us-west-2"), ("aws-cn", "cn-north-1"))
    )
    config = read_config({**GOOD, "ingest_queues": " ,".join(queues)})
    assert config.ingest_queues == queues


def test_all_problems_are_reported_together() -> None:
    with pytest.raises(InvalidConfig) as caught:
        read_config({"stage": "1", "targets": "", "kms": "x"})
    assert len(caught.value.faults) == 3


def test_data_is_kept_except_in_scratch_stages() -> None:
    assert read_config({"stage": "staging", "targets": "media-a"}).keeps_data
    assert not read_config(GOOD).keeps_data
    assert read_config({**GOOD, "data": "keep"}).keeps_data
