"""The ways to meet the ports, a package per technology; knows no use case and no entrypoint."""
