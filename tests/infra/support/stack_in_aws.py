"""A stack as CloudFormation describes it; its tables, buckets, buses and roles are moto's.

Responses have the form of CloudFormation's API; what a deletion does follows its User Guide
("Deleting a stack"): a protected stack is refused, a bucket that is not empty and a bus that has
rules are not deleted and leave the stack DELETE_FAILED, and all that does not hold them is gone.
"""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError

NAME = "asset-sync-dev"
KINDS = {
    "table": "AWS::DynamoDB::Table",
    "bucket": "AWS::S3::Bucket",
    "bus": "AWS::Events::EventBus",
    "role": "AWS::IAM::Role",
    "policy": "AWS::IAM::ManagedPolicy",
    "function": "AWS::Lambda::Function",
}


_GONE = ("NoSuchBucket", "NoSuchEntity", "ResourceNotFoundException")


class StackInAws:
    """One stack; `resources` has kind and physical id by logical id."""

    def __init__(
        self,
        session: boto3.Session,
        resources: dict[str, tuple[str, str]],
        *,
        status: str = "CREATE_COMPLETE",
        protected: bool = False,
        deletion_policy: str = "Delete",
    ) -> None:
        self._session = session
        self.resources = resources
        self.status = status
        self.protected = protected
        self.deletion_policy = deletion_policy
        self.failed: dict[str, str] = {}
        self.deleted: set[str] = set()
        self.deletions = 0
        # Called before each resource is deleted, to act as a concurrent process.
        self.before_each: Callable[[str], None] = lambda _: None

    # The part of CloudFormation's API that is called.

    def describe_stacks(self, **_: str) -> Any:
        if self.status == "DELETE_COMPLETE":
            raise _error("ValidationError", f"Stack with id {NAME} does not exist")
        return {
            "Stacks": [{"StackStatus": self.status, "EnableTerminationProtection": self.protected}]
        }

    def get_template(self, **_: str) -> Any:
        return {
            "TemplateBody": {
                "Resources": {
                    name: {"Type": KINDS[kind], "DeletionPolicy": self.deletion_policy}
                    for name, (kind, _) in self.resources.items()
                }
            }
        }

    def get_paginator(self, operation: str) -> Any:
        pages = {
            "list_stack_resources": self._resource_pages,
            "describe_stack_events": self._event_pages,
        }
        stack = self

        class Pages:
            def paginate(self, **_: str) -> Iterator[Any]:
                stack.describe_stacks()
                return pages[operation]()

        return Pages()

    def update_termination_protection(self, **given: Any) -> None:
        self.protected = given["EnableTerminationProtection"]

    def _resource_pages(self) -> Iterator[Any]:
        for name, (kind, physical) in self.resources.items():
            status = "CREATE_COMPLETE"
            if name in self.deleted:
                status = "DELETE_COMPLETE"
            elif name in self.failed:
                status = "DELETE_FAILED"
            yield {
                "StackResourceSummaries": [
                    {
                        "LogicalResourceId": name,
                        "ResourceType": KINDS[kind],
                        "PhysicalResourceId": physical,
                        "ResourceStatus": status,
                        "ResourceStatusReason": self.failed.get(name, ""),
                    }
                ]
            }

    def _event_pages(self) -> Iterator[Any]:
        reason = "ReservedConcurrentExecutions decreases unreserved concurrency below 100"
        for name, text in (("Later", "Resource creation cancelled"), ("EngineFunction", reason)):
            yield {
                "StackEvents": [
                    {
                        "LogicalResourceId": name,
                        "ResourceStatus": "CREATE_FAILED",
                        "ResourceStatusReason": text,
                    }
                ]
            }

    # The deletion that `cdk destroy` requests.

    def delete(self) -> bool:
        """Delete the stack; return whether no resource is left."""
        self.deletions += 1
        if self.protected:
            raise AssertionError("a protected stack was to be deleted")
        self.failed = {}
        # Buckets and buses last: functions and roles hold their names.
        for name in sorted(self.resources, key=lambda each: self._rank(each)):
            if name in self.deleted:
                continue
            self.before_each(name)
            try:
                self._delete(*self.resources[name])
            except _NotDeleted as error:
                self.failed[name] = str(error)
            except ClientError as error:
                # A missing resource counts as deleted.
                if error.response["Error"]["Code"] not in _GONE:
                    raise
                self.deleted.add(name)
            else:
                self.deleted.add(name)
        self.status = "DELETE_FAILED" if self.failed else "DELETE_COMPLETE"
        return not self.failed

    def _rank(self, name: str) -> int:
        return {"bucket": 2, "bus": 2, "policy": 1}.get(self.resources[name][0], 0)

    def _delete(self, kind: str, physical: str) -> None:
        client = self._session.client
        if self.deletion_policy != "Delete":
            return
        if kind == "bucket":
            if client("s3").list_object_versions(Bucket=physical).get("Versions"):
                raise _NotDeleted("The bucket you tried to delete is not empty")
            client("s3").delete_bucket(Bucket=physical)
        elif kind == "bus":
            if client("events").list_rules(EventBusName=physical)["Rules"]:
                raise _NotDeleted("EventBus can't be deleted since it has rules")
            client("events").delete_event_bus(Name=physical)
        elif kind == "table":
            client("dynamodb").delete_table(TableName=physical)


class _NotDeleted(Exception):
    pass


def _error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "DescribeStacks")


class SessionWith:
    """A boto3 session with some clients replaced."""

    def __init__(self, session: Any, **services: Any) -> None:
        self._session = session
        self._services = services
        self.region_name = session.region_name

    def client(self, name: str, **options: Any) -> Any:
        return self._services.get(name) or self._session.client(name, **options)
