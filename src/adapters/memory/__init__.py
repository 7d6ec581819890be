"""The ports on a small in-memory database; independent of AWS and of the other adapters."""
