"""One app and one loop per environment: opened once, kept warm, closed, opened again."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest

from entrypoints.runtime import Runtime


class Opener:
    """Opens apps that record their loop and thread; fails `failures` times."""

    def __init__(self) -> None:
        self.failures = 0
        self.opened: list[dict[str, Any]] = []
        self.closed: list[dict[str, Any]] = []

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[dict[str, Any]]:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("not yet")
        app = {"loop": asyncio.get_running_loop(), "thread": threading.get_ident()}
        self.opened.append(app)
        yield app
        assert asyncio.get_running_loop() is app["loop"]
        self.closed.append(app)


@pytest.fixture
def opener() -> Opener:
    return Opener()


@pytest.fixture
def runtime(opener: Opener) -> Iterator[Runtime[dict[str, Any]]]:
    runtime: Runtime[dict[str, Any]] = Runtime(opener)
    yield runtime
    runtime.close()
    assert len(opener.closed) == len(opener.opened)


async def loop_of(app: dict[str, Any]) -> tuple[Any, Any]:
    return app["loop"], asyncio.get_running_loop()


def test_nothing_is_opened_before_the_first_use(
    runtime: Runtime[dict[str, Any]], opener: Opener
) -> None:
    assert opener.opened == []


def test_warm_uses_share_one_app_on_one_loop(
    runtime: Runtime[dict[str, Any]], opener: Opener
) -> None:
    found = {id(loop) for _ in range(50) for loop in runtime.run(loop_of)}
    assert len(found) == 1
    assert len(opener.opened) == 1


def test_an_error_of_a_use_is_the_callers_and_leaves_the_app_open(
    runtime: Runtime[dict[str, Any]], opener: Opener
) -> None:
    async def fail(_: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        runtime.run(fail)
    runtime.run(loop_of)
    assert (len(opener.opened), len(opener.closed)) == (1, 0)


def test_close_runs_on_the_opening_loop_and_the_next_use_opens_again(
    runtime: Runtime[dict[str, Any]], opener: Opener
) -> None:
    runtime.close()
    (first, _) = runtime.run(loop_of)
    runtime.close()
    runtime.close()
    assert first.is_closed()
    assert len(opener.closed) == 1
    (second, _) = runtime.run(loop_of)
    assert second is not first
    assert len(opener.opened) == 2


def test_the_next_use_retries_a_failed_opening(
    runtime: Runtime[dict[str, Any]], opener: Opener
) -> None:
    opener.failures = 2
    for _ in range(2):
        with pytest.raises(ConnectionError, match="not yet"):
            runtime.run(loop_of)
    assert len(set(runtime.run(loop_of))) == 1
    assert len(opener.opened) == 1


def test_a_replaced_opener_takes_effect_at_the_next_opening(
    runtime: Runtime[dict[str, Any]], opener: Opener
) -> None:
    runtime.run(loop_of)
    other = Opener()
    runtime.open_app = other
    runtime.run(loop_of)
    assert other.opened == []
    runtime.close()
    runtime.run(loop_of)
    runtime.close()
    assert (len(opener.closed), len(other.closed)) == (1, 1)


def test_each_thread_is_an_environment_of_its_own(
    runtime: Runtime[dict[str, Any]], opener: Opener
) -> None:
    together = threading.Barrier(4, timeout=10)

    async def meet(app: dict[str, Any]) -> int:
        await asyncio.to_thread(together.wait)
        return int(app["thread"])

    def environment() -> int:
        idents = {runtime.run(meet) for _ in range(10)}
        runtime.close()
        assert idents == {threading.get_ident()}
        return threading.get_ident()

    with ThreadPoolExecutor(4) as pool:
        found = {future.result() for future in [pool.submit(environment) for _ in range(4)]}
    assert len(found) == len(opener.opened) == len(opener.closed) == 4


def test_the_functions_stay_warm_and_work_in_several_threads(
    service: Any, recorded: Callable[[str], Any]
) -> None:
    service.put("a b+c/é 100%.jpg")
    event, sweep = recorded("batch_schema_1"), recorded("engine_sweep")
    event["tasks"][0]["s3VersionId"] = None

    def environment() -> set[str]:
        codes = set()
        for _ in range(10):
            codes.add(service.processor(event)["results"][0]["resultCode"])
            assert service.engine(sweep) == {"jobsChecked": 0}
        service.close()
        return codes

    with ThreadPoolExecutor(3) as pool:
        found = [future.result() for future in [pool.submit(environment) for _ in range(3)]]
    assert found == [{"Succeeded"}] * 3
    assert service.open_count == 6
