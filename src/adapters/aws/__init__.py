"""The ports on AWS, with aioboto3; independent of the other adapters."""
