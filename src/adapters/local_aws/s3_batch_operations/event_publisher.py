"""Job events in the format of EventBridge, published in order.

"Examples: Tracking an S3 Batch Operations job in Amazon EventBridge through AWS
CloudTrail" (S3 User Guide) shows the event. `resources` is empty and there is neither a
tag nor a count in it, so receivers need to know the job id.

Delivery is best effort, as on AWS ("Amazon S3 events", EventBridge reference: events via
CloudTrail are best effort): if the receiver raises, the event is lost and the job continues.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from adapters.local_aws.s3_batch_operations.job import BatchJob

logger = logging.getLogger(__name__)

Publish = Callable[[dict[str, Any]], Awaitable[None]]
"""Receives one event; if it raises, the event is lost."""


def job_event(name: str, job: BatchJob, now: datetime, new_id: Callable[[], str]) -> dict[str, Any]:
    """Return the event for the job's current status.

    Args:
        name: `JobCreated` or `JobStatusChanged`.
        job: The job after the change.
        now: Time of the change.
        new_id: Returns the ids of the event.
    """
    timestamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    service = "s3.amazonaws.com"
    return {
        "version": "0",
        "id": new_id(),
        "detail-type": "AWS Service Event via CloudTrail",
        "source": "aws.s3",
        "account": job.account_id,
        "time": timestamp,
        "region": job.region,
        "resources": [],
        "detail": {
            "eventVersion": "1.05",
            "userIdentity": {"accountId": job.account_id, "invokedBy": service},
            "eventTime": timestamp,
            "eventSource": service,
            "eventName": name,
            "awsRegion": job.region,
            "sourceIPAddress": service,
            "userAgent": service,
            "eventID": new_id(),
            "readOnly": False,
            "eventType": "AwsServiceEvent",
            "serviceEventDetails": {
                "jobId": job.job_id,
                "jobArn": job.arn,
                "status": str(job.status),
                "jobEventId": new_id(),
                "failureCodes": [failure.code for failure in job.failures],
                "statusChangeReason": [job.status_reason] if job.status_reason else [],
            },
        },
    }


class JobEventPublisher:
    """Publishes events one at a time, without blocking jobs."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def publish(self, event: dict[str, Any]) -> None:
        """Queue an event."""
        self._queue.put_nowait(event)

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            event = await self._queue.get()
            try:
                await self._publish(event)
            except Exception:
                details = event["detail"]["serviceEventDetails"]
                logger.exception("event of job %s (%s) lost", details["jobId"], details["status"])
            finally:
                self._queue.task_done()

    async def drain(self) -> None:
        """Wait until all queued events have been published or lost."""
        await self._queue.join()
