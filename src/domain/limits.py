"""Limits of AWS that the rules depend on: the value, its source and whether it is hard.

Every constant is a hard limit of the service unless its comment says otherwise. Sources are pages
of the AWS documentation by title, or the service model that the SDK ships; read in 2026-11.
"""

from __future__ import annotations

import re
from typing import Final

# S3 User Guide, "Creating object key names": 1 to 1,024 bytes of UTF-8.
OBJECT_KEY_BYTES_MAX: Final = 1024

# S3 User Guide, "Categorizing your storage using tags": ten tags on an object version,
# keys up to 128 and values up to 256 characters.
OBJECT_TAG_COUNT_MAX: Final = 10
OBJECT_TAG_KEY_CHARS_MAX: Final = 128
OBJECT_TAG_VALUE_CHARS_MAX: Final = 256

# S3 API Reference, CopyObject: objects up to "5 GB" in one call. The page does not say whether that
# is 5 * 10^9 or 5 * 2^30, so multipart copies start at the smaller one.
COPY_OBJECT_BYTES_MAX: Final = 5_000_000_000

# S3 User Guide, "Amazon S3 multipart upload limits": parts of 5 MiB to 5 GiB, the last may be
# smaller, at most 10,000 of them.
UPLOAD_PART_BYTES_MIN: Final = 5 * 1024**2
UPLOAD_PART_BYTES_MAX: Final = 5 * 1024**3
UPLOAD_PART_COUNT_MAX: Final = 10_000

# XML 1.0, "Characters": it cannot represent these characters. S3's responses to a multipart upload
# hold the key, so the upload id of a key with one of them could not be read ("ListObjectsV2",
# EncodingType, says so of listings).
NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

# EventBridge API Reference, PutEvents: ten entries in a call.
INGEST_EVENT_COUNT_MAX: Final = 10

# SQS API Reference, SendMessageBatch: ten entries; SendMessage: 900 seconds of delay.
QUEUE_MESSAGE_COUNT_MAX: Final = 10
QUEUE_DELAY_S_MAX: Final = 900

# SQS API Reference, GetQueueAttributes: the approximate numbers of messages are consistent about a
# minute after the last one was sent. This is an observation of AWS's, not a quota.
QUEUE_DEPTH_LAG_S: Final = 60

# SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS": reported while the queue has
# messages and is active; "Monitoring Amazon SQS queues using CloudWatch": each minute, and for a
# queue that was idle for hours after up to 15 minutes (read in 2026-11).
AGE_METRIC: Final = "ApproximateAgeOfOldestMessage"
AGE_METRIC_LAG_S: Final = 900

# DynamoDB API Reference, TransactWriteItems: 100 actions in a call, 4 MB.
TRANSACTION_ACTION_COUNT_MAX: Final = 100

# The names of a job's files have eight digits for the number of a chunk. A limit of this service.
CHUNK_INDEX_MAX: Final = 99_999_999

# S3 User Guide, "Invoke AWS Lambda function": no limit on resultString is published, so results are
# kept short. This is a default of this service, not a quota of AWS.
DISCOVERY_RESULT_CHARS_MAX: Final = 1024
