"""What AWS's "Guidance for a Media Lake on AWS" does with S3 events, as pure rules.

The facts are those of its repository, aws-solutions-library-samples/guidance-for-medialake-on-aws,
v1.18.3: `lambdas/ingest/s3/index.py`, here "the ingest", unless another file is named. No function
here does I/O, waits, logs or reads a clock: the event and the state are parameters, and what Media
Lake would write is returned as data. So a consumer, a simulator and a property test can share the
rules. Only `ingest`, the consumer, does I/O.

    file_types   which files it accepts, and the type of each
    messages     which messages it recognises
    values       parameters and results of the rules
    rules        the reaction to a created object
    deletions    the reaction to a deleted object or version
    items        the format of records and locks in DynamoDB
    ingest       the rules over S3 and DynamoDB

Not emulated: changes of storage class and restores (they set one attribute of a record),
collections, derived files, the search index and the vectors.
"""
