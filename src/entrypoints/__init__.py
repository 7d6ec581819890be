"""The entry points (Lambda, HTTP, CLI), settings and wiring; thin, without domain rules."""

VERSION = "0.1.0"
"""The product's version, as in pyproject.toml: the functions run without an installation."""
