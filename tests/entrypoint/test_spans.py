"""What the functions trace: each invocation's work on a job, and the job itself."""

from __future__ import annotations

from typing import Any

import pytest

Json = dict[str, Any]


def spans(service: Any) -> list[tuple[str, str | None, Json]]:
    return [(span.name, span.job_id, span.noted) for span in service.ports.telemetry.spans]


def test_the_work_on_a_job_is_traced_from_its_start_to_its_end(service: Any) -> None:
    service.put("a.jpg", "b.jpg")
    job_id = service.split()
    service.processor(service.messages((job_id, 0)))
    service.engine({"action": "sweep"})

    found = spans(service)
    assert [name for name, _, _ in found] == [
        "start_job",
        "advance",
        "process_chunk",
        "job",
        "sweep",
    ]
    assert [of_job for _, of_job, _ in found] == [job_id] * 4 + [None]
    facts = {name: noted for name, _, noted in found}
    assert facts["start_job"] == {"connector_id": "media"}
    assert facts["advance"] == {"status": "PROCESSING"}
    assert facts["process_chunk"]["delivery"] == "settled"
    assert (facts["process_chunk"]["chunk_index"], facts["job"]["put"]) == (0, 2)
    assert (facts["job"]["status"], facts["job"]["chunks"]) == ("COMPLETED", 1)


def test_an_error_leaves_its_class_in_the_span(
    service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = service.start()

    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(service.ports.jobs, "get", fail)
        with pytest.raises(RuntimeError):
            service.engine({"action": "advance", "jobId": job_id})
    assert service.ports.telemetry.spans[-1].error_class == "RuntimeError"
