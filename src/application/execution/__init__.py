"""How work is run: concurrently within bounds, until a deadline or a stop; and what can be tuned.

It knows no job, chunk or object. Ports: `Clock`.
"""
