"""What the use cases need from outside, as Protocols and their errors; independent of adapters."""
