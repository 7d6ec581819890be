"""What happens to resources with data when the stack is deleted."""

from aws_cdk import RemovalPolicy

from infra.config import Config


def removal_policy(config: Config) -> RemovalPolicy:
    """Return whether what holds data outlives the stack.

    A resource is not kept if the deployment that creates it fails: it is empty, and would
    be left behind under an unknown name (CloudFormation User Guide, "DeletionPolicy
    attribute": RetainExceptOnCreate).
    """
    return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if config.keeps_data else RemovalPolicy.DESTROY
