"""Errors of the domain: the caller or the data is wrong, and a retry cannot fix it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NOT_OF_OUR_JSON: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What parsing a JSON text of another format can raise; deep nesting of brackets included."""


class DomainError(Exception):
    """Base of all errors that the rules themselves raise; never retried."""


class IllegalTransition(DomainError):
    """An event arrived in a state whose row does not list it."""

    def __init__(self, machine: str, state: str, event: str) -> None:
        super().__init__(f"{machine} in state {state} does not allow {event}")
        self.machine = machine
        self.state = state
        self.event = event


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldIssue:
    """One error in one field of a request; `path` is dotted, list items by index."""

    path: str
    message: str


class InvalidRequest(DomainError):
    """A request breaks one or more rules; every broken rule is listed."""

    def __init__(self, *issues: FieldIssue) -> None:
        super().__init__("; ".join(f"{issue.path}: {issue.message}" for issue in issues))
        self.issues = issues


class ConnectorDisabled(DomainError):
    """The connector exists, but its owner disabled it."""


class ConnectorRemoved(DomainError):
    """The job's connector was removed, and no longer starts anything."""


class NotRedrivable(DomainError):
    """The job has no failure that a redrive could fix."""


class NotConfirmable(DomainError):
    """The guard over removals has not stopped this job's, or not with this number of objects."""


class NotSearchable(DomainError):
    """The job has not listed its bucket to the end, so no orphans are searched after it."""


class NotPausable(DomainError):
    """The job has ended or is ending, so nothing of it can be paused."""


class JobHeld(DomainError):
    """The job is held, so the engine does not work on it."""


class IngestQueueUnreadable(DomainError):
    """The depth of an ingest queue with a limit could not be read for long."""


class InvalidManifest(DomainError):
    """A row of a manifest or chunk file does not have the format that this service writes."""


class ManifestTooLarge(DomainError):
    """A job has more objects than its record can store manifest parts or chunks for."""


class InvalidSource(DomainError):
    """A source of keys is not of its format, is of another bucket, or changed while it was read."""


class InvalidReport(DomainError):
    """A row or the index of a completion report does not have S3's format."""


class InvalidMessage(DomainError):
    """A message or event does not have the shape of its contract."""


class TagLimitExceeded(DomainError):
    """This service's tags do not fit alongside the owner's: S3 allows ten on an object."""


class UnsupportedBucket(DomainError):
    """A sync cannot work with the bucket's configuration."""


class JobLeaseHeld(DomainError):
    """Another invocation of the engine holds the job's work lease."""


class LeaseLost(DomainError):
    """The caller has lost its lease on the job or chunk, or the job is ending."""


class ShareNotOpen(DomainError):
    """A share of a listing is done, or another worker holds a live lease on it."""


class NoProgress(DomainError):
    """A step of a job used all of its attempts without progress."""


class ChunkLeaseHeld(DomainError):
    """Another worker holds a live lease on the chunk."""


class ChunkAlreadySettled(DomainError):
    """The chunk is already in a terminal state; there is nothing to do."""


class MessageOutdated(DomainError):
    """The chunk has a newer message than this one."""
