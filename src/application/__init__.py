"""The use cases: load, decide, save, announce; knows ports and domain, never how a port is met."""
