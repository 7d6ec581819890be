"""The settings of the emulator."""

from dataclasses import dataclass
from enum import StrEnum


class KeyFieldMeasure(StrEnum):
    """What the limit of 1,024 characters on a manifest's key field counts.

    "Invoke AWS Lambda function" (S3 User Guide) gives the number and not the measure.
    """

    DECODED = "decoded"
    """The UTF-8 bytes of the key itself, as S3 counts keys."""
    ENCODED = "encoded"
    """The characters as written in the manifest: at least three for a non-ASCII character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOperationsSettings:
    """Settings of one emulator.

    Attributes:
        region: Region named in job ARNs and events.
        task_concurrency: Tasks of one job that run at the same time. S3 uses the
            concurrency that the function allows ("Using AWS Lambda with Amazon S3 batch
            operations", Lambda guide); the emulator needs a number.
        shuffle_rows: Rows that are shuffled together before they run. "Tracking job
            status and completion reports" (S3 User Guide): tasks do not necessarily run
            in manifest order. 1 keeps the manifest order.
        redrives_max: Retries after a TemporaryFailure. Unconfirmed: AWS
            publishes no number.
        redrive_delay_s: Delay before each retry, in seconds. Also unconfirmed.
        threshold_tasks_min: Tasks that must have run before the failure threshold counts.
        threshold_failed_percent: Share of failed tasks above which the job fails.
        report_rows_per_file_max: Rows after which a report file is closed and the next
            begins. Unconfirmed: AWS publishes no number; a file of 100,001 rows has been seen
            (sample-replicate-on-tag-for-amazon-s3).
        report_lag_s: Seconds between Complete, Failed or Cancelled and the report's
            appearance. With 0 the report is there before the status says so.
        report_encryption: `ServerSideEncryption` of report files, None for an S3
            endpoint without encryption. "Examples: S3 Batch Operations completion
            reports" (S3 User Guide): always SSE-S3.
        key_field_measure: What the key length limit counts.
        manifest_block_bytes: Bytes of the manifest held at a time.
        step_delay_s: Seconds spent in each state before Active, so that it can be
            observed.
        suspended_days_max: Days after which an unconfirmed job fails ("Creating an S3
            Batch Operations job", S3 User Guide: 30).
        visible_after_s: Seconds during which a new job is still unknown to the other
            calls. "Troubleshooting S3 Batch Operations" (S3 User Guide) warns of it.
        unknown_job_code: Error code for an unknown job. The API model says
            NotFoundException, the troubleshooting page NoSuchJobException, the error
            text "No such job"; a client must handle all of them.
    """

    region: str = "us-east-1"
    task_concurrency: int = 16
    shuffle_rows: int = 64
    redrives_max: int = 2
    redrive_delay_s: float = 1.0
    threshold_tasks_min: int = 1_000
    threshold_failed_percent: int = 50
    report_rows_per_file_max: int = 1_000_000
    report_lag_s: float = 0.0
    report_encryption: str | None = "AES256"
    key_field_measure: KeyFieldMeasure = KeyFieldMeasure.DECODED
    manifest_block_bytes: int = 512 * 1024
    step_delay_s: float = 0.0
    suspended_days_max: int = 30
    visible_after_s: float = 0.0
    unknown_job_code: str = "NoSuchJob"

    def __post_init__(self) -> None:
        """Reject numbers with which a job could never end."""
        for name in (
            "task_concurrency",
            "shuffle_rows",
            "report_rows_per_file_max",
            "manifest_block_bytes",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.redrives_max < 0:
            raise ValueError("redrives_max must not be negative")
