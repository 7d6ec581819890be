"""How work runs: concurrently within limits, until a deadline or a stop signal; and its tuning.

Ports: `Clock`, and `JobStore` for the stop signal.
"""
