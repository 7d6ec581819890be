"""A wrong choice is told before anything is made of it, with what to do."""

import pytest
from infra.config import InvalidConfig, read_config

GOOD = {"stage": "dev", "targets": "media-a"}


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


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InvalidConfig) as caught:
        read_config({"stage": "1", "targets": "", "kms": "x"})
    assert len(caught.value.faults) == 3


def test_data_is_kept_except_in_scratch_stages() -> None:
    assert read_config({"stage": "staging", "targets": "media-a"}).keeps_data
    assert not read_config(GOOD).keeps_data
    assert read_config({**GOOD, "data": "keep"}).keeps_data
