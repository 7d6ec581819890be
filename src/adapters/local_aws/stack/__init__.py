"""The local stack: all emulated services together, provisioned like a deployment."""
