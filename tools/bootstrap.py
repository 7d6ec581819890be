"""Whether the account and Region are bootstrapped for the CDK, with which qualifier.

A bootstrap leaves its version in a parameter whose path has its qualifier. An organisation may have
one of its own, and then usually allows no second (AWS CDK Developer Guide, "Customize AWS CDK
bootstrapping", checked 2026-11).
"""

from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

QUALIFIER: Final = "hnb659fds"
"""The CDK's own qualifier."""

_VERSION_MIN: Final = 6
_FOLDER: Final = "/cdk-bootstrap"
_DENIED: Final = "AccessDeniedException"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """The state of the bootstrap.

    Attributes:
        ready: Whether it is there, in a version that will do; None if that may not be looked up.
        others: Qualifiers of other bootstraps, if it is not there and they may be listed.
        denied: AWS's message for a denied request; empty if there was none.
    """

    ready: bool | None
    others: tuple[str, ...] = ()
    denied: str = ""


def look_for_bootstrap(ssm: Any, qualifier: str) -> Bootstrap:
    """Look for the bootstrap with this qualifier.

    Raises:
        ClientError, BotoCoreError: AWS does not answer.
    """
    try:
        found = ssm.get_parameter(Name=f"{_FOLDER}/{qualifier}/version")
    except ssm.exceptions.ParameterNotFound:
        return _others(ssm)
    except ClientError as error:
        return Bootstrap(ready=None, denied=_denial(error))
    return Bootstrap(ready=int(found["Parameter"]["Value"]) >= _VERSION_MIN)


def _others(ssm: Any) -> Bootstrap:
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=_FOLDER, Recursive=True)
    try:
        names = [parameter["Name"] for page in pages for parameter in page["Parameters"]]
    except ClientError as error:
        return Bootstrap(ready=False, denied=_denial(error))
    others = sorted({name.split("/")[2] for name in names if name.endswith("/version")})
    return Bootstrap(ready=False, others=tuple(others))


def _denial(error: ClientError) -> str:
    """Return what was denied.

    Raises:
        ClientError: it is another error.
    """
    if error.response["Error"]["Code"] != _DENIED:
        raise error
    return str(error)
