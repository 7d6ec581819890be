"""What AWS's "Guidance for a Media Lake on AWS" does with S3 events, as pure rules.

The facts are those of its repository, aws-solutions-library-samples/guidance-for-medialake-on-aws,
v1.18.3: `lambdas/ingest/s3/index.py`, here "the ingest", unless another file is named. No function
here reads, waits, logs or knows the time: what happened and what was found are parameters, and
what Media Lake would write is returned as data. So a consumer, a simulator and a property test can
share the rules. `ingest` alone is not pure: it is the consumer's part, with the I/O.

    file_types   which files it takes, and the type of each
    messages     which messages it understands
    values       what the rules take and return
    rules        the reaction to a created object
    deletions    the reaction to a deleted object or version
    records      the table in memory: lookups, and a reaction applied
    items        the shape of records and locks in DynamoDB
    ingest       the rules over S3 and DynamoDB

Left out: changes of storage class and restores (they set one attribute of a record), collections,
derived files, the search index and the vectors.
"""
