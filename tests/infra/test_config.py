"""A wrong choice is told before anything is made of it, with what to do."""

import pytest
from infra.config import InvalidConfig, read_config

GOOD = {"stage": "dev", "targets": "media-a"}
ROLE = "arn:aws:iam::210987654321:role/asset-sync"


@pytest.mark.parametrize(
    ("wrong", "told"),
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
                "target_keys": "arn:aws:kms:eu-west-1:123456789012:key/a",
            },
            "target_keys: they are for the buckets of TARGETS",
        ),
        ({"auth": "none"}, "iam, jwt"),
        ({"auth": "jwt"}, "jwt_issuer"),
        ({"trail": "yes"}, "existing, create, none"),
        ({"log_days": "31"}, "CloudWatch knows"),
        ({"results_days": "1"}, "at least 7"),
        ({"results_days": "many"}, "no whole number"),
        ({"reserve": "maybe"}, "neither true nor false"),
        ({"processor_concurrency": "10"}, "at least 25"),
        ({"alarm_email": "me"}, "no address"),
        ({"colour": "blue"}, "no such choice"),
    ],
)
def test_a_wrong_choice_is_told(wrong: dict[str, str], told: str) -> None:
    with pytest.raises(InvalidConfig, match=told):
        read_config({**GOOD, **wrong})


@pytest.mark.parametrize("targets", ["", "media-a"])
def test_roles_do_with_and_without_targets(targets: str) -> None:
    roles = (ROLE, "arn:aws-cn:iam::210987654321:role/media/lake/a+b=c@d.e_f-g")
    config = read_config({"stage": "dev", "targets": targets, "target_roles": " ,".join(roles)})
    assert config.target_roles == roles
    assert config.targets == ((targets,) if targets else ())


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InvalidConfig) as caught:
        read_config({"stage": "1", "targets": "", "kms": "x"})
    assert len(caught.value.faults) == 3


def test_data_is_kept_except_in_scratch_stages() -> None:
    assert read_config({"stage": "staging", "targets": "media-a"}).keeps_data
    assert not read_config(GOOD).keeps_data
    assert read_config({**GOOD, "data": "keep"}).keeps_data
