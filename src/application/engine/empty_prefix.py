"""The warning of a job that finds nothing under one of its prefixes."""

from __future__ import annotations

from dataclasses import replace

from domain import prefixes as prefix_rules
from domain.job import Job
from ports.errors import AccessDenied
from ports.object_store import ObjectStore


async def warning_of_nothing(objects: ObjectStore, job: Job, prefix: str) -> str:
    """Return the warning; it names the prefix's other normal form, if that has objects."""
    other = prefix_rules.other_normal_form(prefix)
    if other is not None and not await _any_under(objects, job, other):
        other = None
    return prefix_rules.nothing_listed(prefix, other=other)


def with_warning(job: Job, warning: str) -> Job:
    """Return the job with one more warning, if it is a new one."""
    findings = job.findings
    if warning in findings.warnings:
        return job
    return replace(job, findings=replace(findings, warnings=(*findings.warnings, warning)))


async def _any_under(objects: ObjectStore, job: Job, prefix: str) -> bool:
    try:
        pages = objects.list_objects(job.request.bucket, prefix=prefix, start_after=None)
        return bool((await anext(aiter(pages))).entries)
    except AccessDenied:
        # The policy may allow the job's own prefixes only; then nothing is known of others.
        return False
