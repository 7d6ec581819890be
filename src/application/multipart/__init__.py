"""Copies of objects above 5 GB, in parts: resumed from worker to worker, aborted when unwanted.

In: an object to copy, and the chunk's copy file. Out: a copied object, or a copy file that says how
far it is. Ports: `ObjectStore`, `ResultsStore`.
"""
