"""Makes the SDK's sessions: the only place that decides between aioboto3 and aiobotocore.

aioboto3 wraps a session of aiobotocore, and adds boto3's resources and transfers, which this
service does not use. It is the default. Where it is not installed, or not wanted, clients are made
by aiobotocore's session itself: they are the same clients, without aioboto3's methods for files.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from typing import Any

from aiobotocore.session import AioSession

CreateClient = Callable[..., AbstractAsyncContextManager[Any]]
"""Takes a service's name and the SDK's options for clients, as `region_name` and `config`."""


def new_session(*, by_aioboto3: bool = True, credential_provider: Any = None) -> CreateClient:
    """Return what makes the clients of a new session.

    Args:
        by_aioboto3: Whether aioboto3 makes them, if it is installed.
        credential_provider: Replaces the SDK's chain of credential providers.
    """
    core = AioSession()
    core.register_component("data_loader", _models())
    if credential_provider is not None:
        core.register_component("credential_provider", credential_provider)
    if by_aioboto3 and find_spec("aioboto3") is not None:
        # Imported here because it imports boto3: 80 modules in all, with the client of S3.
        import aioboto3

        # The stubs require each service's name as a literal.
        session: Any = aioboto3.Session(botocore_session=core)
        create: CreateClient = session.client
        return create
    return core.create_client


@functools.cache
def _models() -> Any:
    """Return the loader of AWS's models for this process: 12 MB that each session would read.

    Sessions in roles share it, as do the many execution environments of a local runtime.
    """
    return AioSession().get_component("data_loader")
