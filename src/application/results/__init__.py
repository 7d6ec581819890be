"""A job's files and error records: where they are, how they are written and read.

In: outcomes, entries, errors. Out: the files under `jobs/ID/` in the results bucket, and the
records of the error table. Ports: `ResultsStore`, `ErrorLog`.
"""
