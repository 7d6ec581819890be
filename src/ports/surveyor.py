"""A look at a customer's bucket, or an object, by a function that may read it."""

from __future__ import annotations

from typing import Protocol

from domain.bucket_report import BucketReport
from domain.object_look import LookRequest, ObjectLook
from domain.pricing.survey import Survey, SurveyRequest


class Surveyor(Protocol):
    """Has a bucket listed and some of its objects read, in a separate invocation.

    The caller itself needs no permission on the bucket, nor on the catalog.
    """

    async def check(self, request: SurveyRequest) -> BucketReport:
        """Return what a look at the bucket found; nothing is written.

        A missing bucket, and what is denied there, are results. `sample_size` has no meaning.

        Raises:
            Retryable, Unknown: As `survey`.
        """
        ...

    async def look(self, request: LookRequest) -> ObjectLook:
        """Return what is known of one object now; nothing is written.

        A missing object, and what is denied or fails there, are results.

        Raises:
            Retryable, Unknown: As `survey`.
        """
        ...

    async def survey(self, request: SurveyRequest) -> Survey:
        """Return what was found; nothing is written. The same request may be made again.

        The listing ends early rather than late: `Survey.listed.complete` says so.

        Raises:
            AccessDenied, Misconfigured: The bucket cannot be listed, or the catalog not queried;
                the message is the cause.
            Retryable: There was no result in time, or none that can be read, or a service failed.
            Unknown: The other function failed for an unknown reason, which its log shows.
        """
        ...
