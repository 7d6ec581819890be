"""The HTTP API behind its Lambda handler; knows the use cases and HTTP, and no adapter."""
