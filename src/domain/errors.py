"""Errors of the domain: the caller or the data is wrong, and a retry cannot mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NOT_OF_OUR_JSON: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading a JSON text can raise if it is not one of ours, very many brackets included."""


class DomainError(Exception):
    """Base of all errors that the rules themselves raise; never retried."""


class IllegalTransition(DomainError):
    """An event arrived in a state whose row does not list it."""

    def __init__(self, machine: str, state: str, event: str) -> None:
        super().__init__(f"{machine} in state {state} cannot take {event}")
        self.machine = machine
        self.state = state
        self.event = event


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFault:
    """One thing wrong with one field of a request; `path` is dotted, list items by index."""

    path: str
    message: str


class InvalidRequest(DomainError):
    """A request breaks one or more rules; every broken rule is listed."""

    def __init__(self, *faults: FieldFault) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.message}" for fault in faults))
        self.faults = faults


class ConnectorDisabled(DomainError):
    """The connector exists, but its owner switched it off."""


class NotRedrivable(DomainError):
    """The job has nothing that a redrive could mend."""


class InvalidManifest(DomainError):
    """A row of a manifest or chunk file is not what we write there."""


class ManifestTooLarge(DomainError):
    """A job has more objects than its record can keep the parts of a manifest for."""


class InvalidReport(DomainError):
    """A row or the index of a completion report is not what S3 writes there."""


class InvalidMessage(DomainError):
    """A message or event does not have the shape of its contract."""


class TagLimitExceeded(DomainError):
    """Our tags do not fit beside the owner's: S3 allows ten on an object."""


class UnsupportedBucket(DomainError):
    """The bucket is set up in a way that a sync cannot keep its promises in."""


class JobLeaseHeld(DomainError):
    """Another invocation of the engine holds the job's work lease."""


class LeaseLost(DomainError):
    """The engine's lease on the job is no longer ours, or the job is ending."""


class NoProgress(DomainError):
    """A step of a job was tried as often as is allowed, and the job came no further."""


class ChunkLeaseHeld(DomainError):
    """Another worker holds a live lease on the chunk."""


class ChunkAlreadySettled(DomainError):
    """The chunk is in a terminal state already; there is nothing to do."""


class MessageOutdated(DomainError):
    """The chunk has another message than this one by now, which speaks for it."""
