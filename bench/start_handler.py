"""One cold start of a handler, in a process of its own: prints modules and CPU time as JSON.

Run by bench/cold_start.py: python -I -S bench/start_handler.py HANDLER PATHS HIDDEN

PATHS are the folders to import from. HIDDEN are the top-level modules that are installed here, and
not in Lambda: some libraries import them if they are there. What this module needs itself is
imported at its end, so that it is counted for the handler that needs it.
"""

import sys
import time


class _Hidden:
    """Finds no module of the packages that Lambda does not have."""

    def __init__(self, names: set[str]) -> None:
        self._names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] in self._names:
            raise ModuleNotFoundError(f"{name} is not in Lambda", name=name)


def _start(handler: str) -> dict[str, object]:
    started = time.process_time()
    module = __import__(f"entrypoints.{handler}", fromlist=["RUNTIME"])
    import_s = time.process_time() - started
    imported = set(sys.modules)

    from typing import Any

    from aiobotocore.session import AioSession

    clients: list[str] = []
    create_client: Any = AioSession.create_client

    def observed(session: AioSession, service_name: str, **options: object) -> Any:
        clients.append(str(service_name))
        return create_client(session, service_name, **options)

    setattr(AioSession, "create_client", observed)  # noqa: B010 - the stubs have literals

    async def use(_: object) -> None:
        """Only open the app."""

    started = time.process_time()
    module.RUNTIME.run(use)
    open_s = time.process_time() - started
    opened = set(sys.modules) - imported
    module.RUNTIME.close()
    return {
        "import_ms": import_s * 1_000,
        "open_ms": open_s * 1_000,
        "imported": sorted(imported),
        "opened": sorted(opened),
        "clients": clients,
    }


if __name__ == "__main__":
    name, paths, hidden = sys.argv[1:]
    sys.path[:0] = paths.split(":")
    finder: object = _Hidden(set(hidden.split(",")))
    sys.meta_path.insert(0, finder)  # type: ignore[arg-type] # it only needs find_spec
    found = _start(name)

    import json

    print(json.dumps(found))
