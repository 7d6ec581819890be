"""Multipart copies of objects above 5 GB: resumed by each worker, aborted when not needed.

In: an object to copy, and the chunk's copy-state file. Out: a copied object, or a copy-state file
with the copied parts. Ports: `ObjectStore`, `ResultsStore`.
"""
