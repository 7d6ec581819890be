"""What a job cost, from its counts; and what a sync will cost, from the counts of its dry run."""

from __future__ import annotations

from dataclasses import replace

from domain.connector import Verify
from domain.cost_estimate import CostEstimate
from domain.job import COMPLETED, Job
from domain.pricing.bill import Bill, bill_of
from domain.pricing.costing import Costing
from domain.pricing.duration import duration_s
from domain.pricing.requests import requests_of
from domain.pricing.workload import Choice, workload_of_job
from domain.sync_request import SyncRequest


def choice_of(request: SyncRequest) -> Choice:
    """Return the way to sync that a request names."""
    return Choice(
        discovery=request.options.discovery,
        trigger=request.ingest.trigger,
        verify=request.options.verify or Verify.TAGS,
        dry_run=request.options.dry_run,
    )


def actual_bill(job: Job, costing: Costing) -> Bill | None:
    """Return what a job used, None until it has completed.

    A job that was cancelled, or that failed, used more than its counts show.
    """
    if job.status not in COMPLETED:
        return None
    workload = workload_of_job(job, costing.model.catalog)
    return bill_of(requests_of(workload, choice_of(job.request), costing.model), costing.table)


def estimate_for(job: Job, costing: Costing) -> CostEstimate | None:
    """Return the estimate that a job was started with.

    Of a dry run that has completed: what the sync costs that does what the dry run decided.
    """
    if not (job.status in COMPLETED and job.request.options.dry_run):
        return job.request.estimate
    choice = replace(choice_of(job.request), dry_run=False)
    workload = workload_of_job(job, costing.model.catalog)
    bill = bill_of(requests_of(workload, choice, costing.model), costing.table)
    earlier = job.request.estimate
    return CostEstimate(
        dollars=bill.dollars,
        dollars_low=bill.dollars,
        dollars_high=bill.dollars,
        requests=bill.requests,
        seconds=duration_s(workload, choice, costing.model),
        region=costing.table.region,
        prices_of=costing.table.date,
        dollars_max=earlier.dollars_max if earlier else None,
    )
