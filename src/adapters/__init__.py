"""The implementations of the ports, a package per technology; no use cases, no entrypoints."""
