"""The ports on AWS, with aioboto3 or aiobotocore; independent of the other adapters."""
