"""The condition If-Match of a request that replaces an object."""

from moto.s3.exceptions import MissingKey, PreconditionFailed
from moto.s3.responses import S3Response


def check_if_match(response: S3Response, key_name: str) -> None:
    """Raise the error of S3 unless the object at this key has the ETag of If-Match."""
    expected = response.headers.get("If-Match")
    if expected is None:
        return
    found = response.backend.get_object(response.bucket_name, key_name)
    if found is None:
        raise MissingKey(key=key_name)
    if expected.strip('"') != found.etag.strip('"'):
        raise PreconditionFailed(failed_condition="If-Match")
