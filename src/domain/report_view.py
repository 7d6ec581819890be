"""The JSON form of a bucket's report: one shape for the API and the CLI."""

from __future__ import annotations

from typing import Any

from domain.bucket_report import BucketReport, Setting, missing_statement


def report_view(report: BucketReport, role_arn: str | None) -> dict[str, Any]:
    """Return the report in the API's form; `role_arn` is the role of its bucket, if it has one."""
    return {
        "bucketName": report.bucket_name,
        "exists": report.exists,
        "ready": report.ready,
        "ownerConfirmed": report.owner_confirmed,
        "settings": {setting.value: report.settings.get(setting) for setting in Setting},
        "permissions": [
            {
                "action": each.action,
                "result": each.result.value,
                "needed": each.needed,
                "detail": each.detail,
            }
            for each in report.permissions
        ],
        "warnings": list(report.warnings),
        "missingStatement": missing_statement(report, role_arn),
    }
