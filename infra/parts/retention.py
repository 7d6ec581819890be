"""What becomes of things that hold data when the stack goes."""

from aws_cdk import RemovalPolicy

from infra.config import Config


def removal_policy(config: Config) -> RemovalPolicy:
    """Return whether what holds data outlives the stack.

    What is kept is not kept when the very deployment that makes it fails: it is empty, and would
    be left behind under a name that nobody knows (CloudFormation User Guide, "DeletionPolicy
    attribute": RetainExceptOnCreate).
    """
    return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if config.keeps_data else RemovalPolicy.DESTROY
